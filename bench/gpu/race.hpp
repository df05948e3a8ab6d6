// A race: every form that can compute a shape, in turns with the opponent. What there is to try, and what to expect of
// it; pure host code.
#pragma once

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include <tinygan/backend/conv_dims.hpp>
#include <tinygan/backend/dense_conv.hpp>
#include <tinygan/backend/gemm_dims.hpp>
#include <tinygan/backend/taps.hpp>

#include "../../kernels/forms.hpp"
#include "prediction.hpp"

namespace tinygan::bench::gpu {

/// A product, or a partial of a convolution.
struct RaceShape {
  std::string name;
  index_t batch = 0;
  Precision precision = Precision::fp32;
  std::optional<GemmDims> gemm;  ///< also of a convolution that is a product
  ConvDims conv{};               ///< where `is_conv`
  ConvSlot output = ConvSlot::g;
  bool is_conv = false;
  double flops = 0;  ///< that touch data
  Work work;

  /// gemm, forward, input_grad or weight_grad: of a convolution, transposed or not, the contract's entry.
  const char* op() const {
    if (!is_conv) return "gemm";
    return output == ConvSlot::g ? "forward" : output == ConvSlot::x ? "input_grad" : "weight_grad";
  }
};

/// Forms to try, by shape and precision; some of them may turn out unable.
inline std::vector<forms::Form> race_forms(const RaceShape& s) {
  using forms::Form;
  using forms::Way;
  const bool fp32 = s.precision == Precision::fp32;
  std::vector<Form> tiles{{Way::mma, 128, 128}, {Way::mma, 64, 64}}, all;
  if (fp32) tiles = {{Way::ffma, 128, 128}, {Way::ffma, 64, 64}, {Way::ffma, 32, 32}};
  // Pieces no shorter than 64 terms, and not more of them than fill 132 multiprocessors eight times.
  const auto with_splits = [&](const Form& form, index_t rows, index_t columns, index_t copies, index_t K) {
    const auto up = [](index_t n, index_t tile) { return (n + tile - 1) / tile; };
    const index_t blocks = copies * up(rows, form.tile_m) * up(columns, form.tile_n);
    for (index_t splits = 1; splits == 1 || (K / splits >= 64 && blocks * splits <= 8 * 132); splits *= 2) {
      all.push_back(form);
      all.back().splits = splits;
    }
  };
  if (s.gemm) {
    const GemmDims& d = *s.gemm;
    if (std::min({d.M, d.N, d.K}) == 1) all.push_back({.way = Way::vector});
    for (const Form& form : tiles) with_splits(form, d.M, d.N, 1, d.K);
    if (!fp32) all.insert(all.end(), {{Way::wgmma, 128, 128}, {Way::wgmma, 128, 64}});
    return all;
  }
  const ConvDims& d = s.conv;
  if (s.output == ConvSlot::w) {
    const index_t taps = d.R * d.S, depth = d.N * d.P * d.Q;
    if (s.precision == Precision::bf16)
      tiles.insert(tiles.end(), {{Way::wgmma, 64, 128}, {Way::wgmma, 128, 64}, {Way::wgmma, 128, 128}});
    for (const Form& form : tiles) with_splits(form, d.C, d.K, taps, depth);
    if (d.C == 1 || d.K == 1)
      with_splits({.way = Way::one_channel, .tile_m = 32, .tile_n = 128}, 1, std::max(d.C, d.K), 1, depth);
    for (Form& form : all)
      if (form.way == Way::one_channel) form.tile_m = form.tile_n = 0;
    return all;
  }
  if (d.C == 1 || d.K == 1) all.push_back({.way = Way::one_channel});
  all.insert(all.end(), tiles.begin(), tiles.end());
  if (!fp32) all.insert(all.end(), {{Way::mma, 128, 64}, {Way::wgmma, 128, 128}, {Way::wgmma, 128, 64}});
  return all;
}

/// FLOP/s that a form should reach where its blocks fill an H100, written down before any was measured.
inline double expected_rate(const forms::Form& f, Precision p) {
  const bool large = f.tile_m * f.tile_n >= 128 * 128, tf32 = p == Precision::tf32;
  switch (f.way) {
    case forms::Way::ffma: return large ? 45e12 : f.tile_m >= 64 ? 35e12 : 18e12;
    case forms::Way::mma: return tf32 ? (large ? 200e12 : 150e12) : (large ? 380e12 : 280e12);
    case forms::Way::wgmma: return tf32 ? (large ? 300e12 : 220e12) : (large ? 580e12 : 420e12);
    case forms::Way::one_channel: return 12e12;
    case forms::Way::vector:
    case forms::Way::automatic: break;
  }
  return 20e12;
}

/// Seconds of a call in a form with so many blocks: the longer of FLOPs, at its rate and on as many of 132
/// multiprocessors as have a block, and bytes; then a launch, and another one for split-K.
inline double expected_seconds(const RaceShape& s, const forms::Form& f, index_t blocks) {
  constexpr double bandwidth = 2.5e12, launch = 3e-6, multiprocessors = 132;
  const double waves = static_cast<double>(std::max<index_t>(blocks, 1)) / multiprocessors;
  const double busy = waves / std::ceil(waves);
  double bytes = s.work.bytes, seconds = launch;
  if (f.splits > 1) {
    bytes += 8.0 * static_cast<double>(f.splits) * s.work.outputs;  // written and read again, as floats
    seconds += launch;
  }
  return seconds + std::max(s.flops / (expected_rate(f, s.precision) * busy), bytes / bandwidth);
}

/// Seconds of a race of so many forms.
inline double predicted_race(const RaceShape& s, std::size_t forms, double min_time, bool checked) {
  const Prediction one = predict(s.work, min_time, checked);
  const double call = predicted_call(s.work);
  const auto n = static_cast<double>(forms);
  // A form is checked and called twice; half of them are close enough to the best to be timed, as is the opponent.
  return one.set_up + one.search + n * (one.check + 1e-3 + 12 * call) + (n / 2 + 1) * one.timing / 2;
}

}  // namespace tinygan::bench::gpu
