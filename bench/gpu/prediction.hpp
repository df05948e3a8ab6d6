// The cost of a case of bench_kernels: what bounds its work, and its seconds predicted from FLOPs, bytes and
// pessimistic rates. Pure host code: --list and the tests need no GPU.
#pragma once

#include <algorithm>
#include <cmath>

#include <tinygan/base/precision.hpp>
#include <tinygan/base/shape.hpp>

namespace tinygan::bench::gpu {

// ---- Bounds ---------------------------------------------------------------------------------------------------------

/// Outputs that are checked against sums in double: at most some 8 million products in all, however long a sum is.
inline index_t samples_of(double terms) {
  return static_cast<index_t>(std::clamp(8e6 / std::max(terms, 1.0), 32.0, 500.0));
}

/// Algorithms of cuBLASLt's heuristics that are tried: with the product's size their number goes down, since the first
/// few are then close to each other.
inline int algorithms_of(double flops) { return flops < 1e10 ? 16 : flops < 3e11 ? 8 : 4; }

/// FLOPs from which a convolution is not searched by cuDNN, which times every algorithm, the slowest included.
inline constexpr double exhaustive_search_flops = 1e10;

/// Algorithms of cuDNN that are timed in a layout.
inline constexpr int conv_algorithms = 3;

/// Calls in a graph: 0.2 ms of them, `least` of them at least.
inline int calls_of(double seconds, int least) {
  return std::clamp(static_cast<int>(2e-4 / std::max(seconds, 1e-7)), least, std::max(least, 1000));
}

/// Copies of a call's operands: so many that going through all of them moves twice the L2 cache's size and more.
inline int sets_of(double bytes, double l2_bytes) {
  constexpr double most_sets = 512, most_bytes = 8.0 * (1 << 30);
  const double b = std::max(bytes, 1.0);
  return static_cast<int>(
      std::min({std::floor(2 * l2_bytes / b) + 2, std::max(1.0, std::floor(most_bytes / b)), most_sets}));
}

/// Rounds of timing at least, after one to warm up.
inline constexpr int least_rounds = 3;

// ---- Predictions ----------------------------------------------------------------------------------------------------

/// What a case computes.
struct Work {
  Precision precision = Precision::fp32;
  double flops = 0;     ///< as usually counted; 0 where memory limits
  double bytes = 0;     ///< moved by a call
  double elements = 0;  ///< of the inputs
  double outputs = 0;   ///< elements of the result
  double terms = 0;     ///< products in the sum of an output
  int layouts = 2;      ///< arrangements of the operands, over all contestants
  int algorithms = 0;   ///< that the search for the opponent's best tries
};

/// Seconds of a case, by part.
struct Prediction {
  double set_up = 0, check = 0, search = 0, timing = 0;
  double total() const { return set_up + check + search + timing; }
};

/// FLOP/s that every kernel at a size worth timing should exceed: between a fifth and a tenth of an H100's peak.
inline double pessimistic_flops(Precision p) {
  return p == Precision::fp32 ? 1e13 : p == Precision::tf32 ? 4e13 : 8e13;
}

/// Seconds of one call on the device.
inline double predicted_call(const Work& w) {
  constexpr double bytes_per_second = 0.5e12, launch = 2e-5;
  return std::max(w.flops / pessimistic_flops(w.precision), w.bytes / bytes_per_second) + launch;
}

/// Before the first case: the context, the libraries' handles, the yardsticks.
inline constexpr double start_seconds = 3;

/// `min_time`: seconds of timing per contestant, hot and cold each.
inline Prediction predict(const Work& w, double min_time, bool checked) {
  constexpr double per_element = 2e-9;    // host: drawn, or converted and copied
  constexpr double per_product = 5e-9;    // host: one of a sampled sum, strided
  constexpr double per_output = 6e-9;     // host: read back, converted, searched for NaN, by two contestants
  constexpr double per_algorithm = 5e-3;  // its kernels are loaded
  constexpr double l2_bytes = 64 << 20;
  Prediction p;
  const double call = predicted_call(w);
  p.set_up = 0.02 + w.elements * per_element * (1 + w.layouts);
  if (checked)
    p.check = 0.01 + static_cast<double>(samples_of(w.terms)) * w.terms * per_product + w.outputs * per_output;
  // Of the four calls of an algorithm those that are clearly slower make two, which take longer.
  p.search = w.algorithms * (per_algorithm + 8 * call);
  const int sets = sets_of(w.bytes, l2_bytes);
  const double round = 2 * (calls_of(call, 1) + calls_of(call, sets)) * call;
  p.timing = std::max(4 * min_time, least_rounds * round) + 2 * round;
  return p;
}

}  // namespace tinygan::bench::gpu
