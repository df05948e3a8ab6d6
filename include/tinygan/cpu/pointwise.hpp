// Pointwise kernels, copies and softmax of the contract (backend/kernel_table.hpp), which has their formulas.
//
// Operands are contiguous; an output may be exactly an input (softmax and permute excepted). Split into chunks of 32 Ki
// elements, each a pure function of its operands, so results do not depend on the number of threads. Cost: every
// operand once through memory. Off the hot path several operations share one loop with the choice inside it, which the
// branch predictor gets right: it keeps compile time down.
#pragma once

#include <cmath>
#include <limits>

#include <tinygan/backend/norm_dims.hpp>
#include <tinygan/backend/pointwise_dims.hpp>
#include <tinygan/base/stream.hpp>
#include <tinygan/cpu/map.hpp>
#include <tinygan/cpu/math.hpp>
#include <tinygan/cpu/math_wide.hpp>

namespace tinygan::cpu {

namespace detail {

/// y = clamp((x > 0 ? above : below) * x + shift, low, high): affine, abs, relu, leaky_relu and clamp.
template <class T>
struct PiecewiseLinear {
  T above = 1, below = 1, shift = 0;
  T low = -std::numeric_limits<T>::infinity(), high = std::numeric_limits<T>::infinity();
};

template <class T>
PiecewiseLinear<T> piecewise_linear(UnaryOp op, T alpha, T beta) {
  switch (op) {
    case UnaryOp::affine: return {.above = alpha, .below = alpha, .shift = beta};
    case UnaryOp::abs: return {.below = -1};
    case UnaryOp::relu: return {.low = 0};
    case UnaryOp::leaky_relu: return {.below = alpha};
    default: return {.low = alpha, .high = beta};  // clamp
  }
}

template <class T, class Arch>
TINYGAN_INLINE void unary_vector(UnaryOp op, const Vec<T, Arch>& x, Vec<T, Arch>& y) {
  using V = Vec<T, Arch>;
  const V zero = {}, one = V{} + T(1);
  switch (op) {
    case UnaryOp::log: return math::log<T, Arch>(x, y);
    case UnaryOp::sqrt: return math::sqrt<T, Arch>(x, y);
    case UnaryOp::tanh: return math::tanh<T, Arch>(x, y);
    case UnaryOp::reciprocal: y = one / x; return;
    case UnaryOp::square: y = x * x; return;
    case UnaryOp::sign: y = x < zero ? -one : x, y = x > zero ? one : y; return;
    default: break;
  }
  V exponent = x, e;
  if (op != UnaryOp::exp) math::minus_abs<T, Arch>(x, exponent);
  math::exp<T, Arch>(exponent, e);
  if (op == UnaryOp::sigmoid) math::sigmoid_from_exp<T, Arch>(x, e, y);
  else if (op == UnaryOp::softplus) math::softplus_from_exp<T, Arch>(x, e, y);
  else y = e;
}

/// sin, cos, power, erf, gelu and silu.
template <class T, class Arch>
TINYGAN_INLINE void special_vector(UnaryOp op, T alpha, const Vec<T, Arch>& x, Vec<T, Arch>& y) {
  using V = Vec<T, Arch>;
  V density = {};
  switch (op) {
    case UnaryOp::erf: return math::erf<T, Arch>(x, y);
    case UnaryOp::gelu: math::normal_distribution<T, Arch>(x, y, density), y = x * y; return;
    case UnaryOp::silu: math::sigmoid<T, Arch>(x, y), y = x * y; return;
    case UnaryOp::sin: return math::circular<math::Circular::sine, T, Arch>(x, y);
    case UnaryOp::cos: return math::circular<math::Circular::cosine, T, Arch>(x, y);
    default: return math::power<T, Arch>(x, alpha, y);
  }
}

/// y = a f'(b) for f of gelu and silu.
template <class T, class Arch>
TINYGAN_INLINE void special_grad_vector(BinaryOp op, const Vec<T, Arch>& a, const Vec<T, Arch>& b, Vec<T, Arch>& y) {
  using V = Vec<T, Arch>;
  V p = {}, density = {};
  if (op == BinaryOp::gelu_grad) {
    math::normal_distribution<T, Arch>(b, p, density);
    y = a * (p + b * density);
  } else {
    math::sigmoid<T, Arch>(b, p);
    y = a * (p * (T(1) + b * (T(1) - p)));
  }
}

template <class T, class Arch>
TINYGAN_INLINE void binary_vector(BinaryOp op, T alpha, const Vec<T, Arch>& a, const Vec<T, Arch>& b, Vec<T, Arch>& y) {
  using V = Vec<T, Arch>;
  const V zero = {}, one = V{} + T(1);
  switch (op) {
    case BinaryOp::leaky_relu_grad: y = b > zero ? a : alpha * a; return;
    case BinaryOp::div: y = a / b; return;
    case BinaryOp::maximum: y = a > b ? a : b, y = a != a ? a + a : y; return;  // NaN if either is
    case BinaryOp::minimum: y = a < b ? a : b, y = a != a ? a + a : y; return;
    case BinaryOp::greater: y = a > b ? one : zero; return;
    case BinaryOp::greater_equal: y = a >= b ? one : zero; return;
    case BinaryOp::equal: y = a == b ? one : zero; return;
    case BinaryOp::keep: y = b != zero ? a : zero; return;
    case BinaryOp::drop: y = b != zero ? zero : a; return;
    case BinaryOp::sigmoid_grad: y = a * b * (T(1) - b); return;
    default: y = a * (T(1) - b * b); return;  // tanh_grad
  }
}

/// y = f(x) for n elements, on the calling thread.
template <class T>
void unary_run(UnaryOp op, index_t n, T alpha, T beta, const T* x, T* y) {
  const bool linear = op == UnaryOp::affine || op == UnaryOp::abs || op == UnaryOp::relu || op == UnaryOp::leaky_relu ||
                      op == UnaryOp::clamp;
  if (op >= UnaryOp::sin)
    return map<T, Bound::arithmetic>(n, {y}, {x}, [op, alpha](auto isa, const auto& a, auto& b) TINYGAN_INLINE_LAMBDA {
      special_vector<T, decltype(isa)>(op, alpha, a[0], b[0]);
    });
  if (!linear)
    return map<T, Bound::arithmetic>(n, {y}, {x}, [op](auto isa, const auto& a, auto& b) TINYGAN_INLINE_LAMBDA {
      unary_vector<T, decltype(isa)>(op, a[0], b[0]);
    });
  const PiecewiseLinear<T> p = piecewise_linear(op, alpha, beta);
  map<T>(n, {y}, {x}, [p](auto isa, const auto& a, auto& b) TINYGAN_INLINE_LAMBDA {
    using V = Vec<T, decltype(isa)>;
    const V above = V{} + p.above, below = V{} + p.below, low = V{} + p.low, high = V{} + p.high;
    const V slope = a[0] > V{} ? above : below;
    const V line = slope * a[0] + p.shift;
    const V raised = line < low ? low : line;
    b[0] = raised > high ? high : raised;
  });
}

/// y = f(a, b) for n elements, all contiguous, on the calling thread.
template <class T>
void binary_run(BinaryOp op, index_t n, T alpha, const T* a, const T* b, T* y) {
  if (op == BinaryOp::gelu_grad || op == BinaryOp::silu_grad)
    return map<T, Bound::arithmetic>(n, {y}, {a, b}, [op](auto isa, const auto& in, auto& out) TINYGAN_INLINE_LAMBDA {
      special_grad_vector<T, decltype(isa)>(op, in[0], in[1], out[0]);
    });
  if (op != BinaryOp::add && op != BinaryOp::sub && op != BinaryOp::mul)
    return map<T>(n, {y}, {a, b}, [=](auto isa, const auto& in, auto& out) TINYGAN_INLINE_LAMBDA {
      binary_vector<T, decltype(isa)>(op, alpha, in[0], in[1], out[0]);
    });
  const bool product = op == BinaryOp::mul;
  const T sign = op == BinaryOp::sub ? T(-1) : T(1);
  map<T>(n, {y}, {a, b}, [=](auto, const auto& in, auto& out) TINYGAN_INLINE_LAMBDA {
    if (product) out[0] = in[0] * in[1];
    else out[0] = in[0] + sign * in[1];
  });
}

/// Walks the rows (innermost axes) of a broadcast problem, keeping both operands' offsets.
struct BroadcastRows {
  static constexpr int last = BroadcastDims::rank - 1;
  const BroadcastDims& dims;
  index_t at[BroadcastDims::rank] = {};
  index_t a = 0, b = 0;  // offsets of the current row's first element

