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

/// Where the body of the kernel begins whose "__global__" is at `at`; npos if this is no definition.
std::size_t body(const std::string& source, std::size_t at) {
  int depth = 0;
  for (; at < source.size(); ++at) {
    const char c = source[at];
    depth += c == '(' ? 1 : c == ')' ? -1 : 0;
    if (depth == 0 && c == ';') break;
    if (depth == 0 && c == '{') return at + 1;
  }
  return std::string::npos;
}

/// Kernels of a file that do not begin as they must.
std::vector<std::string> wrong_beginnings(const std::string& source, int& kernels) {
  std::vector<std::string> wrong;
  for (std::size_t at = 0; (at = source.find("__global__ ", at)) != std::string::npos; ++at) {
    const std::size_t begin = body(source, at);
    if (begin == std::string::npos) continue;
    ++kernels;
    std::istringstream statements(source.substr(begin, 400));
    std::string line;
    const auto next = [&] {
      while (std::getline(statements, line) && line.empty()) {}
      line.erase(0, line.find_first_not_of(' '));
      return line;
    };
    next();
    if (line == "if constexpr (has_wgmma) {") next();
    if (line.starts_with("prefetch_maps<")) next();
    if (line != "grid_begin();") wrong.push_back(source.substr(at, begin - at) + " begins with " + line);
  }
  return wrong;
}

/// Whether something is assigned, or initialised after an equals sign, from a list that names members.
bool assigns_named_members(const std::string& source) {
  return std::regex_search(source, std::regex(R"(= \{\s*\.[a-z_])"));
}

}  // namespace

// Inside a template nvcc 13.0 assigns the values of such a list to the members in order of declaration, whatever their
// names, if one depends on a template parameter: p = {.row = r, .piece = x * P::depth} sets the second member.
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

// A kernel that does not wait for the one before it would read what is not there yet, once launches overlap.
TEST_CASE("Every kernel begins with grid_begin()") {
  int kernels = 0;
  for (const char* folder : {"../kernels", "../bench/ladder"})
    for (const auto& entry : std::filesystem::recursive_directory_iterator(test_file(folder))) {
      const std::string name = entry.path().filename();
      // launch.cuh defines it; the one kernel of runtime.cuh is never launched.
      if (entry.path().extension() != ".cuh" || name == "launch.cuh" || name == "runtime.cuh") continue;
      CAPTURE(entry.path());
      CHECK(wrong_beginnings(contents(entry.path()), kernels) == std::vector<std::string>());
    }
  CHECK(kernels > 40);
  CHECK(wrong_beginnings("__global__ void k(int* x) {\n  x[0] = 1;\n}", kernels).size() == 1);
  CHECK(wrong_beginnings("__global__ void k(int* x) {\n  grid_begin();\n  x[0] = 1;\n}", kernels).empty());
}
