// Reductions and softmax as CUDA kernels on the emulated device, against sums in double.
#include "kernels/emulated.hpp"

namespace tinygan {
namespace {

using namespace test;

/// n terms added in float in any order: (n - 1) eps sum|x|, to first order.
void check_reduce(const ReduceDims& d, int offset, bool nan) {
  CAPTURE(d.outer, d.reduced, d.inner, offset, nan);
  const Operand x(d.outer * d.reduced * d.inner, offset);
  if (nan) x.data()[x.size() / 2] = std::numeric_limits<float>::quiet_NaN();
  std::vector<double> sum(static_cast<std::size_t>(d.outer * d.inner)), magnitude(sum), most(sum);
  std::fill(most.begin(), most.end(), -2.0);
  for (index_t o = 0; o < d.outer; ++o)
    for (index_t r = 0; r < d.reduced; ++r)
      for (index_t i = 0; i < d.inner; ++i) {
        const auto v = static_cast<double>(x.data()[(o * d.reduced + r) * d.inner + i]);
        const auto at = static_cast<std::size_t>(o * d.inner + i);
        sum[at] += v, magnitude[at] += std::fabs(v);
        if (v > most[at] || v != v) most[at] = v;
      }
  const KernelTable<float>& k = emulated_kernels();
  const auto reduced = [&](ReduceOp op) {
    return both_ways(d.outer * d.inner, [&](float* y) {
      Workspace workspace(k.reduce_workspace(d));
      k.reduce(op, d, x.data(), y, workspace.data(), {});
      CHECK(workspace.intact());
    });
  };
  check_elements(
      reduced(ReduceOp::sum), [&](index_t i) { return sum[static_cast<std::size_t>(i)]; },
      [&](index_t i) { return static_cast<double>(d.reduced) * float_eps * magnitude[static_cast<std::size_t>(i)]; });
  check_elements(
      reduced(ReduceOp::max), [&](index_t i) { return most[static_cast<std::size_t>(i)]; },
      [](index_t) { return 0.0; });
}

TEST_CASE("Emulated reduce: rows, columns and anything between") {
  for (const int offset : {0, 1})
    for (const bool nan : {false, true})
      for (const ReduceDims d :
           {ReduceDims{1, 1, 1}, ReduceDims{1, 5, 1}, ReduceDims{3, 1024, 1}, ReduceDims{2, 1025, 1},
            ReduceDims{17, 33, 1}, ReduceDims{1, 20000, 1}, ReduceDims{3, 9001, 1}, ReduceDims{1, 1, 7},
            ReduceDims{1, 100, 10}, ReduceDims{2, 513, 64}, ReduceDims{1, 131, 196}, ReduceDims{3, 7, 33},
            ReduceDims{2, 3, 2}, ReduceDims{1, 2000, 1 + 3}})
        check_reduce(d, offset, nan);
}

TEST_CASE("Emulated softmax and log_softmax") {
  for (const NormDims d :
       {NormDims{1, 1}, NormDims{5, 10}, NormDims{9, 33}, NormDims{2, 1024}, NormDims{2, 1025}, NormDims{1, 5000}}) {
    CAPTURE(d.rows, d.channels);
    const Operand x(d.rows * d.channels, 0);
    for (index_t i = 0; i < x.size(); ++i) x.data()[i] *= 20;
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
    const auto p = both_ways(x.size(), [&](float* y) { emulated_kernels().softmax(d, x.data(), y, {}); });
    check_elements(p, [&](index_t i) { return std::exp(log_p(i)); },
                   [&](index_t i) { return (n + 50) * float_eps * std::exp(log_p(i)) + 1e-37; });
    const auto l = both_ways(x.size(), [&](float* y) { emulated_kernels().log_softmax(d, x.data(), y, {}); });
    check_elements(l, log_p, [&](index_t i) { return float_eps * (n + 50 + 2 * std::fabs(log_p(i))); });
  }
  const float x[3] = {1, std::numeric_limits<float>::quiet_NaN(), 2};
  for (const float v : both_ways(3, [&](float* y) { emulated_kernels().softmax({1, 3}, x, y, {}); })) CHECK(v != v);
}

}  // namespace
}  // namespace tinygan
