// map(): an element-wise loop over whole arrays, and the divisions that multi-dimensional indices need.
#pragma once

#include <cstdint>

#include "../launch.cuh"
#include "math.cuh"
#include "vector.cuh"

namespace tinygan::cuda {
namespace {

/// Threads per block of the bandwidth-bound kernels: 8 blocks fill a multiprocessor's 2048 threads.
inline constexpr int map_threads = 256;

/// Blocks of a map() over T... that a multiprocessor shall hold at least; sm_75 has room for four. Left alone (0), nvcc
/// 13.0 aims at eight elsewhere, and with bfloat16 it then spills for some architectures.
template <class... T>
inline constexpr unsigned map_blocks_per_sm = (std::is_same_v<T, float> && ...) ? 0 : 4;

/// Number of packs of N in n elements if every array is aligned for vectorised access, else 0.
template <int N, class... T>
index_t packs_of(index_t n, const T*... arrays) {
  return is_vector_aligned<N>(arrays...) ? n / N : 0;
}

/// Packs of map(): as wide as a load of the widest type.
template <class... T>
index_t map_packs(index_t n, const T*... arrays) {
  return packs_of<pack_width<T...>>(n, arrays...);
}

/// Blocks for map() over n elements, `packs` packs among them. Two packs per thread and iteration.
inline dim3 map_blocks(index_t n, index_t packs) {
  return {grid_stride_blocks(packs > 0 ? ceil_div(packs, 2) : n, map_threads), 1, 1};
}

template <int N, class F, class... P>
__device__ __forceinline__ Pack<float, N> map_pack(const F& f, const P&... p) {
  Pack<float, N> r;
  TINYGAN_UNROLL
  for (int k = 0; k < N; ++k) r.at[k] = f(p.at[k]...);
  return r;
}

/// y[i] = f(x[i]...) for i < n by the whole grid, f being of floats: the first map_packs() packs as such, two in flight
/// per thread, the rest one by one. y may be one of the x.
template <class T, class F, class... X>
__device__ __forceinline__ void map(index_t n, index_t packs, T* y, const F& f, const X*... x) {
  constexpr int N = pack_width<T, X...>;
  const index_t step = grid_threads();
  index_t i = grid_thread();
  for (; i + step < packs; i += 2 * step) {
    const Pack<float, N> first = map_pack<N>(f, load_floats<N>(x + N * i)...);
    const Pack<float, N> second = map_pack<N>(f, load_floats<N>(x + N * (i + step))...);
    store_floats(y + N * i, first);
    store_floats(y + N * (i + step), second);
  }
  if (i < packs) store_floats(y + N * i, map_pack<N>(f, load_floats<N>(x + N * i)...));
  for (index_t k = N * packs + grid_thread(); k < n; k += step) y[k] = from_float<T>(f(to_float(x[k])...));
}

/// Division of non-negative numbers by one known at launch: a multiplication and a shift, of 32 bits where the dividend
/// has no more. Source: Granlund & Montgomery, "Division by Invariant Integers using Multiplication", PLDI 1994.
class Divisor {
 public:
  Divisor() = default;
  explicit Divisor(index_t divisor) : divisor_(divisor) {
    __extension__ using Wide = unsigned __int128;
    const auto d = static_cast<std::uint64_t>(divisor);
    while ((std::uint64_t{1} << shift_) < d) ++shift_;  // 2^(shift-1) < d <= 2^shift
    const Wide excess = (std::uint64_t{1} << shift_) - d;
    multiplier_ = static_cast<std::uint64_t>((excess << 64) / d + 1);
    short_multiplier_ = shift_ <= 32 ? static_cast<std::uint32_t>((excess << 32) / d + 1) : 0;
  }

  __device__ index_t value() const { return divisor_; }
  __device__ index_t divide(index_t dividend) const {
    const auto n = static_cast<std::uint64_t>(dividend);
    const bool is_short = n <= 0xffffffffu && shift_ <= 32;
    const std::uint64_t high = is_short ? (n * short_multiplier_) >> 32 : multiply_high(n, multiplier_);
    return static_cast<index_t>((high + n) >> shift_);  // below 2^64, as a dividend is below 2^63
  }

 private:
  index_t divisor_ = 1;
  std::uint64_t multiplier_ = 1;
  std::uint32_t short_multiplier_ = 1;
  unsigned shift_ = 0;
};

}  // namespace
}  // namespace tinygan::cuda
