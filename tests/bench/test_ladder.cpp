// Every rung of the ladder, on the emulated device, against sums in double.
#include "../../bench/ladder/ladder.cuh"

#include "kernels/emulated.hpp"

namespace tinygan {
namespace {

using namespace test;

double rounding(Precision p) { return p == Precision::fp32 ? 0 : p == Precision::tf32 ? 0x1p-11 : 0x1p-8; }

void check_ladder(const ConvDims& d) {
  const Operand x(d.x_shape().size(), 0, 1), w(d.w_shape().size(), 0, 2);
  const Reference expected = reference_conv2d(d, x.data(), w.data());
  std::vector<float> naive;
  for (const cuda::Rung& rung : cuda::ladder) {
    CAPTURE(rung.name, d.N, d.H, d.W, d.C, d.R, d.K, d.stride_h);
    const auto y = both_ways(d.y_shape().size(), [&](float* out) { rung.run(d, x.data(), w.data(), out, {}); });
    // Operands are rounded first; eps terms as for any sum.
    const double u = rounding(rung.precision), operands = 2 * u + u * u;
    check_elements(
        y, [&](index_t i) { return expected.value[static_cast<std::size_t>(i)]; },
        [&](index_t i) {
          return (operands + (1 + operands) * (expected.terms + 2) * float_eps) *
                 expected.magnitude[static_cast<std::size_t>(i)];
        });
    if (naive.empty()) naive = y;
    if (rung.precision == Precision::fp32)
      CHECK(first_difference(y, naive) == "");  // the sums of all fp32 rungs have one order
  }
}

TEST_CASE("Ladder: every rung convolves, at the edges of its tiles and of the image") {
  const auto options = [](index_t stride, Padding p) { return ConvOptions{stride, stride, p, 1, 1}; };
  check_ladder(conv_dims({66, 3, 2, 20}, {3, 3, 20, 68}, options(1, Padding::same())));
  check_ladder(conv_dims({130, 2, 2, 8}, {2, 2, 8, 4}, options(1, Padding::valid())));
  check_ladder(conv_dims({3, 7, 6, 36}, {5, 4, 36, 12}, options(2, Padding::same())));
  check_ladder(conv_dims({2, 3, 3, 4}, {2, 2, 4, 4}, options(1, Padding::all(3))));  // outputs that see no data
}

TEST_CASE("Ladder: what a rung cannot do it refuses") {
  const ConvDims odd = conv_dims({1, 4, 4, 3}, {2, 2, 3, 4}, {});
  const std::vector<float> x(48), w(48);
  std::vector<float> y(static_cast<std::size_t>(odd.y_shape().size()));
  for (const cuda::Rung& rung : cuda::ladder)
    if (rung.run != &cuda::ladder_naive && rung.run != &cuda::ladder_taps && rung.run != &cuda::ladder_shared &&
        rung.run != &cuda::ladder_registers)
      CHECK_THROWS_AS(rung.run(odd, x.data(), w.data(), y.data(), {}), Error);
  const ConvDims dilated = conv_dims({1, 6, 6, 4}, {2, 2, 4, 4}, {.dilation_h = 2, .dilation_w = 2});
  for (const cuda::Rung& rung : cuda::ladder)
    CHECK_THROWS_AS(rung.run(dilated, x.data(), w.data(), y.data(), {}), Error);
}

}  // namespace
}  // namespace tinygan
