// docs/mistakes.md: every row is a mistake that throws the message beside it, on the CPU and on the emulated device.
#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <vector>

#include <tinygan/tinygan.hpp>

#include "support/catch.hpp"
#include "support/paths.hpp"
#include "support/temporary.hpp"

using namespace tinygan;

namespace {

struct Mistake {
  std::string code;
  std::function<void()> make;
};

/// The code as it stands in the table, and as it is run.
#define MISTAKE(...)                   \
  Mistake {                            \
#__VA_ARGS__, [&] { __VA_ARGS__; } \
  }

std::string read_page() {
  std::ifstream file(test_file("../docs/mistakes.md"));
  REQUIRE(file);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::size_t rows_of(const std::string& page) {
  std::size_t rows = 0;
  for (std::size_t at = 0; (at = page.find("\n| `", at)) != std::string::npos; ++at) ++rows;
  return rows;
}

/// Checks that the mistake throws what the page says. `hide` is what differs from run to run, such as a folder.
void check_row(const std::string& page, const Mistake& m, const std::string& hide = "") {
  std::string message = support::error_of(m.make);
  if (const std::size_t at = hide.empty() ? std::string::npos : message.find(hide); at != std::string::npos)
    message.erase(at, hide.size());
  const std::string row = "| `" + m.code + "` | `" + message + "` |";
  INFO("docs/mistakes.md has no row that begins\n" << row);
  CHECK(message != "");
  CHECK(page.find("\n" + row) != std::string::npos);
}

/// What the rows of the first table are about, and their mistakes.
struct Workshop {
  explicit Workshop(Device d) : device(d) {}

  std::vector<Mistake> mistakes();

  Variable<float> constant(const Shape& shape, float value = 1) const {
    return Tensor<float>::full(shape, value, device);
  }
  Variable<float> leaf(const Shape& shape, float value = 1) const {
    return Variable<float>(Tensor<float>::full(shape, value, device), true);
  }

  Device device;
  Generator random{1, device};
  Tensor<float> t = Tensor<float>::zeros({2, 3}, device);
  Variable<float> x = constant({2, 3}), y = constant({2, 4}), w = leaf({3, 3}), b = leaf({3});
  Variable<float> nchw = constant({8, 3, 32, 32}), filter = leaf({5, 5, 3, 16});
  Variable<float> logits = constant({4}), empty;
};

std::vector<Mistake> Workshop::mistakes() {
  return {
    MISTAKE(Tensor<float>().size()), MISTAKE(Tensor<float> moved = std::move(t); t.fill(0)),
        MISTAKE(Tensor<float>({2, 0}, device)), MISTAKE(Tensor<float>({1 << 30, 1 << 30, 1 << 30}, device)),
        MISTAKE(t.reshape({4, 2})), MISTAKE(t[2]), MISTAKE(t.rows(1, 4)), MISTAKE(t.item()),
        MISTAKE(t.copy_from(std::vector<float>{1, 2})), MISTAKE(ops::relu(empty)), MISTAKE(x + y),
        MISTAKE(ops::matmul(x, x)), MISTAKE(ops::slice(x, 1, 0, 4)), MISTAKE(ops::sum(x, {2})),
        MISTAKE(ops::concat<float>({x, y}, 0)), MISTAKE(ops::conv2d(nchw, filter, ConvOptions{})),
        MISTAKE(ops::conv2d_transpose(nchw, filter, ConvOptions{}, {}, 1)), MISTAKE(ops::dropout(x, 1.0f, random)),
        MISTAKE(ops::batch_norm<float>(logits, b, b, {})), MISTAKE(random_uniform<float>({2}, random, 1, 0)),
        MISTAKE(grad(w * w, {w})), MISTAKE(grad(ops::sum(w), {w, x})),
        MISTAKE(const NoGrad scope; grad(ops::sum(w), {w})),
        MISTAKE(auto loss = ops::sum(w * w); grad(loss, {w}); grad(loss, {w})),
        MISTAKE(auto loss = ops::sum(w * w); w.value().fill(0); grad(loss, {w})),
        MISTAKE(auto mine = record<float>("mine", t, {w, b}, [](const auto& c) { return std::vector{c.g}; });
                grad(ops::sum(mine), {w})),
        MISTAKE(const AnomalyScope scope; ops::log(logits - 1.0f)),
        MISTAKE(const AnomalyScope scope; ops::relu(logits * NAN)), MISTAKE(nn::mean_squared_error(x, y)),
        MISTAKE(const AnomalyScope scope; nn::bce_with_logits(logits, logits * 2.0f)),
        MISTAKE(optim::Adam<float>({w, b, w})), MISTAKE(optim::Adam<float>({x})),
        MISTAKE(optim::Adam<float>({w}, {.learning_rate = -1})), MISTAKE(optim::Sgd<float>({w}).step()),
        MISTAKE(optim::Sgd<float>({w, b}).step(grad(ops::sum(w * b), {b, w}))), MISTAKE(optim::Ema<float>({w}, {w})),
  };
}

/// Mistakes with models, files and threads.
std::vector<Mistake> mistakes_with_models(const std::filesystem::path& folder) {
  static Generator random(1);  // what the mistakes refer to outlives this function
  static Variable<float> x = Tensor<float>::zeros({2, 3});
  static const nn::Sequential<float> model(nn::Dense<float>(3, 4, {}, random));
  static const auto weights = [](index_t extent) {
    io::SafetensorsFile file;
    const std::vector<float> values(static_cast<std::size_t>(extent * 4));
    file.add<float>("net.dense.kernel", values, {extent, 4});
    file.add<float>("net.dense.bias", std::vector<float>(4), {4});
    return file;
  };
  return {
    MISTAKE(nn::Dense<float>(5, 4, {}, random)(x, nn::Pass::infer())),
        MISTAKE(nn::Sequential<float>()(x, nn::Pass::infer())),
        MISTAKE(auto layer = nn::Dense<float>(3, 4, {}, random); auto moved = std::move(layer);
                layer(x, nn::Pass::infer())),
        MISTAKE(const AnomalyScope scope; nn::BatchNorm<float>(3)(x, nn::Pass::infer())),
        MISTAKE(auto pass = nn::Pass::infer(); {
          Generator local(1);
          pass = nn::Pass::train(local);
        } nn::Dropout<float>(0.5)(x, pass)),
        MISTAKE(nn::one_hot<float>(std::vector<int>{0, 10}, 10)), MISTAKE(Tensor<float>({2}, Device::cuda())),
        MISTAKE(set_precision(Device::cpu(), Precision::bf16)), MISTAKE(cpu::set_threads(0)),
        MISTAKE(cpu::parallel_for(2, 1, [](index_t, index_t) { cpu::set_threads(1); })),
        MISTAKE(data::Batches(100, {.batch_size = 128})), MISTAKE(data::find_mnist(folder)),
        MISTAKE(io::read_safetensors(folder / "notes.txt")),
        MISTAKE(io::load_weights<float>(weights(5), "net.safetensors", {"net", &model})),
        MISTAKE(auto file = weights(3); file.add<float>("net.extra", std::vector<float>{1}, {1});
                io::load_weights<float>(file, "net.safetensors", {"net", &model})),
  };
}

template <class A>
concept gives_span = requires(A&& a) {
  std::forward<A>(a).host();
};
template <class A>
concept trains_with = requires(A&& a) {
  nn::Pass::train(std::forward<A>(a));
};

}  // namespace

TEST_CASE("Each likely mistake has its message in docs/mistakes.md") {
  const std::string page = read_page();
  std::size_t count = 0;
  for (const Device device : {Device::cpu(), Device::emulated()}) {
    count = 0;
    for (std::size_t i = 0;; ++i, ++count) {
      Workshop shop(device);  // each mistake meets things as they were
      const std::vector<Mistake> all = shop.mistakes();
      if (i == all.size()) break;
      INFO("on " << device);
      check_row(page, all[i]);
    }
  }
  const support::TemporaryFolder folder;
  folder.file("notes.txt", std::string("weights of the net\n"));
  for (const Mistake& m : mistakes_with_models(folder.path())) {
    check_row(page, m, folder.path().string());
    ++count;
  }

  STATIC_REQUIRE(gives_span<const Tensor<float>&>);
  STATIC_REQUIRE_FALSE(gives_span<Tensor<float>>);
  STATIC_REQUIRE(trains_with<Generator&>);
  STATIC_REQUIRE_FALSE(trains_with<Generator>);
  for (const char* row : {"\n| `auto s = model(x, pass).value().host()` |", "\n| `nn::Pass::train(Generator(1))` |"}) {
    CHECK(page.find(row) != std::string::npos);
    ++count;
  }
  CHECK(rows_of(page) == count);
}
