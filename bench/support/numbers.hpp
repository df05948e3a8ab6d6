// Whole numbers of command lines and of the environment.
#pragma once

#include <charconv>
#include <cstdlib>
#include <string_view>

#include <tinygan/base/error.hpp>
#include <tinygan/base/shape.hpp>

namespace tinygan::bench {

/// More images than any network here is measured with, and few enough that no size overflows.
inline constexpr index_t most_images = 65536;

/// The number that `value` is, in decimal. Throws Error, which begins with `name`, unless it is one from 1 to `most`.
inline index_t count_of(std::string_view name, std::string_view value, index_t most) {
  index_t count = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), count);
  check(error == std::errc() && end == value.data() + value.size() && count >= 1 && count <= most, name, "'", value,
        "', expected a whole number from 1 to ", most);
  return count;
}

/// The same of an environment variable; `otherwise` where it is not set, or empty.
inline index_t count_of_environment(const char* name, index_t otherwise, index_t most) {
  const char* value = std::getenv(name);
  return value && *value ? count_of(name, value, most) : otherwise;
}

}  // namespace tinygan::bench
