// Pointwise arithmetic, fills, conversions, copies and permutations of the contract (backend/kernel_table.hpp has their
// formulas).
//
// Shapes       arrays of n elements; broadcasting and copies by strides (backend/pointwise_dims.hpp).
// Elements     float or bfloat16, computed in float and rounded once when stored; copies move them as they are.
// Owns         thread t of T: packs of 16 bytes t, t+T, t+2T, ... two at a time (broadcasts: of 4 elements, one at a
//              time); single elements where an array is not aligned to its packs, and at the end. An output may be
//              exactly an input (permute excepted).
// Shared       permute: a 32x33 tile (4.2 KB, bfloat16 2.1 KB); the others none.      Requires  sm_75.
// Determinism  every element is computed by itself: same bits whatever the grid.
// Cost         every operand once through memory: bandwidth-bound; the arithmetic is hidden by it.
#pragma once

#include <tinygan/backend/pointwise_dims.hpp>
#include <tinygan/base/stream.hpp>

#include "device/map.cuh"
#include "launch.cuh"

namespace tinygan::cuda {
namespace {

// ---- Values ---------------------------------------------------------------------------------------------------------

__device__ inline float sigmoid(float x) {
  const float e = expf(-fabsf(x));  // at most 1: no overflow
  return (x >= 0.0f ? 1.0f : e) / (1.0f + e);
}

/// Phi(x): by erfc, whose digits stay where Phi is small.
__device__ inline float normal_distribution(float x) { return 0.5f * erfcf(-0.70710678f * x); }

/// The formulas of UnaryOp. A NaN stays one.
__device__ inline float unary_value(UnaryOp op, float alpha, float beta, float x) {
  switch (op) {
    case UnaryOp::affine: return alpha * x + beta;
    case UnaryOp::exp: return expf(x);
    case UnaryOp::log: return logf(x);
    case UnaryOp::sqrt: return sqrtf(x);
    case UnaryOp::reciprocal: return 1.0f / x;
    case UnaryOp::square: return x * x;
    case UnaryOp::abs: return fabsf(x);
    case UnaryOp::sign: return x > 0.0f ? 1.0f : x < 0.0f ? -1.0f : x;
    case UnaryOp::softplus: return (x > 0.0f ? x : x != x ? x : 0.0f) + log1pf(expf(-fabsf(x)));
    case UnaryOp::sigmoid: return sigmoid(x);
    case UnaryOp::tanh: return tanhf(x);
    case UnaryOp::relu: return x < 0.0f ? 0.0f : x;
    case UnaryOp::leaky_relu: return x > 0.0f ? x : alpha * x;
    case UnaryOp::clamp: return x < alpha ? alpha : x > beta ? beta : x;
    case UnaryOp::sin: return sinf(x);
    case UnaryOp::cos: return cosf(x);
    case UnaryOp::erf: return erff(x);
    case UnaryOp::gelu: return x * normal_distribution(x);
    case UnaryOp::silu: return x * sigmoid(x);
    case UnaryOp::power: return powf(x, alpha);
  }
  return x;
}

/// The formulas of BinaryOp. maximum and minimum are NaN if either operand is.
__device__ inline float binary_value(BinaryOp op, float alpha, float a, float b) {
  switch (op) {
    case BinaryOp::add: return a + b;
    case BinaryOp::sub: return a - b;
    case BinaryOp::mul: return a * b;
    case BinaryOp::div: return a / b;
    case BinaryOp::maximum: return a > b || a != a ? a : b;
    case BinaryOp::minimum: return a < b || a != a ? a : b;
    case BinaryOp::greater: return a > b ? 1.0f : 0.0f;
    case BinaryOp::greater_equal: return a >= b ? 1.0f : 0.0f;
    case BinaryOp::leaky_relu_grad: return b > 0.0f ? a : alpha * a;
    case BinaryOp::sigmoid_grad: return a * b * (1.0f - b);
    case BinaryOp::tanh_grad: return a * (1.0f - b * b);
    case BinaryOp::equal: return a == b ? 1.0f : 0.0f;
    case BinaryOp::keep: return b != 0.0f ? a : 0.0f;
    case BinaryOp::drop: return b != 0.0f ? 0.0f : a;
    case BinaryOp::gelu_grad: return a * (normal_distribution(b) + b * 0.39894228f * expf(-0.5f * b * b));
    case BinaryOp::silu_grad: {
      const float s = sigmoid(b);
      return a * s * (1.0f + b * (1.0f - s));
    }
  }
  return a;
}

/// f.operator()<value>() for the one of Values that `value` is: a run-time choice made a compile-time one.
template <auto... Values, class E, class F>
void select(E value, const F& f) {
  static_cast<void>(((value == Values && (f.template operator()<Values>(), true)) || ...));
}

// ---- y = f(x), y = f(a, b) ------------------------------------------------------------------------------------------

/// erf and gelu have long polynomials on both sides of a branch: held to fewer registers, they spill for sm_100 and 120.
template <UnaryOp Op, class T>
inline constexpr unsigned unary_blocks_per_sm = Op == UnaryOp::erf || Op == UnaryOp::gelu ? 2 : map_blocks_per_sm<T>;

template <UnaryOp Op, class T>
__global__ void __launch_bounds__(map_threads, unary_blocks_per_sm<Op, T>)
    unary_kernel(index_t n, index_t packs, float alpha, float beta, const T* x, T* y) {
  map(
      n, packs, y, [=](float v) { return unary_value(Op, alpha, beta, v); }, x);
}

template <class T>
void unary(UnaryOp op, index_t n, float alpha, float beta, const T* x, T* y, Stream stream) {
  const index_t packs = map_packs(n, x, y);
  using enum UnaryOp;
  select<affine, exp, log, sqrt, reciprocal, square, abs, sign, softplus, sigmoid, tanh, relu, leaky_relu, clamp, sin,
         cos, erf, gelu, silu, power>(op, [&]<UnaryOp Op>() {
    launch<unary_kernel<Op, T>>({.grid = map_blocks(n, packs), .block = {map_threads}, .stream = stream}, n, packs,
                                alpha, beta, x, y);
  });
}

template <BinaryOp Op, class T>
__global__ void __launch_bounds__(map_threads, map_blocks_per_sm<T>)
    binary_kernel(index_t n, index_t packs, float alpha, const T* a, const T* b, T* y) {
  map(
      n, packs, y, [=](float v, float w) { return binary_value(Op, alpha, v, w); }, a, b);
}

/// A broadcast problem in packs of N: outer axes by division, the innermost in packs.
struct BroadcastPlan {
  int first = 0;  // axes before it have extent 1
  index_t packs = 0;
  Divisor extent[BroadcastDims::rank];  // the innermost in packs
  index_t a_stride[BroadcastDims::rank] = {}, b_stride[BroadcastDims::rank] = {};
  bool a_splat = false, b_splat = false;  // one value for a whole pack

