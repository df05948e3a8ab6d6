// Convolution and input gradient by tap lists, and matrix products as lists of one tap, on Hopper's tensor cores:
//   out[n,p,:] = epilogue(sum over (q,t) in taps(p) of in[n,q,:] W[t])
//
// Shapes       in(N,in_h,in_w,D), W(taps,O,D) and out(N,out_h,out_w,O); in and W bfloat16, or float for tf32. They were
//              written so by the kernels below, but for float inputs of a convolution, which are read as they are.
// Owns         a block takes 128 images at one output pixel and tile_n output channels, groups with the most taps first
//              (conv_taps.cuh). A warp of its own, one lane of it, has TMA bring both tiles of a step (tap, 128 bytes
//              of channels); two warpgroups multiply 64 images each.
// Shared       the tiles of `stages` steps, 96 KB, so that two blocks fit a multiprocessor: one multiplies while the
//              other stores. A stage is full when its bytes have come, empty when all eight warps have read it.
// Requires     sm_90a, D of whole 16-byte packs; elsewhere the kernels are empty and wgmma_available() says no.
// Cost         2 FLOPs per multiply-add that touches data, in whole tiles of 128 images; per step of 128 bytes
//              128 + tile_n rows of them from L2. The conversions read and write each operand once.
// Determinism  each output is one sum in the order of taps and channels, 32 bytes of them in the hardware's.
// Source       CUTLASS's warp-specialised mainloop for sm_90 and Pranjal Shankhdhar's "Outperforming cuBLAS on H100".
#pragma once

#include <atomic>
#include <type_traits>

#include <tinygan/backend/gemm_dims.hpp>

#include "conv_taps.cuh"
#include "device/wgmma.cuh"

namespace tinygan::cuda {
namespace {

// ---- Kernel ---------------------------------------------------------------------------------------------------------

template <Precision Format, int TileN>
struct WgmmaTile {
  static constexpr Precision format = Format;
  static constexpr int element_bytes = Format == Precision::tf32 ? 4 : 2;
  static constexpr int tile_m = 128, tile_n = TileN, depth = box_row_bytes / element_bytes;
  static constexpr int stages = TileN == 128 ? 3 : 4;
  static constexpr int warps = 8, threads = 32 * (warps + 1);  // that multiply, and one that has tiles brought

  struct Shared {
    unsigned char a[stages][tile_m * box_row_bytes], b[stages][tile_n * box_row_bytes];
    Mbarrier full[stages], empty[stages];
  };
  static constexpr std::size_t shared_bytes = sizeof(Shared);
  static constexpr int results = 16 * results_pitch<TileN / 8>;  // of a warp, where the tiles were
  static_assert(warps * results * sizeof(float) <= stages * (tile_m + tile_n) * box_row_bytes);
};

/// Where a block works.
struct WgmmaPlace {
  TapGroup group;
  int image, channel, h, v;  // first of each; the first tap reads pixel (h,v)
  index_t out;               // offset of the output pixel in an image