  BroadcastRows(const BroadcastDims& d, index_t row) : dims(d) {
    for (int axis = last - 1; axis >= 0; --axis) {
      at[axis] = row % d.extent[axis];
      row /= d.extent[axis];
      a += at[axis] * d.a_stride[axis];
      b += at[axis] * d.b_stride[axis];
    }
  }

  void next() {
    for (int axis = last - 1; axis >= 0; --axis) {
      a += dims.a_stride[axis];
      b += dims.b_stride[axis];
      if (++at[axis] < dims.extent[axis]) return;
      a -= dims.extent[axis] * dims.a_stride[axis];
      b -= dims.extent[axis] * dims.b_stride[axis];
      at[axis] = 0;
    }
  }
};

/// One operand of a broadcast problem, read in contiguous runs: in place where it is contiguous, otherwise
/// gathered.
template <class T>
class BroadcastOperand {
 public:
  static constexpr index_t capacity = 1024;

  BroadcastOperand(const BroadcastDims& d, const index_t* stride, const T* x)
      : x_(x), n_(d.extent[BroadcastRows::last]), stride_(stride[BroadcastRows::last]) {
    index_t dense = 1;
    for (int axis = BroadcastRows::last; axis >= 0; --axis) {
      if (d.extent[axis] > 1 && stride[axis] != dense) dense_ = false;
      if (axis < BroadcastRows::last && d.extent[axis] > 1 && stride[axis] != 0) periodic_ = false;
      dense *= d.extent[axis];
    }
  }

