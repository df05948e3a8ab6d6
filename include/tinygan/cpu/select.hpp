// Heuristics that select the algorithm and the blocking of a product or convolution on the CPU: every threshold, here
// and nowhere else, each with its reason. Values without one follow from the size of a cache and were not raced against
// others.
//
// Sums are split by shape alone, so results do not depend on threads. kernels/select.cuh is the page of the CUDA
// kernels.
#pragma once

#include <tinygan/base/shape.hpp>

namespace tinygan::cpu {

/// Products on the micro-kernel (gemm.hpp). A single row, column or term goes to gemv.hpp instead.
struct GemmPolicy {
  static constexpr index_t group_bytes = 512 * 1024;  // panels packed together: a quarter of a 2 MB L2
  static constexpr index_t group = 4;  // their number at most: a row tile then comes from memory once for all
  // K of a block: short for panels that are copied row by row, long for rows that stream from memory.
  static constexpr index_t k_block = 512, transposed_k_block = 1024, swapped_k_block = 2048;
  static constexpr index_t row_block = 96;        // rows per packed group, at least; not measured
  static constexpr index_t tasks_per_thread = 4;  // evens out threads of unequal speed
  // Split-K of products with fewer blocks (row_block rows times a panel) than split_k_blocks, whose threads would idle:
  // at most max_splits of at least split_k terms. Not measured.
  static constexpr index_t split_k_blocks = 8, max_splits = 8, split_k = 1024;
  // Multiply-adds of a product that small_gemm.hpp computes in place, at most: with plans the step of a 2-16-2 network
  // took 5.5 us more. The limit itself was not raced.
  static constexpr index_t small_product = 512;
  // FMAs in the time of transposing an element, for swap_pays().
  static constexpr index_t pack_cost = 20, store_cost = 40;
};

/// Tap lists (conv_taps.hpp).
struct ConvPolicy {
  static constexpr index_t weight_bytes = 512 * 1024;  // of the panels and taps of one pass: a quarter of a 2 MB L2
  static constexpr index_t panel_group = 2;            // panels of one pass, at most; not measured
  static constexpr index_t row_block = 384;            // rows of one pass, at most; not measured
  static constexpr index_t tap_block = 64;  // taps of one micro-kernel call, at most: its arrays are on the stack
};

/// Tap lists over images in a frame of zeros (conv_framed.hpp). One image of 7x7x256 by 5x5 to 128 channels: 1.7 times
/// as fast on a Xeon with 1 MB of L2 per core, two images 1.3 times; layers with a filter below 1 MB were slower.
struct FramedPolicy {
  static constexpr index_t weights = 256 * 1024;  // of the filter, at least: fewer stay in L2
  // Time of reading a weight from L3 in those of a multiply-add; least predicted speedup over lists without a frame.
  static constexpr double read_cost = 10, min_speedup = 1.2;
};

/// Winograd's algorithm (conv_winograd.hpp); raced by bench_winograd.
struct WinogradPolicy {
  static constexpr index_t channels = 16;          // C and K are multiples of it: whole vectors on AVX-512
  static constexpr index_t chunk_bytes = 8 << 20;  // of the transformed tiles of a chunk; 2 MB and 16 MB were slower
  static constexpr index_t k_block = 64;           // terms of a partial sum; 128: 1.4 times the error, 4 % faster
  // Time of a transform's multiply-add in those of a product; least predicted speedup over the direct form.
  static constexpr double transform_cost = 6, min_speedup = 1.1;
};

/// Layers with a single channel on one side (conv_1ch.hpp), whatever the filter.
struct OneChannelPolicy {
  static constexpr index_t product_bytes = 128 * 1024;  // of one task: they stay in L2
  static constexpr index_t splits = 16;                 // of a weight gradient, at most; not measured
  static constexpr index_t split_rows = 28;             // rows of v in a split, at least: an MNIST image
  static constexpr index_t row_block = 32;  // rows of v of one micro-kernel call: its arrays are on the stack
};

/// Weight gradients by pairs of pixels (conv_weight_grad.hpp).
struct WeightGradPolicy {
  static constexpr index_t panel_bytes = 512 * 1024;  // of g in one panel of a chunk: a quarter of a 2 MB L2
  static constexpr index_t row_block = 36;            // channels of one task: whole tiles of 6 rows and of 4
  static constexpr index_t tap_block = 32;  // output rows of one micro-kernel call: its arrays are on the stack
};

}  // namespace tinygan::cpu
