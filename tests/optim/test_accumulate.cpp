#include <tinygan/optim/accumulate.hpp>
#include <tinygan/optim/clip.hpp>
#include <tinygan/optim/sgd.hpp>

#include <tinygan/ops/reduce.hpp>

#include "support/catch.hpp"
#include "support/temporary.hpp"
#include "support/values.hpp"

using namespace tinygan;
using namespace tinygan::test;
using support::error_of;
using V = Variable<float>;

namespace {

constexpr double eps = std::numeric_limits<float>::epsilon();
const Device devices[] = {Device::cpu(), Device::emulated()};

/// A parameter whose accumulated gradient is `g`.
V with_gradient(const Array& g, Device device) {
  const Shape shape{static_cast<index_t>(g.size())};
  const V p(Tensor<float>::zeros(shape, device), true);
  backward(ops::sum(p * V(tensor<float>(g, shape, device))));
  return p;
}

}  // namespace

TEST_CASE("the mean of several backward passes, in one update") {
  for (const Device device : devices) {
    const V p(Tensor<float>::from({1, -2}, {2}, device), true);
    optim::Sgd<float> sgd({p}, {.learning_rate = 0.5});
    for (const float factor : {1.0f, 2.0f, 5.0f, 8.0f}) backward(ops::sum(p * p) * static_cast<double>(factor));
    const std::uint64_t version = p.grad().version();
    optim::average_grads(sgd.parameters(), 4);
    CHECK(array(p.grad()) == Array{8, -16});  // 2 p (1 + 2 + 5 + 8) / 4
    CHECK(p.grad().version() != version);
    sgd.step();
    CHECK(array(p) == Array{-3, 6});
  }
}

TEST_CASE("GradAccumulator: the mean of several calls of grad(), again and again") {
  for (const Device device : devices) {
    const V p(Tensor<float>::from({1, -2}, {2}, device), true), q(Tensor<float>::from({3}, {1}, device), true);
    optim::GradAccumulator<float> batches;
    for (int round = 0; round < 2; ++round) {
      for (const double factor : {1.0, 2.0, 5.0, 8.0})
        batches.add(grad((ops::sum(p * p) + ops::sum(q)) * factor, {p, q}));
      CHECK(batches.count() == 4);
      const std::vector<V> mean = batches.mean();
      CHECK(array(mean[0]) == Array{8, -16});
      CHECK(array(mean[1]) == Array{4});
      CHECK(batches.count() == 0);
    }
  }
}

TEST_CASE("GradAccumulator: a batch alone is its own mean, in memory of its own or untouched") {
  const V g(Tensor<float>::from({0.1f, 3}, {2}));
  optim::GradAccumulator<float> batches;
  batches.add({g});
  batches.add({g});
  CHECK(array(batches.mean()[0]) == array(g));
  CHECK(array(g) == Array{static_cast<double>(0.1f), 3});
}

TEST_CASE("GradAccumulator sums bfloat16 gradients in fp32") {
  // 256 + 1 is 256 in bfloat16, so a sum in bfloat16 would stay at 256.
  const auto of = [](float value) { return Variable<bfloat16>(Tensor<bfloat16>::full({1}, bfloat16(value))); };
  optim::GradAccumulator<bfloat16> batches;
  batches.add({of(256)});
  for (int i = 0; i < 255; ++i) batches.add({of(1)});
  CHECK(array(batches.mean()[0]) == Array{2});  // 511 / 256, rounded to 8 bits
}

TEST_CASE("clipping what backward() accumulated: by global norm, in place, on every device") {
  for (const Device device : devices) {
    const V a = with_gradient({3, 0}, device), b = with_gradient({4}, device);
    const float* const at = a.grad().data();
    const std::uint64_t version = a.grad().version();
    CHECK(std::fabs(optim::clip_grads_by_global_norm<float>({a, b}, 10).item() - 5) <= 8 * eps * 5);
    CHECK(array(a.grad()) == Array{3, 0});
    CHECK(std::fabs(optim::clip_grads_by_global_norm<float>({a, b}, 1).item() - 5) <= 8 * eps * 5);
    // Of sum, root, sum, quotient and product one rounding each, and two of the squares.
    CHECK(std::fabs(array(a.grad())[0] - 3 / (5 + 1e-6)) <= 8 * eps);
    CHECK(std::fabs(array(b.grad())[0] - 4 / (5 + 1e-6)) <= 8 * eps);
    CHECK(a.grad().data() == at);
    CHECK(a.grad().version() != version);
  }
}

TEST_CASE("clipping what backward() accumulated: by value, in place, on every device") {
  for (const Device device : devices) {
    const V p = with_gradient({-3, -1, 0.5, 2}, device);
    const float* const at = p.grad().data();
    optim::clip_grads_by_value<float>({p}, 1);
    CHECK(array(p.grad()) == Array{-1, -1, 0.5, 1});
    CHECK(p.grad().data() == at);
  }
}

TEST_CASE("accumulation and clipping in place: errors") {
  const V p(Tensor<float>::zeros({2}), true), q = with_gradient({1}, Device::cpu());
  const std::string none = ": parameter 1 has no gradient; call backward() first";
  CHECK(error_of([&] { optim::average_grads<float>({q, p}, 2); }) == "average_grads" + none);
  CHECK(error_of([&] { optim::clip_grads_by_global_norm<float>({q, p}, 2); }) == "clip_grads_by_global_norm" + none);
  CHECK(error_of([&] { optim::clip_grads_by_value<float>({q, p}, 2); }) == "clip_grads_by_value" + none);
  CHECK(error_of([&] { optim::average_grads<float>({V{}}, 2); }) ==
        "average_grads: parameter 0 is empty, expected a variable with a value");
  CHECK(error_of([&] { optim::average_grads<float>({q}, 0); }) == "average_grads: count is 0, expected at least 1");
  CHECK(error_of([&] { optim::clip_grads_by_global_norm<float>({q}, 0); }) ==
        "clip_grads_by_global_norm: norm 0, expected above 0");
  CHECK(error_of([&] { optim::clip_grads_by_global_norm<float>({}, 1); }) == "global_norm: no tensors");
  CHECK(error_of([&] { optim::clip_grads_by_value<float>({q}, -1); }) ==
        "clip_grads_by_value: limit -1, expected above 0");

  optim::GradAccumulator<float> batches;
  CHECK(error_of([&] { batches.mean(); }) == "GradAccumulator: no gradients were added since the last mean()");
  CHECK(error_of([&] { batches.add({V{}}); }) ==
        "GradAccumulator: gradient 0 is empty, expected a variable with a value");
  batches.add({V(Tensor<float>::zeros({2}))});
  CHECK(error_of([&] { batches.add({}); }) == "GradAccumulator: 0 gradients, expected 1 as in the batches before");
  CHECK(error_of([&] { batches.add({V(Tensor<float>::zeros({3}))}); }) ==
        "GradAccumulator: gradient 0 has shape (3,), expected (2,) as in the batches before");
  CHECK(batches.count() == 1);
}