  bool dense() const { return dense_; }
  bool needs_walk() const { return !dense_ && !periodic_; }

  /// `count` elements of the row at `offset` from `column` on. Where the row repeats one element, the buffer is kept.
  const T* within_row(index_t offset, index_t column, index_t count) {
    const T* from = x_ + offset + column * stride_;
    if (stride_ == 1) return from;
    if (stride_ == 0 && from == held_ && count <= held_count_) return buffer_;
    append(0, offset, column, count);
    held_ = from;
    held_count_ = count;
    return buffer_;
  }
  /// Elements i .. of the flattened problem, starting in `column`, unless needs_walk(). The pattern of a repeated row
  /// is kept.
  const T* across_rows(index_t i, index_t column, index_t count) {
    if (dense_) return x_ + i;
    if (column == held_column_ && count <= held_count_) return buffer_;
    for (index_t k = 0; k < count; ++k) buffer_[k] = x_[(column + k) % n_ * stride_];
    held_column_ = column;
    held_count_ = count;
    return buffer_;
  }
  /// Elements of one row, copied into the buffer from `at` on.
  void append(index_t at, index_t offset, index_t column, index_t count) {
    for (index_t k = 0; k < count; ++k) buffer_[at + k] = x_[offset + (column + k) * stride_];
  }
  const T* buffer() const { return buffer_; }