  BroadcastPlan(const BroadcastDims& d, index_t N) : packs(d.size() / N) {
    constexpr int last = BroadcastDims::rank - 1;
    while (first < last && d.extent[first] == 1) ++first;
    for (int axis = first; axis <= last; ++axis) {
      extent[axis] = Divisor(axis == last ? d.extent[axis] / N : d.extent[axis]);
      a_stride[axis] = d.a_stride[axis] * (axis == last ? N : 1);
      b_stride[axis] = d.b_stride[axis] * (axis == last ? N : 1);
    }
    a_splat = d.a_stride[last] == 0;
    b_splat = d.b_stride[last] == 0;
  }
};

/// Whether an operand allows vectorised access by 4 elements: one value along the innermost axis, or contiguous runs
/// from aligned addresses.
template <class T>
bool is_vectorisable(const BroadcastDims& d, const index_t* stride, const T* x) {
  constexpr int last = BroadcastDims::rank - 1;
  if (stride[last] == 0) return true;
  bool even = stride[last] == 1 && is_vector_aligned<4>(x);
  for (int axis = 0; axis < last; ++axis) even = even && (d.extent[axis] == 1 || stride[axis] % 4 == 0);
  return even;
}

template <int N, class T>
__device__ __forceinline__ Pack<float, N> load_or_splat(const T* from, bool splat) {
  if (!splat) return load_floats<N>(from);
  Pack<float, N> r;
  for (int k = 0; k < N; ++k) r.at[k] = to_float(*from);
  return r;
}

template <int N, class T>
__global__ void __launch_bounds__(map_threads)
    binary_broadcast_kernel(BinaryOp op, BroadcastPlan p, float alpha, const T* a, const T* b, T* y) {
  for (index_t i = grid_thread(); i < p.packs; i += grid_threads()) {
    index_t rest = i, a_at = 0, b_at = 0;
    for (int axis = BroadcastDims::rank - 1; axis >= p.first; --axis) {
      const index_t next = p.extent[axis].divide(rest), at = rest - next * p.extent[axis].value();
      a_at += at * p.a_stride[axis];
      b_at += at * p.b_stride[axis];
      rest = next;
    }
    const Pack<float, N> v = load_or_splat<N>(a + a_at, p.a_splat), w = load_or_splat<N>(b + b_at, p.b_splat);
    Pack<float, N> r;
    TINYGAN_UNROLL
    for (int k = 0; k < N; ++k) r.at[k] = binary_value(op, alpha, v.at[k], w.at[k]);
    store_floats(y + N * i, r);
  }
}

template <class T>
void binary(BinaryOp op, const BroadcastDims& d, float alpha, const T* a, const T* b, T* y, Stream stream) {
  constexpr int last = BroadcastDims::rank - 1;
  const index_t n = d.size();
  const bool dense = d.extent[last] == n && d.a_stride[last] == 1 && d.b_stride[last] == 1;
  if (dense) {
    const index_t packs = map_packs(n, a, b, y);
    using enum BinaryOp;
    select<add, sub, mul, div, maximum, minimum, greater, greater_equal, leaky_relu_grad, sigmoid_grad, tanh_grad,
           equal, keep, drop, gelu_grad, silu_grad>(op, [&]<BinaryOp Op>() {
      launch<binary_kernel<Op, T>>({.grid = map_blocks(n, packs), .block = {map_threads}, .stream = stream}, n, packs,
                                   alpha, a, b, y);
    });
    return;
  }
  const bool vectorised = d.extent[last] % 4 == 0 && is_vector_aligned<4>(y) && is_vectorisable(d, d.a_stride, a) &&
                          is_vectorisable(d, d.b_stride, b);
  const BroadcastPlan plan(d, vectorised ? 4 : 1);
  const Launch how{.grid = {grid_stride_blocks(plan.packs, map_threads)}, .block = {map_threads}, .stream = stream};
  if (vectorised) launch<binary_broadcast_kernel<4, T>>(how, op, plan, alpha, a, b, y);
  else launch<binary_broadcast_kernel<1, T>>(how, op, plan, alpha, a, b, y);
}

// ---- Fills, conversions and copies ----------------------------------------------------------------------------------

template <class T>
__global__ void __launch_bounds__(map_threads) fill_kernel(index_t n, index_t packs, float value, T* y) {
  map(n, packs, y, [=] { return value; });
}

template <class T>
void fill(index_t n, float value, T* y, Stream stream) {
  const index_t packs = map_packs(n, y);
  launch<fill_kernel<T>>({.grid = map_blocks(n, packs), .block = {map_threads}, .stream = stream}, n, packs, value, y);
}

template <class X, class Y>
__global__ void __launch_bounds__(map_threads, map_blocks_per_sm<X, Y>)
    convert_kernel(index_t n, index_t packs, const X* x, Y* y) {
  map(
      n, packs, y, [](float v) { return v; }, x);
}

template <class X, class Y>
void convert(index_t n, const X* x, Y* y, Stream stream) {
  const index_t packs = map_packs(n, x, y);
  launch<convert_kernel<X, Y>>({.grid = map_blocks(n, packs), .block = {map_threads}, .stream = stream}, n, packs, x,
                               y);
}

template <class T>
void narrow(index_t n, const wide_t<T>* x, T* y, Stream stream) {
  convert(n, x, y, stream);
}
template <class T>
void widen(index_t n, const T* x, wide_t<T>* y, Stream stream) {
  convert(n, x, y, stream);
}

template <class T>
__global__ void __launch_bounds__(map_threads) from_int32_kernel(index_t n, const std::int32_t* x, T* y) {
  for (index_t i = grid_thread(); i < n; i += grid_threads()) y[i] = from_float<T>(static_cast<float>(x[i]));
}

/// Without the fraction, within int32's range; a NaN becomes 0.
template <class T>
__global__ void __launch_bounds__(map_threads) to_int32_kernel(index_t n, const T* x, std::int32_t* y) {
  for (index_t i = grid_thread(); i < n; i += grid_threads()) {
    const float value = to_float(x[i]);
    y[i] = value != value            ? 0
           : value >= 2147483648.0f  ? 0x7fffffff
           : value <= -2147483648.0f ? -0x7fffffff - 1
                                     : static_cast<std::int32_t>(value);
  }
}

template <class T>
void from_int32(index_t n, const std::int32_t* x, T* y, Stream stream) {
  launch<from_int32_kernel<T>>({.grid = {grid_stride_blocks(n, map_threads)}, .block = {map_threads}, .stream = stream},
                               n, x, y);
}
template <class T>
void to_int32(index_t n, const T* x, std::int32_t* y, Stream stream) {
  launch<to_int32_kernel<T>>({.grid = {grid_stride_blocks(n, map_threads)}, .block = {map_threads}, .stream = stream},
                             n, x, y);
}

/// Row by row in packs of N; `inner` is in packs.
template <int N, class T>
__global__ void __launch_bounds__(map_threads)
    copy_kernel(index_t packs, Divisor inner, index_t src_stride, index_t dst_stride, const T* src, T* dst) {
  for (index_t i = grid_thread(); i < packs; i += grid_threads()) {
    const index_t row = inner.divide(i), column = i - row * inner.value();
    store_pack(dst + row * dst_stride + N * column, load_pack<N>(src + row * src_stride + N * column));
  }
}

template <class T>
void copy(const CopyDims& d, const T* src, T* dst, Stream stream) {
  constexpr int N = pack_width<T>;
  const bool even = d.outer == 1 || (d.src_stride % N == 0 && d.dst_stride % N == 0);
  const bool vectorised = d.inner % N == 0 && even && is_vector_aligned<N>(src, dst);
  const index_t count = d.outer * d.inner / (vectorised ? N : 1);
  const Divisor inner(d.inner / (vectorised ? N : 1));
  const Launch how{.grid = {grid_stride_blocks(count, map_threads)}, .block = {map_threads}, .stream = stream};
  if (vectorised) launch<copy_kernel<N, T>>(how, count, inner, d.src_stride, d.dst_stride, src, dst);
  else launch<copy_kernel<1, T>>(how, count, inner, d.src_stride, d.dst_stride, src, dst);
}

// ---- Permutation ----------------------------------------------------------------------------------------------------

inline constexpr int permute_tile = 32, permute_rows = 8;

/// x is contiguous along axis `along`, y along the last: tiles of both are turned in shared memory, so that reads and
/// writes both run along contiguous memory. Where they are the same axis, `along` is any other and the tile is just
/// passed on.
struct PermutePlan {
  index_t extent[PermuteDims::rank] = {}, x_stride[PermuteDims::rank] = {}, y_stride[PermuteDims::rank] = {};
  int along = PermuteDims::rank - 2;
  bool turn = false;  // read along `along`; else along the last axis
  index_t tiles_along = 0, tiles_last = 0, blocks = 1;

