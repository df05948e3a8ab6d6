#include "ops/cases/reduce.hpp"

#include "support/check_ops.hpp"
#include "support/temporary.hpp"

using namespace tinygan;
using namespace tinygan::test;

TEST_CASE("sums and broadcasts") { check_ops(reduce_cases()); }
TEST_CASE("means and norms") { check_ops(norms_cases()); }

TEST_CASE("every reduction has a case") {
  check_coverage("reduce.hpp", reduce_cases());
  check_coverage("norms.hpp", norms_cases());
}

TEST_CASE("a long sum keeps the error of blocked summation") {
  // 30 epsilons, as cpu/reduce.hpp promises; a running sum of floats is off by far more.
  constexpr index_t n = 1 << 20;
  const Variable<float> x(Tensor<float>::full({n}, 0.1f));
  const double expected = static_cast<double>(0.1f) * n;
  CHECK(std::fabs(static_cast<double>(ops::sum(x).item()) - expected) <= 30 * 0x1p-23 * expected);
  float running = 0;
  for (index_t i = 0; i < n; ++i) running += 0.1f;
  CHECK(std::fabs(static_cast<double>(running) - expected) > 30 * 0x1p-23 * expected);
}

namespace {

/// norm(x) and its first and second derivatives, the latter of sum of (dx)^2 + dx, in every form, at x = 0.
template <class T>
void check_norm_at_zero(Device device) {
  const ops::Axes forms[] = {{}, {0}, {-1}, {0, 1}};
  for (const auto& axes : forms)
    for (const bool keep : {false, true}) {
      const Variable<T> x(Tensor<T>::zeros({2, 3}, device), true);
      const Variable<T> y = ops::sum(ops::norm(x, axes, keep));
      const Variable<T> dx = grad(y, {x}, {.create_graph = true})[0];
      const Variable<T> second = grad(ops::sum(ops::square(dx) + dx), {x}, {.create_graph = true})[0];
      const Variable<T> penalty = ops::mean(ops::square(ops::norm(x, axes, keep) - 1));
      CHECK(array(y) == Array{0});
      CHECK(array(dx) == Array(6, 0.0));
      CHECK(array(second) == Array(6, 0.0));
      CHECK(array(grad(ops::sum(second * 3), {x})[0]) == Array(6, 0.0));
      CHECK(array(grad(penalty, {x})[0]) == Array(6, 0.0));
    }
  // rows of 0 beside others
  const Variable<T> x(Tensor<T>::from({T(0), T(0), T(3), T(4)}, {2, 2}, device), true);
  const Variable<T> dx = grad(ops::sum(ops::norm(x, {1})), {x}, {.create_graph = true})[0];
  const Array first = array(dx), second = array(grad(ops::sum(dx), {x})[0]);
  const Array slope{0, 0, 0.6, 0.8}, curvature{0, 0, 4.0 / 125, -3.0 / 125};  // (c - n <n,c>) / |x| for c = (1,1)
  const double eps = std::is_same_v<T, bfloat16> ? 0x1p-7 : std::numeric_limits<wide_t<T>>::epsilon();
  for (std::size_t i = 0; i < 4; ++i) {
    // x / sqrt(9 + 16), of size 1 at most; the second sums differences of a 5th, a product of three such divided by 5.
    CHECK(std::fabs(first[i] - slope[i]) <= 4 * eps);
    CHECK(std::fabs(second[i] - curvature[i]) <= 8 * eps / 5);
  }
}

}  // namespace

TEST_CASE("the derivatives of norm at 0 are 0, in every form and of every order") {
  check_norm_at_zero<double>(Device::cpu());
  for (Device device : devices()) {
    CAPTURE(text(device));
    check_norm_at_zero<float>(device);
    if (device.type != DeviceType::cpu) check_norm_at_zero<bfloat16>(device);
  }
}

TEST_CASE("norm hands on what is not a number, and infinity") {
  for (Device device : devices()) {
    const float nan = std::nanf(""), inf = std::numeric_limits<float>::infinity();
    const Variable<float> x(Tensor<float>::from({nan, 0, 1e30f, 1}, {2, 2}, device), true);
    const Variable<float> y = ops::norm(x, {1});
    CHECK((std::isnan(array(y)[0]) && array(y)[1] == static_cast<double>(inf)));
    CHECK(std::isnan(array(grad(ops::sum(y), {x})[0])[0]));
  }
}

TEST_CASE("max_last stops gradients") {
  const Variable<double> x(Tensor<double>::from({1.0, 3.0, 2.0}, {3}), true);
  CHECK_FALSE(ops::max_last(x).requires_grad());
}

TEST_CASE("reductions name what does not fit") {
  const Variable<float> x(Tensor<float>::zeros({2, 3, 4})), s(Tensor<float>::scalar(0));
  CHECK(support::error_of([&] { ops::sum(x, {3}); }) == "sum: axis 3 of (2, 3, 4), expected -3 to 2");
  CHECK(support::error_of([&] { ops::sum(x, {1, -2}); }) == "sum: axis -2 of (2, 3, 4) is named twice");
  CHECK(support::error_of([&] { ops::sum_to(x, {2, 4}); }) == "sum_to: cannot sum (2, 3, 4) to (2, 4)");
  CHECK(support::error_of([&] {
          ops::broadcast_to(x, {3, 4});
        }) == "broadcast_to: cannot broadcast (2, 3, 4) to (3, 4)");
  CHECK(support::error_of([&] { ops::mean(x, {0, 0}); }) == "mean: axis 0 of (2, 3, 4) is named twice");
  CHECK(support::error_of([&] { ops::norm(x, {-4}); }) == "norm: axis -4 of (2, 3, 4), expected -3 to 2");
  CHECK(support::error_of([&] { ops::norm(x, {}, false, -1); }) == "norm: epsilon -1, expected at least 0");
  CHECK(support::error_of([&] { ops::sum(s, {0}); }) == "sum: axis 0 of a scalar, which has none");
  CHECK(support::error_of([&] { ops::max_last(s); }) == "max_last: a scalar has no axis");
}
