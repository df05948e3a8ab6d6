#include "base/build_info.hpp"

#include <tinygan/base/version.hpp>

#include "source_commit.hpp"  // written by the build, see examples/CMakeLists.txt

namespace dcgan_mnist {

std::string library_version() { return tinygan::version_text; }
std::string source_commit() { return TINYGAN_SOURCE_COMMIT; }
std::string build_type() { return TINYGAN_BUILD_TYPE; }

std::string compiler() {
#ifdef __clang__
  return "clang " __clang_version__;
#else
  return "g++ " __VERSION__;
#endif
}

bool optimised() {
#ifdef __OPTIMIZE__
  return true;
#else
  return false;
#endif
}

}  // namespace dcgan_mnist
