// Latent vectors: drawn from a seed, truncated, and the ways from one to another.
#pragma once

#include <cstdint>

#include <tinygan/tensor/tensor.hpp>

namespace dcgan_mnist {

/// The first `count` latent vectors (count, 100) of a seed, standard normal, on the CPU. The vectors do not depend on
/// how many are drawn. With truncation t > 0 each number z becomes z' with erf(z'/sqrt 2) = erf(z/sqrt 2) erf(t/sqrt
/// 2): exactly normal under the condition |z'| <= t, and near z where z is small, so that a seed keeps its picture.
/// (Brock et al. 2018 draw again instead what lies outside, which gives the same distribution.)
tinygan::Tensor<float> draw_latents(std::uint64_t seed, tinygan::index_t count, double truncation);

enum class Way { linear, spherical };

/// Latent vectors between `from` and `to`, both (N,100): (steps, N, 100), from at 0 and to at the end. linear: (1-t) a
/// + t b, whose middle is shorter than its ends. spherical: sin((1-t)w)/sin w a + sin(tw)/sin w b, w the angle between
/// a and b (Shoemake 1985), which keeps to lengths that the generator knows. Expects steps >= 2.
tinygan::Tensor<float> interpolate_latents(const tinygan::Tensor<float>& from, const tinygan::Tensor<float>& to,
                                           tinygan::index_t steps, Way way);

}  // namespace dcgan_mnist
