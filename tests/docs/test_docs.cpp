// README and docs quote code; a quotation that no longer stands in its file is an error.
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <tinygan/tinygan.hpp>

#include "support/catch.hpp"
#include "support/paths.hpp"

using namespace tinygan;

namespace {

std::string read_text(const std::string& path) {
  std::ifstream file(path);
  if (!file) FAIL("cannot read " << path);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// The ```cpp blocks of a Markdown text; each begins with a line "// <file>".
std::vector<std::string> cpp_blocks(const std::string& markdown) {
  const std::string open = "\n```cpp\n", close = "```";
  std::vector<std::string> blocks;
  for (std::size_t at = 0; (at = markdown.find(open, at)) != std::string::npos;) {
    at += open.size();
    const std::size_t end = markdown.find(close, at);
    REQUIRE(end != std::string::npos);
    blocks.push_back(markdown.substr(at, end - at));
    at = end + close.size();
  }
  return blocks;
}

}  // namespace

TEST_CASE("C++ in README and docs is quoted from files that are compiled", "[docs]") {
  int quotations = 0;
  std::vector<std::filesystem::path> pages{test_file("../README.md")};
  for (const auto& entry : std::filesystem::recursive_directory_iterator(test_file("../docs")))
    if (entry.path().extension() == ".md") pages.push_back(entry.path());
  for (const std::filesystem::path& page : pages) {
    for (const std::string& block : cpp_blocks(read_text(page.string()))) {
      INFO(page << ":\n" << block);
      const std::size_t line = block.find('\n');
      REQUIRE(block.rfind("// ", 0) == 0);
      const std::string file = block.substr(3, line - 3), quotation = block.substr(line + 1);
      REQUIRE_FALSE(quotation.empty());
      CHECK(read_text(test_file("../" + file)).find(quotation) != std::string::npos);
      ++quotations;
    }
  }
  CHECK(quotations >= 10);
}

TEST_CASE("the examples of the docs run", "[docs]") {
  Generator random(7);
  check_grads<double>([](const std::vector<Variable<double>>& v) { return ops::softplus(v[0] * v[1]); },
                      {random_normal<double>({3, 4}, random), random_normal<double>({4}, random)}, {.order = 2});
}

TEST_CASE("README: gradients of gradients", "[docs]") {
  Generator random(7);
  const Variable<float> x(random_normal<float>({8, 5}, random), true);
  const Variable<float> w(random_normal<float>({5, 1}, random), true);
  const Variable<float> y = ops::sum(ops::tanh(ops::matmul(x, w)));
  const Variable<float> slope = grad(y, {x}, {.create_graph = true})[0];
  const Variable<float> penalty = ops::mean(ops::square(ops::norm(slope, {1}) - 1));
  const Variable<float> dw = grad(penalty, {w})[0];
  CHECK(dw.shape() == Shape{5, 1});
  CHECK(penalty.item() > 0);
}