 private:
  const T* x_;
  index_t n_, stride_;
  bool dense_ = true, periodic_ = true;
  const T* held_ = nullptr;
  index_t held_column_ = -1, held_count_ = 0;
  alignas(64) T buffer_[capacity];
};

/// Elements [begin, end) of the flattened output. Rows of at least `short_row` elements run one by one; shorter ones
/// are joined into longer runs first.
template <class T>
void binary_broadcast(BinaryOp op, const BroadcastDims& d, T alpha, const T* a, const T* b, T* y, index_t begin,
                      index_t end) {
  constexpr index_t short_row = 32, capacity = BroadcastOperand<T>::capacity;
  const index_t n = d.extent[BroadcastRows::last];
  BroadcastRows row(d, begin / n);
  BroadcastOperand<T> operand_a(d, d.a_stride, a), operand_b(d, d.b_stride, b);
  if (operand_a.dense() && operand_b.dense())
    return binary_run(op, end - begin, alpha, a + begin, b + begin, y + begin);
  const bool walk_a = operand_a.needs_walk(), walk_b = operand_b.needs_walk();
  index_t column = begin % n;
  for (index_t i = begin, count; i < end; i += count) {
    const T *from_a, *from_b;
    if (n >= short_row) {
      count = std::min({n - column, end - i, capacity});
      from_a = operand_a.within_row(row.a, column, count);
      from_b = operand_b.within_row(row.b, column, count);
      if ((column += count) == n) column = 0, row.next();
    } else {
      count = std::min(end - i, capacity / n * n - column);
      from_a = walk_a ? operand_a.buffer() : operand_a.across_rows(i, column, count);
      from_b = walk_b ? operand_b.buffer() : operand_b.across_rows(i, column, count);
      for (index_t at = 0, run; (walk_a || walk_b) && at < count; at += run, column = 0, row.next()) {
        run = std::min(n - column, count - at);
        if (walk_a) operand_a.append(at, row.a, column, run);
        if (walk_b) operand_b.append(at, row.b, column, run);
      }
      column = 0;  // count ends with a row, or with the problem
    }
    binary_run(op, count, alpha, from_a, from_b, y + i);
  }
}

}  // namespace detail

template <class T>
void unary(UnaryOp op, index_t n, T alpha, T beta, const T* x, T* y, Stream) {
  parallel_for(n, chunk_elements, [=](index_t begin, index_t end) {
    detail::unary_run(op, end - begin, alpha, beta, x + begin, y + begin);
  });
}

template <class T>
void binary(BinaryOp op, const BroadcastDims& d, T alpha, const T* a, const T* b, T* y, Stream) {
  parallel_for(d.size(), chunk_elements,
               [&](index_t begin, index_t end) { detail::binary_broadcast(op, d, alpha, a, b, y, begin, end); });
}

template <class T>
void fill(index_t n, T value, T* y, Stream) {
  constexpr index_t block = 1024;
  T pattern[block];
  std::fill_n(pattern, std::min(n, block), value);
  parallel_for(n, chunk_elements, [&](index_t begin, index_t end) {
    for (index_t i = begin; i < end; i += block)
      std::memcpy(y + i, pattern, static_cast<std::size_t>(std::min(block, end - i)) * sizeof(T));
  });
}

template <class T>
void copy(const CopyDims& d, const T* src, T* dst, Stream) {
  const index_t chunks = (d.inner + chunk_elements - 1) / chunk_elements;  // of a long row
  parallel_for(d.outer * chunks, chunks > 1 ? 1 : chunk_rows(d.inner), [&](index_t begin, index_t end) {
    for (index_t task = begin; task < end; ++task) {
      const index_t row = task / chunks, i = task % chunks * chunk_elements;
      const auto bytes = static_cast<std::size_t>(std::min(chunk_elements, d.inner - i)) * sizeof(T);
      std::memcpy(dst + row * d.dst_stride + i, src + row * d.src_stride + i, bytes);
    }
  });
}

/// The innermost axis and the one along which x is contiguous are walked in square tiles, so that both the reads and
/// the writes use whole cache lines.
template <class T>
void permute(const PermuteDims& d, const T* x, T* y, Stream) {
  constexpr int last = PermuteDims::rank - 1;
  constexpr index_t tile = 32;
  int along = last - 1;
  for (int axis = 0; axis < last; ++axis)
    if (d.stride[axis] == 1 && d.extent[axis] > 1) along = axis;
  index_t y_stride[PermuteDims::rank], y_size = 1;
  for (int axis = last; axis >= 0; --axis) {
    y_stride[axis] = y_size;
    y_size *= d.extent[axis];
  }
  const index_t n = d.extent[last], m = d.extent[along], tiles = (m + tile - 1) / tile;
  parallel_for(y_size / (n * m) * tiles, chunk_rows(std::min(m, tile) * n), [&](index_t begin, index_t end) {
    for (index_t task = begin; task < end; ++task) {
      const index_t first = task % tiles * tile, rows = std::min(tile, m - first);
      const T* from = x + first * d.stride[along];
      T* to = y + first * y_stride[along];
      index_t rest = task / tiles;
      for (int axis = last - 1; axis >= 0; --axis) {
        if (axis == along) continue;
        const index_t at = rest % d.extent[axis];
        rest /= d.extent[axis];
        from += at * d.stride[axis];
        to += at * y_stride[axis];
      }
      for (index_t j = 0; j < n; j += tile)
        for (index_t i = 0; i < rows; ++i)
          for (index_t k = j; k < std::min(n, j + tile); ++k)
            to[i * y_stride[along] + k] = from[i * d.stride[along] + k * d.stride[last]];
    }
  });
}

namespace detail {

/// y = scale x + shift of a row; the few elements of a short one without a call.
template <class T>
void affine_row(index_t n, T scale, T shift, const T* x, T* y) {
  if (n >= 2 * tail_unit) return unary_run(UnaryOp::affine, n, scale, shift, x, y);
  for (index_t i = 0; i < n; ++i) y[i] = scale * x[i] + shift;
}

/// Softmax of each row, or its logarithm x - max - ln(sum e^(x - max)); the sum in double. Short rows share a call of
/// exp.
template <class T>
void softmax_rows(const NormDims& d, bool logarithm, const T* x, T* y) {
  constexpr index_t most_rows = 64, block_elements = 2048;
  const index_t n = d.channels, block = std::clamp<index_t>(block_elements / n, 1, most_rows);
  parallel_for(d.rows, chunk_rows(n), [=](index_t begin, index_t end) {
    for (index_t first = begin; first < end; first += block) {
      const index_t last = std::min(end, first + block);
      T largest[most_rows];
      for (index_t r = first; r < last; ++r) {
        const T* const row = x + r * n;
        T& most = largest[r - first];
        most = row[0];
        for (index_t i = 1; i < n; ++i) most = row[i] > most || row[i] != row[i] ? row[i] : most;
        affine_row(n, T(1), -most, row, y + r * n);
      }
      unary_run(UnaryOp::exp, (last - first) * n, T(0), T(0), static_cast<const T*>(y + first * n), y + first * n);
      for (index_t r = first; r < last; ++r) {
        T* const out = y + r * n;
        double sum = 0;
        for (index_t i = 0; i < n; ++i) sum += static_cast<double>(out[i]);
        if (logarithm) affine_row(n, T(1), -largest[r - first], x + r * n, out);
        const T scale = logarithm ? T(1) : static_cast<T>(1 / sum);
        const T shift = logarithm ? static_cast<T>(-__builtin_log(sum)) : T(0);
        affine_row(n, scale, shift, static_cast<const T*>(out), out);
      }
    }
  });
}

}  // namespace detail

template <class T>
void softmax(const NormDims& d, const T* x, T* y, Stream) {
  detail::softmax_rows(d, false, x, y);
}

template <class T>
void log_softmax(const NormDims& d, const T* x, T* y, Stream) {
  detail::softmax_rows(d, true, x, y);
}

}  // namespace tinygan::cpu