  template <class P>
  __device__ static WgmmaPlace of(const TapConv& p) {
    const unsigned tile = blockIdx.x / p.column_tiles;
    WgmmaPlace at{group_of(p, tile), 0, static_cast<int>(blockIdx.x % p.column_tiles) * P::tile_n, 0, 0, 0};
    const int images = (p.N + P::tile_m - 1) / P::tile_m, local = static_cast<int>(tile - at.group.first_tile);
    const int row = local / images / at.group.column.count, column = local / images % at.group.column.count;
    at.image = local % images * P::tile_m;
    at.h = at.group.row.in + row * p.row.in;
    at.v = at.group.column.in + column * p.column.in;
    const index_t to = at.group.row.out + row * p.row.out;
    at.out = (to * p.out_w + at.group.column.out + column * p.column.out) * p.O;
    return at;
  }
};

/// One lane: has the tiles of all steps brought, each stage as soon as it is free.
template <class P>
__device__ __forceinline__ void bring_tiles(const TapConv& p, const WgmmaPlace& at, const TensorMap& in,
                                            const TensorMap& w, typename P::Shared& s) {
  int stage = 0;
  unsigned parity = 1;  // of the phase before the first: all stages are free
  for (int r = 0; r < at.group.row.taps; ++r)
    for (int c = 0; c < at.group.column.taps; ++c) {
      const int tap =
          (at.group.row.filter + r * p.row.tap_filter) * p.S + at.group.column.filter + c * p.column.tap_filter;
      for (int d = 0; d < p.D; d += P::depth) {
        mbarrier_wait(s.empty[stage], parity);
        mbarrier_arrive_expect(s.full[stage], (P::tile_m + P::tile_n) * box_row_bytes);
        tma_load(s.a[stage], in, d, at.v + c * p.column.tap_in, at.h + r * p.row.tap_in, at.image, s.full[stage]);
        tma_load(s.b[stage], w, d, at.channel, tap, 0, s.full[stage]);
        if (++stage < P::stages) continue;
        stage = 0;
        parity ^= 1u;
      }
    }
}

/// Eight warps: acc += the products of all steps, of this warp's 16 images.
template <class P, int N>
__device__ __forceinline__ void multiply_tiles(int steps, typename P::Shared& s, FragmentC (&acc)[1][N]) {
  const std::uint64_t a = matrix_descriptor(s.a[0] + warp_id() / 4 * 64 * box_row_bytes);
  const std::uint64_t b = matrix_descriptor(s.b[0]);
  const auto give_back = [&](int stage) {
    if (lane_id() == 0) mbarrier_arrive(s.empty[stage]);
  };
  int stage = 0, last = 0;
  unsigned parity = 0;
  for (int step = 0; step < steps; ++step) {
    mbarrier_wait(s.full[stage], parity);
    wgmma_fence();
    const auto of_stage = static_cast<std::uint64_t>(stage);
    TINYGAN_UNROLL
    for (std::uint64_t k = 0; k < 4; ++k)
      wgmma<P::format>(acc[0], a + of_stage * (sizeof s.a[0] >> 4) + k * descriptor_step,
                       b + of_stage * (sizeof s.b[0] >> 4) + k * descriptor_step);
    wgmma_commit();
    wgmma_wait<1>();  // for the step before, whose tiles have so been read
    if (step > 0) give_back(last);
    last = stage;
    if (++stage < P::stages) continue;
    stage = 0;
    parity ^= 1u;
  }
  wgmma_wait<0>();
}

/// Block (tile of a group, tile of the channels), as in tap_conv_kernel.
template <class P>
__global__ void __launch_bounds__(P::threads, 2)
    wgmma_taps_kernel(TapConv p, const __grid_constant__ TensorMap in, const __grid_constant__ TensorMap w,
                      Epilogue<float> e, float* out) {
  if constexpr (has_wgmma) {
    auto& s = block_shared<typename P::Shared>();
    if (threadIdx.x == 0) {
      for (int i = 0; i < P::stages; ++i) {
        mbarrier_init(s.full[i], 1);
        mbarrier_init(s.empty[i], P::warps);
      }
      mbarrier_ready();
    }
    __syncthreads();
    const WgmmaPlace at = WgmmaPlace::of<P>(p);
    FragmentC acc[1][P::tile_n / 8] = {};
    if (warp_id() == P::warps) {
      if (lane_id() == 0) bring_tiles<P>(p, at, in, w, s);
      __syncwarp();
    } else {
      multiply_tiles<P>(at.group.taps() * ((p.D + P::depth - 1) / P::depth), s, acc);
    }
    __syncthreads();  // the tiles have been read
    if (warp_id() == P::warps) return;
    const int warp = static_cast<int>(warp_id());
    store_fragments(acc, block_shared<float>(P::warps * P::results) + warp * P::results, at.image + 16 * warp,
                    at.channel, {0, p.N, 0, p.O, p.packed_out}, e, out,
                    [&](int image) { return image * p.out_image + at.out; });
  }
}

// ---- Operands -------------------------------------------------------------------------------------------------------

/// An operand's element in memory, and x rounded to the nearest of them.
template <Precision F>
using OperandElement = std::conditional_t<F == Precision::tf32, float, bfloat16>;
template <Precision F>
__device__ __forceinline__ OperandElement<F> operand_of(float x) {
  if constexpr (F == Precision::tf32) return round_tf32(x);
  else return bfloat16(x);
}

/// y[i] = x[i] in the format; `packs` fours of them by packs.
template <Precision F>
__global__ void __launch_bounds__(map_threads)
    convert_operand_kernel(index_t n, index_t packs, const float* x, OperandElement<F>* y) {
  for (index_t i = grid_thread(); i < packs; i += grid_threads()) {
    const Float4 v = load_pack<4>(x + 4 * i);
    Pack<OperandElement<F>, 4> rounded;
    TINYGAN_UNROLL
    for (int k = 0; k < 4; ++k) rounded.at[k] = operand_of<F>(v.at[k]);
    store_pack(y + 4 * i, rounded);
  }
  for (index_t i = 4 * packs + grid_thread(); i < n; i += grid_threads()) y[i] = operand_of<F>(x[i]);
}

/// y(batch, columns, rows) = x(batch, rows, columns) in the format. Block (tile of 32 x 32, matrix): 32 x 8 threads.
template <Precision F>
__global__ void __launch_bounds__(map_threads)
    transpose_operand_kernel(index_t rows, index_t columns, unsigned column_tiles, const float* x,
                             OperandElement<F>* y) {
  using Tile = float[32][33];
  auto& tile = block_shared<Tile>();
  const index_t row = index_t{blockIdx.x / column_tiles} * 32, column = index_t{blockIdx.x % column_tiles} * 32;
  const index_t matrix = index_t{blockIdx.y} * rows * columns;
  const unsigned lane = lane_id();
  for (unsigned i = warp_id(); i < 32; i += map_threads / 32)
    if (row + i < rows && column + lane < columns) tile[i][lane] = x[matrix + (row + i) * columns + column + lane];
  __syncthreads();
  for (unsigned i = warp_id(); i < 32; i += map_threads / 32)
    if (column + i < columns && row + lane < rows)
      y[matrix + (column + i) * rows + row + lane] = operand_of<F>(tile[lane][i]);
}

/// Writes `batch` matrices (rows, columns) in the format to y, transposed if asked.
template <Precision F>
void write_operand(index_t batch, index_t rows, index_t columns, bool transpose, const float* x, void* y,
                   Stream stream) {
  auto* const to = static_cast<OperandElement<F>*>(y);
  if (!transpose) {
    const index_t n = batch * rows * columns, packs = aligned(16, x) ? n / 4 : 0;
    const unsigned blocks = grid_stride_blocks(packs > 0 ? packs : n, map_threads);
    const Launch how{.grid = {blocks}, .block = {map_threads}, .stream = stream};
    return launch<convert_operand_kernel<F>>(how, n, packs, x, to);
  }
  const auto column_tiles = grid_extent(ceil_div(columns, 32));
  const Launch how{.grid = {grid_extent(ceil_div(rows, 32) * column_tiles), grid_extent(batch, false)},
                   .block = {map_threads},
                   .shared_bytes = 32 * 33 * sizeof(float),
                   .stream = stream};
  launch<transpose_operand_kernel<F>>(how, rows, columns, column_tiles, x, to);
}

/// Bytes of n elements in the format, so that what follows is aligned for TMA.
template <Precision F>
constexpr std::size_t operand_bytes(index_t n) {
  return static_cast<std::size_t>(round_up(n * static_cast<index_t>(sizeof(OperandElement<F>)), 128));
}

// ---- When -----------------------------------------------------------------------------------------------------------

/// Whether the calling thread's device runs these kernels: it is an sm_90, and they were compiled for sm_90a.
inline bool wgmma_available() {
#ifdef __CUDACC__
  static std::atomic<signed char> known[64]{};  // by device: 1 yes, -1 no
  int device = 0, major = 0;
  check_cuda(cudaGetDevice(&device), "cudaGetDevice");
  if (device < 64 && known[device].load(std::memory_order_relaxed) != 0) return known[device].load() > 0;
  check_cuda(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device), "cudaDeviceGetAttribute");
  cudaFuncAttributes kernel{};
  check_cuda(cudaFuncGetAttributes(&kernel, &wgmma_taps_kernel<WgmmaTile<Precision::bf16, 64>>),
             "cudaFuncGetAttributes");
  const bool yes = major == 9 && kernel.numRegs >= 48;  // an empty kernel takes next to none
  if (device < 64) known[device].store(yes ? 1 : -1, std::memory_order_relaxed);
  return yes;
#else
  return true;
#endif
}

/// Tiles below which smaller ones, and pieces of the depth, serve better. Not measured yet.
inline constexpr index_t enough_wgmma_tiles = 64;

/// Whether a product of `pixels` times N images, O channels and sums over D channels of each tap fits these tiles: rows
/// of whole packs, and tiles that are mostly full and that occupy the device. By shape and device alone.
template <Precision F>
bool wgmma_fits(index_t pixels, index_t N, index_t D, index_t O) {
  constexpr index_t pack = 16 / static_cast<index_t>(sizeof(OperandElement<F>));
  return D % pack == 0 && D >= 4 * pack && O >= 48 && 4 * N >= 3 * round_up(N, 128) &&
         pixels * ceil_div(N, 128) * ceil_div(O, 64) >= enough_wgmma_tiles && wgmma_available();
}

// ---- Launchers ------------------------------------------------------------------------------------------------------

/// The product of a plan; in(N,in_h,in_w,D) and w(taps,O,D) in the format.
template <Precision F>
void wgmma_taps(TapPlan& plan, index_t in_h, index_t taps, const Epilogue<float>& e, const void* in, const void* w,
                float* out, Stream stream) {
  const index_t N = plan.conv.N, D = plan.conv.D, O = plan.conv.O;
  const auto tiles_of = [&](const TapGroup& g) { return g.pixels() * ceil_div(N, 128); };
  const auto run = [&]<class P>(P) {
    const TensorMap in_map =
        tensor_map({in, P::element_bytes, {D, plan.conv.in_w, in_h, N}, {P::depth, 1, 1, P::tile_m}});
    const TensorMap w_map = tensor_map({w, P::element_bytes, {D, O, taps, 1}, {P::depth, P::tile_n, 1, 1}});
    plan.conv.column_tiles = static_cast<unsigned>(ceil_div(O, P::tile_n));
    plan.for_launches(tiles_of, [&](const TapConv& conv, index_t count) {
      launch<wgmma_taps_kernel<P>>({.grid = {grid_extent(count * conv.column_tiles)},
                                    .block = {P::threads},
                                    .shared_bytes = P::shared_bytes,
                                    .stream = stream},
                                   conv, in_map, w_map, e, out);
    });
  };
  index_t tiles = 0;
  for (const TapGroup& g : plan.groups) tiles += tiles_of(g);
  if (O > 64 && tiles * ceil_div(O, 128) >= enough_wgmma_tiles) run(WgmmaTile<F, 128>{});
  else run(WgmmaTile<F, 64>{});
}

/// Bytes that wgmma_conv() takes: its operands in the format; tf32 reads floats of the input as they are.
template <Precision F>
std::size_t wgmma_conv_workspace(const ConvDims& d, bool adjoint) {
  const index_t inputs = (adjoint ? d.y_shape() : d.x_shape()).size();
  return (F == Precision::tf32 ? 0 : operand_bytes<F>(inputs)) + operand_bytes<F>(d.w_shape().size());
}

template <Precision F>
bool wgmma_conv_fits(const ConvDims& d, bool adjoint) {
  return adjoint ? wgmma_fits<F>(d.H * d.W, d.N, d.K, d.C) : wgmma_fits<F>(d.P * d.Q, d.N, d.C, d.K);
}

template <Precision F, bool Adjoint>
void wgmma_conv(const ConvDims& d, const Epilogue<float>& e, const float* in, const float* w, float* out,
                void* workspace, Stream stream) {
  TapPlan plan = tap_plan<Adjoint>(d, in, w, out);
  plan.conv.packed_out = plan.conv.packed_out && aligned(16, e.output);
  auto* const w_to = static_cast<std::byte*>(workspace);
  std::byte* const in_to = w_to + operand_bytes<F>(d.w_shape().size());
  write_operand<F>(d.R * d.S, d.C, d.K, !Adjoint, w, w_to, stream);  // (C,K): the adjoint direction sums over K
  const index_t in_h = Adjoint ? d.P : d.H;
  if constexpr (F == Precision::tf32) {
    wgmma_taps<F>(plan, in_h, d.R * d.S, e, in, w_to, out, stream);
  } else {
    write_operand<F>(1, 1, (Adjoint ? d.y_shape() : d.x_shape()).size(), false, in, in_to, stream);
    wgmma_taps<F>(plan, in_h, d.R * d.S, e, in_to, w_to, out, stream);
  }
}

template <Precision F>
std::size_t wgmma_gemm_workspace(const GemmDims& d) {
  return operand_bytes<F>(d.M * d.K) + operand_bytes<F>(d.N * d.K);
}

template <Precision F>
bool wgmma_gemm_fits(const GemmDims& d) {
  return wgmma_fits<F>(1, d.M, d.K, d.N);
}

template <Precision F>
void wgmma_gemm(const GemmDims& d, const Epilogue<float>& e, const float* a, const float* b, float* c, void* workspace,
                Stream stream) {
  auto* const a_to = static_cast<std::byte*>(workspace);
  std::byte* const b_to = a_to + operand_bytes<F>(d.M * d.K);
  write_operand<F>(1, d.trans_a ? d.K : d.M, d.trans_a ? d.M : d.K, d.trans_a, a, a_to, stream);
  write_operand<F>(1, d.trans_b ? d.N : d.K, d.trans_b ? d.K : d.N, !d.trans_b, b, b_to, stream);
  TapPlan plan;
  TapConv& p = plan.conv;
  p.N = static_cast<int>(d.M);
  p.in_w = p.out_w = p.S = 1;
  p.D = static_cast<int>(d.K);
  p.O = static_cast<int>(d.N);
  p.in_image = d.K;
  p.out_image = d.N;
  p.packed_out = d.N % 4 == 0 && aligned(16, c) && aligned(16, e.output);
  const TapClass one{.out = 0, .count = 1, .in = 0, .filter = 0, .taps = 1};
  plan.groups.push_back({one, one, 0});
  wgmma_taps<F>(plan, 1, 1, e, a_to, b_to, c, stream);
}

}  // namespace
}  // namespace tinygan::cuda
