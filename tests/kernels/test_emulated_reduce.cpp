// Reductions and softmax as CUDA kernels on the emulated device, against sums in double.
#include "kernels/emulated.hpp"

namespace tinygan {
namespace {

using namespace test;

/// n terms added in float in any order: (n - 1) eps sum|x|, to first order.
template <class T>
void check_reduce(const ReduceDims& d, int offset, bool nan) {
  CAPTURE(d.outer, d.reduced, d.inner, offset, nan);
  const Operand<T> x(d.outer * d.reduced * d.inner, offset);
  if (nan) x.data()[x.size() / 2] = T(std::numeric_limits<float>::quiet_NaN());
  std::vector<double> sum(static_cast<std::size_t>(d.outer * d.inner)), magnitude(sum), most(sum), least(sum);
  std::fill(most.begin(), most.end(), -2.0);
  std::fill(least.begin(), least.end(), 2.0);
  for (index_t o = 0; o < d.outer; ++o)
    for (index_t r = 0; r < d.reduced; ++r)
      for (index_t i = 0; i < d.inner; ++i) {
        const auto v = static_cast<double>(x.data()[(o * d.reduced + r) * d.inner + i]);
        const auto at = static_cast<std::size_t>(o * d.inner + i);
        sum[at] += v, magnitude[at] += std::fabs(v);
        if (v > most[at] || v != v) most[at] = v;
        if (v < least[at] || v != v) least[at] = v;
      }
  const KernelTable<T>& k = emulated_kernels<T>();
  const auto reduced = [&](ReduceOp op) {
    return both_ways<T>(d.outer * d.inner, [&](T* y) {
      GuardedWorkspace workspace;
      k.reduce(op, d, x.data(), y, workspace, {});
      CHECK(workspace.intact());
    });
  };
  check_stored(
      reduced(ReduceOp::sum), [&](index_t i) { return sum[static_cast<std::size_t>(i)]; },
      [&](index_t i) { return static_cast<double>(d.reduced) * float_eps * magnitude[static_cast<std::size_t>(i)]; });
  check_elements(
      reduced(ReduceOp::max), [&](index_t i) { return most[static_cast<std::size_t>(i)]; },
      [](index_t) { return 0.0; });
  check_elements(
      reduced(ReduceOp::min), [&](index_t i) { return least[static_cast<std::size_t>(i)]; },
      [](index_t) { return 0.0; });
}

template <class T>
void check_reduces() {
  for (const int offset : {0, 1})
    for (const bool nan : {false, true})
      for (const ReduceDims d :
           {ReduceDims{1, 1, 1}, ReduceDims{1, 5, 1}, ReduceDims{3, 1024, 1}, ReduceDims{2, 1025, 1},
            ReduceDims{17, 33, 1}, ReduceDims{1, 20000, 1}, ReduceDims{3, 9001, 1}, ReduceDims{1, 1, 7},
            ReduceDims{1, 100, 10}, ReduceDims{2, 513, 64}, ReduceDims{1, 131, 196}, ReduceDims{3, 7, 33},
            ReduceDims{2, 3, 2}, ReduceDims{1, 2000, 1 + 3}})
        check_reduce<T>(d, offset, nan);
}

TEST_CASE("Emulated reduce: rows, columns and anything between") { check_reduces<float>(); }
TEST_CASE("Emulated reduce of bfloat16: rows, columns and anything between") { check_reduces<bfloat16>(); }

template <class T>
void check_softmax() {
  for (const NormDims d :
       {NormDims{1, 1}, NormDims{5, 10}, NormDims{9, 33}, NormDims{2, 1024}, NormDims{2, 1025}, NormDims{1, 5000}}) {
    CAPTURE(d.rows, d.channels);
    const Operand<T> x(d.rows * d.channels, 0);
    for (index_t i = 0; i < x.size(); ++i) x[i] = T(20 * static_cast<float>(x[i]));
    const auto at = [&](index_t i) { return static_cast<double>(x.data()[i]); };
    std::vector<double> largest(static_cast<std::size_t>(d.rows), -1e9), total(static_cast<std::size_t>(d.rows));
    for (index_t i = 0; i < x.size(); ++i)
      largest[static_cast<std::size_t>(i / d.channels)] =
          std::max(largest[static_cast<std::size_t>(i / d.channels)], at(i));
    for (index_t i = 0; i < x.size(); ++i)
      total[static_cast<std::size_t>(i / d.channels)] +=
          std::exp(at(i) - largest[static_cast<std::size_t>(i / d.channels)]);
    const auto log_p = [&](index_t i) {
      const auto row = static_cast<std::size_t>(i / d.channels);
      return at(i) - largest[row] - std::log(total[row]);
    };
    // The sum of n positive terms is off by at most n eps of it; z = x - m by eps |z|, which e^z turns into eps |z| of
    // itself.
    const double n = static_cast<double>(d.channels);
    const auto p = both_ways<T>(x.size(), [&](T* y) { emulated_kernels<T>().softmax(d, x.data(), y, {}); });
    check_stored(
        p, [&](index_t i) { return std::exp(log_p(i)); },
        [&](index_t i) { return (n + 50) * float_eps * std::exp(log_p(i)) + 1e-37; });
    const auto l = both_ways<T>(x.size(), [&](T* y) { emulated_kernels<T>().log_softmax(d, x.data(), y, {}); });
    check_stored(l, log_p, [&](index_t i) { return float_eps * (n + 50 + 2 * std::fabs(log_p(i))); });
  }
  const T x[3] = {T(1.0f), T(std::numeric_limits<float>::quiet_NaN()), T(2.0f)};
  for (const T v : both_ways<T>(3, [&](T* y) { emulated_kernels<T>().softmax({1, 3}, x, y, {}); })) CHECK(v != v);
}

TEST_CASE("Emulated softmax and log_softmax") {
  check_softmax<float>();
  check_softmax<bfloat16>();
}

}  // namespace
}  // namespace tinygan
