// Moments of the columns of a result that products and convolutions leave for batch normalisation: every tile that
// leaves them, and every product that does through the contract, against moments in double of the sums in double.
#include "../../kernels/gemm.cuh"

#include "kernels/products.hpp"

namespace tinygan::cuda {
namespace {

using namespace test;

/// The pieces joined, against the columns of `expected`, within fp32's error bound. A piece has at most `piece` rows.
void check_moments(const std::vector<float>& moments, const MomentDims& m, const Reference& expected, double piece) {
  const auto channels = static_cast<std::size_t>(m.channels), rows = expected.value.size() / channels;
  const auto pieces = static_cast<std::size_t>(m.pieces);
  REQUIRE(moments.size() == pieces * (2 * channels + 1));
  const float* const counts = moments.data() + 2 * pieces * channels;
  double count = 0;
  for (std::size_t p = 0; p < pieces; ++p) {
    CHECK((counts[p] >= 1 && double{counts[p]} <= piece));
    count += double{counts[p]};
  }
  REQUIRE(count == static_cast<double>(rows));
  for (std::size_t c = 0; c < channels; ++c) {
    double mean = 0, error = 0, low = expected.value[c], high = low, largest = 0;
    for (std::size_t r = 0; r < rows; ++r) {
      const std::size_t i = r * channels + c;
      mean += expected.value[i] / count;
      error = std::max(error, ((expected.terms + 2) * expected.magnitude[i] + 8) * float_eps);  // of an element
      low = std::min(low, expected.value[i]);
      high = std::max(high, expected.value[i]);
      largest = std::max(largest, std::fabs(expected.value[i]));
    }
    double squares = 0, found_mean = 0, found_squares = 0;
    for (std::size_t r = 0; r < rows; ++r) squares += std::pow(expected.value[r * channels + c] - mean, 2);
    const auto at = [&](std::size_t p, std::size_t which) { return double{moments[(2 * p + which) * channels + c]}; };
    for (std::size_t p = 0; p < pieces; ++p) found_mean += at(p, 0) * double{counts[p]} / count;
    for (std::size_t p = 0; p < pieces; ++p)
      found_squares += at(p, 1) + double{counts[p]} * std::pow(at(p, 0) - found_mean, 2);
    // Sums of `piece` differences from one row's value, of which none exceeds the spread.
    const double spread = high - low + 2 * error, sums = (piece + 8) * float_eps;
    CAPTURE(c, found_mean, mean, found_squares, squares);
    CHECK(std::fabs(found_mean - mean) <= error + sums * spread + float_eps * largest);
    CHECK(std::fabs(found_squares - squares) <=
          count * (2 * spread * error + error * error + 4 * sums * spread * spread + 2 * float_eps * largest * spread));
  }
}

/// f(moments) on poisoned memory, in both orders of execution.
template <class F>
std::vector<float> left_by(const MomentDims& m, const F& f) {
  return both_ways(m.size(), [&](float* moments) { f(moments); });
}

// ---- Tiles ----------------------------------------------------------------------------------------------------------

template <class P>
void check_tile(Precision precision, index_t M, index_t N, index_t K) {
  using T = typename P::Element;
  CAPTURE(precision, P::tile_m, P::tile_n, sizeof(T), M, N, K);
  const GemmDims d{M, N, K};
  const Operand<T> a(M * K, 0, 1), b(K * N, 0, 2), bias(N, 0, 3);
  Epilogue<T> e{.bias = bias.data(), .activation = Activation::leaky_relu, .slope = 0.5f};
  Reference expected =
      reference_gemm(d, rounded(precision, a.values()).data(), rounded(precision, b.values()).data());
  reference_epilogue(e, N, expected);
  const GemmPlan plan{.row_tiles = grid_extent(ceil_div(M, P::tile_m)),
                      .column_tiles = grid_extent(ceil_div(N, P::tile_n)),
                      .piece = round_up(K, P::depth),
                      .packed_c = N % 4 == 0};
  const MomentDims m{plan.row_tiles, N};
  std::vector<T> c(static_cast<std::size_t>(M * N)), plain = c;
  const auto run = [&](float* moments, std::vector<T>& out) {
    e.moments = moments;
    gemm_tiles<P, false, false>(d, plan, e, a.data(), b.data(), out.data(), nullptr, {});
  };
  check_moments(left_by(m, [&](float* moments) { run(moments, c); }), m, expected, P::tile_m);
  run(nullptr, plain);
  CHECK(same_bits(c, plain));  // the result is what it is without them
}

template <Precision F, class T>
void check_tiles() {
  const auto check = []<class P>(P) {
    check_tile<P>(F, P::tile_m + 5, P::tile_n + 4, 40);
    check_tile<P>(F, 2 * P::tile_m + P::tile_m / 2 + 1, 7, 3);
    check_tile<P>(F, 1, P::tile_n, 9);
  };
  check(typename TensorTiles<F, T>::Large{});
  check(typename TensorTiles<F, T>::Narrow{});
  check(typename TensorTiles<F, T>::Medium{});
}

TEST_CASE("Emulated moments: tiles in tf32") { check_tiles<Precision::tf32, float>(); }
TEST_CASE("Emulated moments: tiles in bf16") { check_tiles<Precision::bf16, float>(); }
TEST_CASE("Emulated moments: tiles of bfloat16 elements") { check_tiles<Precision::bf16, bfloat16>(); }

// ---- The contract ---------------------------------------------------------------------------------------------------

template <class T>
void check_gemm(Precision precision, const GemmDims& d) {
  CAPTURE(precision, sizeof(T), d.M, d.N, d.K, d.trans_a, d.trans_b);
  const UsePrecision use(precision);
  const KernelTable<T>& k = emulated_kernels<T>();
  const Operand<T> a(d.M * d.K, 0, 1), b(d.K * d.N, 0, 2);
  const MomentDims m{k.gemm_moment_pieces(d), d.N};
  REQUIRE(m.pieces > 0);
  Workspace workspace(k.gemm_workspace(d));
  std::vector<T> c(static_cast<std::size_t>(d.M * d.N));
  const auto moments = left_by(
      m, [&](float* to) { k.gemm(d, {.moments = to}, a.data(), b.data(), c.data(), workspace.data(), {}); });
  check_moments(moments, m,
                reference_gemm(d, rounded(precision, a.values()).data(), rounded(precision, b.values()).data()), 128);
}

template <class T>
void check_conv(Precision precision, const ConvDims& d, ConvSlot slot, bool biased = false) {
  CAPTURE(precision, sizeof(T), slot == ConvSlot::x, d.N, d.H, d.W, d.C, d.R, d.S, d.K, d.stride_h, d.pad_top);
  const UsePrecision use(precision);
  const KernelTable<T>& k = emulated_kernels<T>();
  const bool adjoint = slot == ConvSlot::x;
  const index_t channels = adjoint ? d.C : d.K;
  const Operand<T> in((adjoint ? d.y_shape() : d.x_shape()).size(), 0, 1), w(d.w_shape().size(), 0, 2),
      bias(channels, 0, 3);
  const std::vector<T> read = rounded(precision, in.values()), filter = rounded(precision, w.values());
  Reference expected = adjoint ? reference_conv2d_input_grad(d, read.data(), filter.data())
                               : reference_conv2d(d, read.data(), filter.data());
  Epilogue<T> e{.bias = biased ? bias.data() : nullptr, .activation = biased ? Activation::tanh : Activation::none};
  reference_epilogue(e, channels, expected);
  const MomentDims m{k.conv2d_moment_pieces(d, slot), channels};
  REQUIRE(m.pieces > 0);
  Workspace workspace(k.conv2d_workspace(d, slot));
  std::vector<T> out(expected.value.size());
  const auto moments = left_by(m, [&](float* to) {
    e.moments = to;
    (adjoint ? k.conv2d_input_grad : k.conv2d)(d, e, in.data(), w.data(), out.data(), workspace.data(), {});
  });
  check_moments(moments, m, expected, 128);
}

template <class T>
void check_contract(Precision precision) {
  for (const bool trans_a : {false, true})
    for (const bool trans_b : {false, true}) check_gemm<T>(precision, {70, 72, 40, trans_a, trans_b});
  check_gemm<T>(precision, {130, 37, 9});
  check_gemm<T>(precision, {1, 5, 7});
  const ConvDims strided = conv_dims({5, 7, 6, 8}, {5, 5, 8, 12}, conv_options(2, Padding::same()));
  const ConvDims sparse = conv_dims({3, 7, 7, 6}, {2, 2, 6, 7}, conv_options(3, Padding::valid()));  // bare pixels
  for (const ConvSlot slot : {ConvSlot::g, ConvSlot::x}) {
    check_conv<T>(precision, conv_dims({3, 5, 5, 8}, {3, 3, 8, 70}, conv_options(1, Padding::same())), slot);
    check_conv<T>(precision, strided, slot);
    check_conv<T>(precision, strided, slot, true);
    check_conv<T>(precision, sparse, slot, true);
    check_conv<T>(precision, conv_dims({7, 1, 1, 5}, {1, 1, 5, 6}, {}), slot);  // a dense layer
  }
}

TEST_CASE("Emulated moments: products and convolutions in tf32") { check_contract<float>(Precision::tf32); }
TEST_CASE("Emulated moments: products and convolutions in bf16") { check_contract<float>(Precision::bf16); }
TEST_CASE("Emulated moments: products and convolutions of bfloat16") { check_contract<bfloat16>(Precision::bf16); }

template <class T>
void check_none(Precision precision) {
  const UsePrecision use(precision);
  const KernelTable<T>& k = emulated_kernels<T>();
  CHECK(k.gemm_moment_pieces({300, 1, 40}) == 0);
  CHECK(k.gemm_moment_pieces({5, 7, 1027}) == 0);  // pieces of the depth
  const ConvDims d = conv_dims({3, 5, 5, 8}, {3, 3, 8, 16}, conv_options(1, Padding::same()));
  CHECK(k.conv2d_moment_pieces(d, ConvSlot::w) == 0);
  for (const ConvSlot slot : {ConvSlot::g, ConvSlot::x}) {
    CHECK(k.conv2d_moment_pieces(conv_dims({3, 5, 5, 1}, {3, 3, 1, 16}, {}), slot) == 0);
    CHECK(k.conv2d_moment_pieces(conv_dims({3, 5, 5, 16}, {3, 3, 16, 1}, {}), slot) == 0);
    CHECK((k.conv2d_moment_pieces(d, slot) == 0) == (precision == Precision::fp32));
  }
  CHECK((k.gemm_moment_pieces({5, 7, 9}) == 0) == (precision == Precision::fp32));
  // More groups of pixels than one launch takes.
  const ConvDims many = conv_dims({2, 24, 25, 2}, {2, 2, 2, 3}, conv_options(11, Padding::valid()));
  CHECK(k.conv2d_moment_pieces(many, ConvSlot::x) == 0);
}

TEST_CASE("Emulated moments: where there are none") {
  check_none<float>(Precision::fp32);
  check_none<float>(Precision::tf32);
  check_none<float>(Precision::bf16);
  check_none<bfloat16>(Precision::bf16);
}

}  // namespace
}  // namespace tinygan::cuda
