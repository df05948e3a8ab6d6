// Matrix products and convolutions of the emulated device in each precision, against sums in double.
#pragma once

#include <bit>

#include <tinygan/backend/bfloat16.hpp>

#include "../../kernels/forms.hpp"
#include "kernels/emulated.hpp"
#include "support/use_precision.hpp"

namespace tinygan::test {

/// x as tensor cores see it: the nearest number of 11 or 8 significant bits.
template <class T>
T rounded(Precision p, T x) {
  if (std::is_same_v<T, bfloat16> || p == Precision::fp32) return x;
  if (p == Precision::bf16) return T(bfloat16(x));
  return T(std::bit_cast<float>((std::bit_cast<std::uint32_t>(static_cast<float>(x)) + 0x1000u) & 0xffffe000u));
}
template <class T>
std::vector<T> rounded(Precision p, std::vector<T> values) {
  for (T& v : values) v = rounded(p, v);
  return values;
}

/// By how much a product of two operands may be off, relative to its size, after both were rounded.
inline double product_error(Precision p) {
  const double unit = p == Precision::fp32 ? 0 : p == Precision::tf32 ? 0x1p-11 : 0x1p-8;
  return (1 + unit) * (1 + unit) - 1;
}

/// found against the sums of exact products of rounded operands, as tight as fp32 sums are, and against those of the
/// operands as they were, as tight as the rounding allows; either way rounded to T when they were stored.
template <class T>
void check_product(Precision p, const std::vector<T>& found, const Reference& of_rounded, const Reference& exact,
                   const Epilogue<T>& epilogue) {
  const double slope = std::max(1.0, static_cast<double>(epilogue.activation.slope));
  const auto check = [&](const Reference& expected, double rounding) {
    check_elements(
        found, [&](index_t i) { return expected.value[static_cast<std::size_t>(i)]; },
        [&](index_t i) {
          const auto at = static_cast<std::size_t>(i);
          const double size = expected.magnitude[at] * slope;  // sigmoid and tanh are good to a few eps of their own
          const double bound = rounding * size + ((expected.terms + 2) * (1 + rounding) * size + 8) * float_eps;
          return bound + storing_error<T>(std::fabs(expected.value[at]) + bound);
        });
  };
  check(of_rounded, 0);
  if (std::is_same_v<T, float>) check(exact, product_error(p));
}

/// wgmma, where it is forced, ignores the lowest bits of some tf32 operands and not of others: without them there is no
/// difference.
template <class T>
void drop_ignored_bits(Precision p, const Operand<T>& x) {
  if (p != Precision::tf32 || forms::forced.way != forms::Way::wgmma) return;
  for (index_t i = 0; i < x.size(); ++i) x[i] = rounded(p, x[i]);
}

/// gemm against its references, in both orders of execution; operands start `offset` elements after a 16-byte
/// boundary. Returns the bytes of the workspace. Under ThreadSanitizer, which looks for races, without the references: they take
/// most of the time there, and other builds compare the values of the same kernels.
template <class T = float>
std::size_t check_gemm(Precision p, const GemmDims& d, int offset = 0, const Epilogue<T>& epilogue = {}) {
  CAPTURE(p, d.M, d.N, d.K, d.trans_a, d.trans_b, offset);
  const UsePrecision use(p);
  const Operand<T> a(d.M * d.K, offset, 1), b(d.K * d.N, offset, 2);
  for (const Operand<T>* operand : {&a, &b}) drop_ignored_bits(p, *operand);
  const KernelTable<T>& k = emulated_kernels<T>();
  std::size_t bytes = 0;
  const auto c = both_ways<T>(d.M * d.N, [&](T* out) {
    GuardedWorkspace workspace;
    k.gemm(d, epilogue, a.data(), b.data(), out, workspace, {});
    CHECK(workspace.intact());
    bytes = workspace.bytes();
  });
  if (support::thread_sanitizer) return bytes;
  const Precision by = forms::launched.way == forms::Way::vector ? Precision::fp32 : p;  // whatever the precision
  Reference exact = reference_gemm(d, a.data(), b.data());
  Reference of_rounded = reference_gemm(d, rounded(by, a.values()).data(), rounded(by, b.values()).data());
  for (Reference* r : {&exact, &of_rounded}) reference_epilogue(epilogue, d.N, *r);
  check_product(by, c, of_rounded, exact, epilogue);
  return bytes;
}

/// One partial of a convolution against its references, as above.
template <class T = float>
std::size_t check_partial(Precision p, const ConvDims& d, ConvSlot slot, int offset = 0,
                          const Epilogue<T>& epilogue = {}) {
  const char* const name = slot == ConvSlot::g ? "conv2d" : slot == ConvSlot::x ? "input grad" : "weight grad";
  CAPTURE(p, name, d.N, d.H, d.W, d.C, d.R, d.S, d.K, d.P, d.Q, d.stride_h, d.stride_w, d.pad_top, d.pad_left);
  CAPTURE(d.dilation_h, d.dilation_w, offset);
  const UsePrecision use(p);
  const bool small = d.R == d.S && d.R >= 3 && d.R <= 5 && d.dilation_h == 1 && d.dilation_w == 1;
  const bool one_channel = small && (d.C == 1 || d.K == 1);  // in fp32 whatever the precision
  const Precision by = one_channel ? Precision::fp32 : p;
  const Operand<T> x(d.x_shape().size(), offset, 1), w(d.w_shape().size(), offset, 2), g(d.y_shape().size(), offset, 3);
  for (const Operand<T>* operand : {&x, &w, &g}) drop_ignored_bits(p, *operand);
  const auto reference = [&](const std::vector<T>& X, const std::vector<T>& W, const std::vector<T>& G) {
    Reference r = slot == ConvSlot::g   ? reference_conv2d(d, X.data(), W.data())
                  : slot == ConvSlot::x ? reference_conv2d_input_grad(d, G.data(), W.data())
                                        : reference_conv2d_weight_grad(d, X.data(), G.data());
    if (slot != ConvSlot::w) reference_epilogue(epilogue, slot == ConvSlot::g ? d.K : d.C, r);
    return r;
  };
  const KernelTable<T>& k = emulated_kernels<T>();
  std::size_t bytes = 0;
  const Operand<T>& result = slot == ConvSlot::g ? g : slot == ConvSlot::x ? x : w;
  const auto found = both_ways<T>(result.size(), [&](T* out) {
    GuardedWorkspace workspace;
    if (slot == ConvSlot::g) k.conv2d(d, epilogue, x.data(), w.data(), out, workspace, {});
    if (slot == ConvSlot::x) k.conv2d_input_grad(d, epilogue, g.data(), w.data(), out, workspace, {});
    if (slot == ConvSlot::w) k.conv2d_weight_grad(d, x.data(), g.data(), out, workspace, {});
    CHECK(workspace.intact());
    bytes = workspace.bytes();
  });
  if (support::thread_sanitizer) return bytes;
  const Reference exact = reference(x.values(), w.values(), g.values());
  const Reference of_rounded = reference(rounded(by, x.values()), rounded(by, w.values()), rounded(by, g.values()));
  check_product(by, found, of_rounded, exact, epilogue);
  return bytes;
}

/// All three of them.
template <class T = float>
void check_conv(Precision p, const ConvDims& d, int offset = 0) {
  for (const ConvSlot slot : {ConvSlot::g, ConvSlot::x, ConvSlot::w}) check_partial<T>(p, d, slot, offset);
}

inline ConvOptions conv_options(index_t stride, Padding padding, index_t dilation = 1) {
  return {stride, stride, padding, dilation, dilation};
}

}  // namespace tinygan::test
