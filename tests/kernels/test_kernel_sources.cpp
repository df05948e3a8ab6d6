// What every kernel's source must keep to and no compiler checks.
#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>

#include "support/catch.hpp"
#include "support/paths.hpp"

namespace {

std::string contents(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

/// Whether something is assigned, or initialised after an equals sign, from a list that names members.
bool assigns_named_members(const std::string& source) {
  return std::regex_search(source, std::regex(R"(= \{\s*\.[a-z_])"));
}

}  // namespace

// Inside a template nvcc 13.0 assigns the values of such a list to the members in order of declaration, whatever their
// names, if one depends on a template parameter: p = {.row = r, .split_k = x * P::tile_k} sets the second member.
TEST_CASE("What nvcc compiles assigns no list of named members") {
  int files = 0;
  for (const char* folder : {"../kernels", "../include", "../bench/ladder"})
    for (const auto& entry : std::filesystem::recursive_directory_iterator(test_file(folder))) {
      if (!entry.is_regular_file()) continue;
      CAPTURE(entry.path());
      CHECK_FALSE(assigns_named_members(contents(entry.path())));
      ++files;
    }
  CHECK(files > 100);
  CHECK(assigns_named_members("p = {.row = 1};"));
  CHECK(assigns_named_members("p = {\n    .row = 1};"));
  CHECK_FALSE(assigns_named_members("Plan p{.row = 1};"));
}
