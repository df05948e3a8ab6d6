// README and docs quote code, options, tests; what no longer stands where it is said to stand is an error.
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include <tinygan/profile/profile.hpp>
#include <tinygan/tinygan.hpp>

#include "support/catch.hpp"
#include "support/paths.hpp"
#include "support/temporary.hpp"

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

/// README and every page of docs/.
std::vector<std::filesystem::path> pages() {
  std::vector<std::filesystem::path> all{test_file("../README.md")};
  for (const auto& entry : std::filesystem::recursive_directory_iterator(test_file("../docs")))
    if (entry.path().extension() == ".md") all.push_back(entry.path());
  return all;
}

/// Words of a text, with one space between them.
std::string one_line(const std::string& text) {
  std::istringstream words(text);
  std::string line;
  for (std::string word; words >> word;) line += line.empty() ? word : ' ' + word;
  return line;
}

/// The model of examples/classifier.cpp, untrained.
nn::Sequential<float> digits_model() {
  const nn::Conv2DOptions conv{.kernel = 5, .padding = Padding::same(), .activation = Activation::relu};
  return nn::Sequential(nn::Conv2D(1, 16, conv), nn::MaxPool2D(2), nn::Conv2D(16, 32, conv), nn::MaxPool2D(2),
                        nn::Flatten(), nn::Dense(7 * 7 * 32, 128, {.activation = Activation::relu}), nn::Dropout(0.5),
                        nn::Dense(128, 10));
}

}  // namespace

TEST_CASE("C++ in README and docs is quoted from files that are compiled", "[docs]") {
  int quotations = 0;
  for (const std::filesystem::path& page : pages()) {
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

TEST_CASE("tests that docs/numerics.md names in `\"quotes\"` exist", "[docs]") {
  std::string tests;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(test_file("")))
    if (entry.path().extension() == ".cpp") tests += read_text(entry.path().string());
  const std::string page = read_text(test_file("../docs/numerics.md")), open = "`\"", close = "\"`";
  int names = 0;
  for (std::size_t at = 0; (at = page.find(open, at)) != std::string::npos; ++names) {
    at += open.size();
    const std::size_t end = page.find(close, at);
    REQUIRE(end != std::string::npos);
    const std::string name = one_line(page.substr(at, end - at));
    INFO(name);
    CHECK(tests.find("TEST_CASE(\"" + name + '"') != std::string::npos);
    at = end + close.size();
  }
  CHECK(names >= 40);
}

TEST_CASE("the examples of the docs run", "[docs]") {
  Generator random(7);
  check_grads<double>([](const std::vector<Variable<double>>& v) { return ops::softplus(v[0] * v[1]); },
                      {random_normal<double>({3, 4}, random), random_normal<double>({4}, random)}, {.order = 2});
}

TEST_CASE("README: the parameters of each network", "[docs]") {
  const auto millions = [](index_t count) {
    char shown[16];
    const double m = static_cast<double>(count) / 1e6;
    std::snprintf(shown, sizeof shown, m < 0.01 ? "%.3f M" : "%.2f M", m);
    return std::string(shown);
  };
  const std::string readme = read_text(test_file("../README.md"));
  for (const std::string name : models::network_names) {
    Generator random(1);
    const auto n = models::make_networks<float>(models::network_from_name(name), {}, random);
    const std::size_t row = readme.find("\n| `" + name + '`');
    INFO(name);
    REQUIRE(row != std::string::npos);
    const std::string line = readme.substr(row + 1, readme.find('\n', row + 1) - row - 1);
    INFO(line);
    CHECK(line.ends_with("| " + millions(n.generator.parameter_count()) + " / " +
                         millions(n.discriminator.parameter_count()) + " |"));
  }
}

TEST_CASE("README: headers and kernels are below 2 MB", "[docs]") {
  std::uintmax_t bytes = 0;
  for (const char* folder : {"../include", "../kernels"})
    for (const auto& entry : std::filesystem::recursive_directory_iterator(test_file(folder)))
      if (entry.is_regular_file()) bytes += entry.file_size();
  CHECK(bytes > 1'000'000);
  CHECK(bytes < 2'000'000);
  CHECK(read_text(test_file("../README.md")).find("| size | below 2 MB |") != std::string::npos);
}

TEST_CASE("tutorial: another program loads the classifier", "[docs]") {
  const support::TemporaryFolder folder;
  struct Here {  // the working directory, restored
    std::filesystem::path before = std::filesystem::current_path();
    ~Here() { std::filesystem::current_path(before); }
  } here;
  std::filesystem::current_path(folder.path());

  nn::Sequential trained = digits_model();
  io::save("classifier.safetensors", trained);
  Generator random(3);
  const Variable<float> images = random_uniform<float>({5, 28, 28, 1}, random, 0, 1);
  const std::vector<std::int32_t> expected = ops::argmax(trained(images), -1).to_vector();

  nn::Sequential model = digits_model();  // the layers of the program that wrote the file
  io::load("classifier.safetensors", model);
  const Tensor<std::int32_t> digits = ops::argmax(model(images), -1);  // images (N,28,28,1), 0 black to 1 white
  CHECK(digits.to_vector() == expected);
}

namespace {

/// y = x / (1 + |x|), one node on the tape.
Variable<double> softsign(const Variable<double>& x) {
  Tensor<double> y(x.shape());  // on the CPU; on a GPU a kernel of your own would fill it
  for (index_t i = 0; i < y.size(); ++i) y.data()[i] = x.value().data()[i] / (1 + std::abs(x.value().data()[i]));
  return record<double>("softsign", y, {x}, [](const Backward<double>& c) {
    return std::vector{c.g / ops::square(1 + ops::abs(c.in[0]))};  // dy/dx = 1 / (1 + |x|)^2
  });
}

}  // namespace

TEST_CASE("adding-an-op.md: an op of a program's own", "[docs]") {
  Generator random(3);
  const Variable<double> y = softsign(Tensor<double>::from({-3, 0, 1}, {3}));
  CHECK(y.value().to_vector() == std::vector{-0.75, 0.0, 0.5});
  check_grads<double>([](const std::vector<Variable<double>>& v) { return softsign(v[0] * v[1]); },
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

TEST_CASE("profiling.md: a part of a run", "[docs]") {
  const support::TemporaryFolder folder;
  const std::string file = folder.path() / "trace.json";
  Generator random(7);
  nn::Sequential model(nn::Dense(5, 1, {}, random));
  optim::Adam adam(model.parameters());
  const Variable<float> x(random_normal<float>({8, 5}, random)), y(random_normal<float>({8, 1}, random));
  profile::start(file);  // throws Error if the file cannot be written
  {
    const profile::Scope scope("the first step");
    adam.step(grad(nn::mean_squared_error(model(x), y), model.parameters()));
  }
  profile::stop();
  CHECK(read_text(file).find("\"name\":\"the first step\"") != std::string::npos);
}
