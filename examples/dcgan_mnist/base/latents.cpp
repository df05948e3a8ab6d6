#include "base/latents.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include <tinygan/models/networks.hpp>
#include <tinygan/tensor/random.hpp>

namespace dcgan_mnist {

using tinygan::index_t;
using tinygan::Tensor;

namespace {

/// x with erf(x) = y, |y| < 1: S. Winitzki's estimate (2008), good to 0.002, and two steps of Newton's method.
double inverse_erf(double y) {
  constexpr double a = 0.147;
  const double l = std::log1p(-y * y), b = 2 / (std::numbers::pi * a) + l / 2;
  double x = std::copysign(std::sqrt(std::sqrt(b * b - l / a) - b), y);
  for (int i = 0; i < 2; ++i) x -= (std::erf(x) - y) * std::exp(x * x) * std::sqrt(std::numbers::pi) / 2;
  return x;
}

}  // namespace

Tensor<float> draw_latents(std::uint64_t seed, index_t count, double truncation) {
  tinygan::Generator random(seed);
  Tensor<float> z = tinygan::random_normal<float>({count, tinygan::models::latent_size}, random);
  if (truncation <= 0) return z;
  std::vector<float> values = z.to_vector();
  const double share = std::erf(truncation / std::numbers::sqrt2);
  for (float& v : values) {
    const double inside = std::numbers::sqrt2 * inverse_erf(std::erf(v / std::numbers::sqrt2) * share);
    v = static_cast<float>(std::clamp(inside, -truncation, truncation));
  }
  z.copy_from(values);
  return z;
}

Tensor<float> interpolate_latents(const Tensor<float>& from, const Tensor<float>& to, index_t steps, Way way) {
  const index_t N = from.extent(0), C = from.extent(1);
  const std::vector<float> a = from.to_vector(), b = to.to_vector();
  std::vector<float> z(static_cast<std::size_t>(steps * N * C));
  for (index_t n = 0; n < N; ++n) {
    const float *va = a.data() + n * C, *vb = b.data() + n * C;
    double aa = 0, ab = 0, bb = 0;
    for (index_t c = 0; c < C; ++c) {
      aa += double{va[c]} * va[c];
      ab += double{va[c]} * vb[c];
      bb += double{vb[c]} * vb[c];
    }
    const double angle = std::acos(std::clamp(ab / std::sqrt(aa * bb), -1.0, 1.0)), sine = std::sin(angle);
    for (index_t s = 0; s < steps; ++s) {
      const double t = static_cast<double>(s) / static_cast<double>(steps - 1);
      double wa = 1 - t, wb = t;
      if (way == Way::spherical && sine > 1e-6) {  // vectors in one line have no arc between them
        wa = std::sin((1 - t) * angle) / sine;
        wb = std::sin(t * angle) / sine;
      }
      float* out = z.data() + (s * N + n) * C;
      for (index_t c = 0; c < C; ++c) out[c] = static_cast<float>(wa * va[c] + wb * vb[c]);
    }
  }
  Tensor<float> result({steps, N, C});
  result.copy_from(z);
  return result;
}

}  // namespace dcgan_mnist
