// Work of a training step, and the seconds that its measurement is predicted to take.
#pragma once

#include <algorithm>
#include <string>
#include <utility>

#include <tinygan/backend/taps.hpp>
#include <tinygan/base/precision.hpp>

#include "../support/layers.hpp"

namespace tinygan::bench {

/// FLOPs of one step, exact taps only. G: forward, weight gradient and, but for the first layer, input gradient. D:
/// three forward passes, two weight gradients, and input gradients three times, once for the first layer.
inline double step_flops(const std::string& network, index_t batch) {
  double total = 0;
  bool generator_begun = false, discriminator_begun = false;
  const auto count = [&](const std::string& name, double macs) {
    const bool generator = name[0] == 'G';
    const bool first = !std::exchange(generator ? generator_begun : discriminator_begun, true);
    total += macs * (generator ? (first ? 2 : 3) : (first ? 6 : 8));
  };
  // Dense layers come first in every generator and last in every discriminator.
  for (const auto& l : dense_layers())
    if (l.network == network && l.name[0] == 'G') count(l.name, static_cast<double>(batch * l.in * l.out));
  for (const auto& l : conv_layers(batch))
    if (l.network == network) count(l.name, static_cast<double>(exact_macs(l.dims)));
  for (const auto& l : dense_layers())
    if (l.network == network && l.name[0] == 'D') count(l.name, static_cast<double>(batch * l.in * l.out));
  return 2 * total;
}

/// Seconds of one step on a GPU, at a tenth or less of an H100's peak and with slow launches.
inline double predicted_step(const std::string& network, index_t batch, Precision precision, bool captured) {
  const double rate = precision == Precision::fp32 ? 6e12 : precision == Precision::tf32 ? 3e13 : 6e13;
  return step_flops(network, batch) / rate + (captured ? 1e-3 : 4e-3);
}

/// Before the first measurement: the context, and the kernels.
inline constexpr double step_start_seconds = 4;

/// Seconds of timing at least, and samples of at least so many steps in a row.
inline constexpr double step_timing_seconds = 0.3;
inline constexpr int least_step_samples = 5;

/// Steps in a row for a sample: 20 ms, so that waiting for the device does not count, and at most 200.
inline int steps_in_a_row(double step) { return std::clamp(static_cast<int>(0.02 / std::max(step, 1e-6)), 1, 200); }

/// Steps before the first sample: the two that are not replays, and those that tell how long one takes.
inline constexpr int warm_up_steps = 8;

/// Seconds of a measurement: networks, first step, warm-up, samples.
inline double predicted_measurement(double step) {
  constexpr double set_up = 0.7;
  return set_up + warm_up_steps * step +
         std::max(step_timing_seconds, least_step_samples * steps_in_a_row(step) * step) + steps_in_a_row(step) * step;
}

}  // namespace tinygan::bench
