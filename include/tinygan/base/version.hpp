// The version of tinygan, by semantic versioning; 0.x minor versions are free to break. CMake reads it from here.
#pragma once

#define TINYGAN_VERSION_MAJOR 0
#define TINYGAN_VERSION_MINOR 1
#define TINYGAN_VERSION_PATCH 0
/// One number for comparisons: 10203 is 1.2.3.
#define TINYGAN_VERSION (100 * 100 * TINYGAN_VERSION_MAJOR + 100 * TINYGAN_VERSION_MINOR + TINYGAN_VERSION_PATCH)

#define TINYGAN_DETAIL_TEXT_OF(x) #x
#define TINYGAN_DETAIL_TEXT(x) TINYGAN_DETAIL_TEXT_OF(x)

namespace tinygan {

/// "0.1.0".
inline constexpr const char* version_text = TINYGAN_DETAIL_TEXT(TINYGAN_VERSION_MAJOR) "." TINYGAN_DETAIL_TEXT(
    TINYGAN_VERSION_MINOR) "." TINYGAN_DETAIL_TEXT(TINYGAN_VERSION_PATCH);

}  // namespace tinygan

#undef TINYGAN_DETAIL_TEXT
#undef TINYGAN_DETAIL_TEXT_OF