  explicit PermutePlan(const PermuteDims& d) {
    constexpr int last = PermuteDims::rank - 1;
    index_t size = 1;
    for (int axis = last; axis >= 0; --axis) {
      extent[axis] = d.extent[axis];
      x_stride[axis] = d.stride[axis];
      y_stride[axis] = size;
      size *= d.extent[axis];
    }
    for (int axis = 0; axis < last; ++axis)
      if (d.stride[axis] == 1 && d.extent[axis] > 1) along = axis, turn = true;
    tiles_along = ceil_div(extent[along], permute_tile);
    tiles_last = ceil_div(extent[last], permute_tile);
    for (int axis = 0; axis <= last; ++axis)
      blocks *= axis == along ? tiles_along : axis == last ? tiles_last : extent[axis];
  }
};

template <class T>
struct PermuteShared {
  T tile[permute_tile][permute_tile + 1];  // (along, last); one more column: columns fall into different banks
};

template <class T>
__global__ void __launch_bounds__(permute_tile* permute_rows) permute_kernel(PermutePlan p, const T* x, T* y) {
  auto& s = block_shared<PermuteShared<T>>();
  constexpr int last = PermuteDims::rank - 1;
  const index_t m = p.extent[p.along], n = p.extent[last];
  for (index_t block = blockIdx.x; block < p.blocks; block += gridDim.x) {
    index_t rest = block;
    const index_t j0 = rest % p.tiles_last * permute_tile;
    rest /= p.tiles_last;
    const index_t i0 = rest % p.tiles_along * permute_tile;
    rest /= p.tiles_along;
    const T* from = x + i0 * p.x_stride[p.along] + j0 * p.x_stride[last];
    T* to = y + i0 * p.y_stride[p.along] + j0;
    for (int axis = last - 1; axis >= 0; --axis) {
      if (axis == p.along) continue;
      const index_t at = rest % p.extent[axis];
      rest /= p.extent[axis];
      from += at * p.x_stride[axis];
      to += at * p.y_stride[axis];
    }
    for (unsigned r = threadIdx.y; r < permute_tile; r += permute_rows) {
      const unsigned i = p.turn ? threadIdx.x : r, j = p.turn ? r : threadIdx.x;
      if (i0 + i < m && j0 + j < n) s.tile[i][j] = from[i * p.x_stride[p.along] + j * p.x_stride[last]];
    }
    __syncthreads();
    for (unsigned i = threadIdx.y; i < permute_tile; i += permute_rows)
      if (i0 + i < m && j0 + threadIdx.x < n) to[i * p.y_stride[p.along] + threadIdx.x] = s.tile[i][threadIdx.x];
    __syncthreads();  // the tile is free for the next round
  }
}

template <class T>
void permute(const PermuteDims& d, const T* x, T* y, Stream stream) {
  const PermutePlan plan(d);
  launch<permute_kernel<T>>({.grid = {grid_stride_blocks(plan.blocks, 1, 1 << 20)},
                             .block = {permute_tile, permute_rows},
                             .shared_bytes = sizeof(PermuteShared<T>),
                             .stream = stream},
                            plan, x, y);
}

}  // namespace
}  // namespace tinygan::cuda
