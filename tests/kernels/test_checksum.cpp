// The exact checks of products find a single wrong output, a missing term, a missing bias and an infinity.
#include "kernels/checksum.hpp"
#include "support/kernel_check.hpp"

namespace tinygan::test {
namespace {

namespace gpu = tinygan::bench::gpu;

std::vector<float> as_float(const std::vector<double>& v) { return {v.begin(), v.end()}; }
std::vector<float> stored(std::vector<float> v) {
  for (float& x : v) x = static_cast<float>(bfloat16(x));
  return v;
}

/// Right results pass in float and bfloat16; each of some outputs, off by one unit of what is stored, does not.
template <class Problem>
void check_finds(const Problem& p, const std::vector<float>& right) {
  CHECK(inexact(p, right, false) == "");
  CHECK(inexact(p, stored(right), true) == "");
  for (std::size_t at = 0; at < right.size(); at += right.size() / 7 + 1) {
    std::vector<float> off = right;
    off[at] += 1;
    CHECK(inexact(p, off, false) != "");
    if (std::fabs(right[at]) < 255) CHECK(inexact(p, off, true) != "");
    off[at] = std::numeric_limits<float>::infinity();
    CHECK(inexact(p, off, true) != "");
    off[at] = std::numeric_limits<float>::quiet_NaN();
    CHECK(inexact(p, off, false) != "");
  }
  std::vector<float> cut = right;
  std::fill(cut.begin() + static_cast<std::ptrdiff_t>(cut.size() / 2), cut.end(), 0.0f);
  CHECK(inexact(p, cut, false) != "");
}

TEST_CASE("Checksums of products find what is wrong") {
  for (const bool trans_a : {false, true})
    for (const bool trans_b : {false, true}) {
      const GemmDims d{13, 22, 31, trans_a, trans_b};
      const auto a = random_signs<float>(d.M * d.K, 1), b = random_signs<float>(d.K * d.N, 2);
      const std::vector<float> right = as_float(reference_gemm(d, a.data(), b.data()).value);
      check_finds(gpu::GemmProblem{d, Precision::bf16, a.data(), b.data()}, right);
    }
}

TEST_CASE("Checksums of convolutions find what is wrong") {
  for (const ConvDims& d : {conv_dims({3, 7, 6, 5}, {3, 2, 5, 4}, {2, 1, Padding::same(), 1, 2}),
                            conv_dims({2, 5, 5, 1}, {4, 4, 1, 9}, {2, 2, Padding::all(1), 1, 1})}) {
    const auto x = random_signs<float>(d.x_shape().size(), 1), w = random_signs<float>(d.w_shape().size(), 2),
               g = random_signs<float>(d.y_shape().size(), 3);
    check_finds(gpu::ConvProblem{d, ConvSlot::g, Precision::fp32, x.data(), w.data()},
                as_float(reference_conv2d(d, x.data(), w.data()).value));
    check_finds(gpu::ConvProblem{d, ConvSlot::x, Precision::fp32, g.data(), w.data()},
                as_float(reference_conv2d_input_grad(d, g.data(), w.data()).value));
    check_finds(gpu::ConvProblem{d, ConvSlot::w, Precision::fp32, x.data(), g.data()},
                as_float(reference_conv2d_weight_grad(d, x.data(), g.data()).value));
  }
}

TEST_CASE("Sums beyond 256 may move when they are stored in bfloat16, by half a unit") {
  const GemmDims d{2, 3, 1000};
  const std::vector<float> a(2000, 1.0f), b(3000, 1.0f);
  const gpu::GemmProblem p{d, Precision::bf16, a.data(), b.data()};
  CHECK(inexact(p, std::vector<float>(6, 1000.0f), true) == "");
  std::vector<float> next(6, 1000.0f);
  next[4] = 1004;
  CHECK(inexact(p, next, true) == "");  // within the slack of a sum of three
  next[4] = 1016;
  CHECK(inexact(p, next, true) != "");
  CHECK(whole_storing_error(255) == 0);
  CHECK(whole_storing_error(-257) == 1);
  CHECK(whole_storing_error(1000) == 2);
}

TEST_CASE("Biased sums are exact, sample by sample") {
  const GemmDims d{6, 9, 20};
  const auto a = random_signs<float>(d.M * d.K, 1), b = random_signs<float>(d.K * d.N, 2),
             bias = random_signs<float>(9, 3);
  const gpu::GemmProblem p{d, Precision::bf16, a.data(), b.data(), bias.data()};
  const std::vector<float> plain = as_float(reference_gemm(d, a.data(), b.data()).value);
  std::vector<float> right = plain;
  for (std::size_t i = 0; i < right.size(); ++i) right[i] = std::max(right[i] + bias[i % 9], 0.0f);
  CHECK(inexact_samples(p, right, d.N, false) == "");
  CHECK(inexact_samples(p, stored(right), d.N, true) == "");
  CHECK(inexact_samples(p, plain, d.N, false) != "");
  for (float& x : right) x += 1;
  CHECK(inexact_samples(p, right, d.N, false) != "");
}

}  // namespace
}  // namespace tinygan::test
