// Reductions: y(outer, inner) = sum, max or min over the middle of x(outer, reduced, inner).
//
// Columns are summed eight rows at a time into accumulators that stay in L1, over blocks of some 32 Ki elements whose
// partial results are added in double and in order; contiguous runs (inner = 1) are folded into wide rows first
// (columns.hpp). The error of a sum is at most about 30 eps sum|x|, typically a few eps. A NaN is the maximum and the
// minimum of its column. The cut depends on the extents only: same bits at any thread count. Cost: x once through
// memory.
#pragma once

#include <tinygan/backend/workspace.hpp>
#include <tinygan/cpu/columns.hpp>
#include <tinygan/cpu/pointwise.hpp>

namespace tinygan::cpu {

namespace detail {

/// The sign under which the extremum of an operation is the largest value.
template <class T>
T extremum_sign(ReduceOp op) {
  return op == ReduceOp::min ? T(-1) : T(1);
}

/// Whether `value` replaces `acc` as the extremum.
template <class T>
bool replaces(T sign, T value, T acc) {
  return sign * value > sign * acc || value != value;
}

/// acc[j] = acc[j] op x[0,j] op .. op x[rows-1,j] for n <= ColumnPlan::max_width columns.
template <class T>
void reduce_rows(ReduceOp op, index_t rows, index_t stride, index_t n, const T* x, T* acc) {
  const bool sum = op == ReduceOp::sum;
  const T sign = extremum_sign<T>(op);
  for (index_t r = 0; r < rows; r += 8) {
    const T* row[8];
    for (index_t k = 0; k < 8; ++k)  // missing rows are replaced by neutral ones
      row[k] = r + k < rows ? x + (r + k) * stride : sum ? zero_row<T> : x;
    map<T>(n, {acc}, {row[0], row[1], row[2], row[3], row[4], row[5], row[6], row[7], acc},
           [sum, sign](auto, const auto& a, auto& b) TINYGAN_INLINE_LAMBDA {
             if (sum) {
               b[0] = a[8] + (((a[0] + a[1]) + (a[2] + a[3])) + ((a[4] + a[5]) + (a[6] + a[7])));
             } else {
               const auto take = [sign](const auto& value, auto& largest) TINYGAN_INLINE_LAMBDA {
                 largest = sign * value > sign * largest ? value : largest;
                 largest = value != value ? value + value : largest;
               };
               b[0] = a[8];
               take(a[0], b[0]), take(a[1], b[0]), take(a[2], b[0]), take(a[3], b[0]);
               take(a[4], b[0]), take(a[5], b[0]), take(a[6], b[0]), take(a[7], b[0]);
             }
           });
  }
}

/// One task of one (rows, channels) matrix: its channels into y, first_channel on.
template <class T>
void reduce_panel(ReduceOp op, const Panel& p, const T* x, T* y) {
  const BinaryOp combine = op == ReduceOp::sum   ? BinaryOp::add
                           : op == ReduceOp::max ? BinaryOp::maximum
                                                 : BinaryOp::minimum;
  T acc[ColumnPlan::max_width];
  x += p.offset;
  std::copy_n(x, p.width, acc);
  reduce_rows(op, p.rows - 1, p.stride, p.width, x + p.stride, acc);
  if (p.short_width > 0) binary_run(combine, p.short_width, T(0), acc, x + p.rows * p.stride, acc);
  for (index_t half = p.groups / 2; half > 0; half /= 2)
    binary_run(combine, half * p.channels, T(0), acc, acc + half * p.channels, acc);
  std::copy_n(acc, p.channels, y + p.first_channel);
}

/// Few rows of few columns: not worth a vector.
template <class T>
void reduce_small(ReduceOp op, index_t rows, index_t channels, const T* x, T* y) {
  for (index_t c = 0; c < channels; ++c) {
    T acc = x[c];
    for (index_t r = 1; r < rows; ++r) {
      const T value = x[r * channels + c];
      if (op == ReduceOp::sum) acc += value;
      else acc = replaces(extremum_sign<T>(op), value, acc) ? value : acc;
    }
    y[c] = acc;
  }
}

}  // namespace detail

template <class T>
void reduce(ReduceOp op, const ReduceDims& d, const T* x, T* y, Workspace& workspace, Stream) {
  const ColumnPlan plan(d.reduced, d.inner);
  const index_t size = d.reduced * d.inner, tasks = plan.tasks();
  const bool small = size < 64;
  T* partial = plan.blocks == 1
                   ? y
                   : workspace.allocate<T>("reduce", {d.outer * plan.blocks * d.inner});  // (outer, blocks, inner)
  parallel_for(d.outer * tasks, tasks == 1 ? chunk_rows(size) : 1, [&](index_t begin, index_t end) {
    for (index_t i = begin; i < end; ++i) {
      const index_t outer = i / tasks;
      const Panel p = plan.panel(i % tasks);
      if (small) detail::reduce_small(op, d.reduced, d.inner, x + outer * size, y + outer * d.inner);
      else detail::reduce_panel(op, p, x + outer * size, partial + (outer * plan.blocks + p.block) * d.inner);
    }
  });
  if (plan.blocks == 1) return;
  parallel_for(d.outer * d.inner, chunk_rows(plan.blocks), [&](index_t begin, index_t end) {
    for (index_t i = begin; i < end; ++i) {
      const T* column = partial + i / d.inner * plan.blocks * d.inner + i % d.inner;
      auto acc = static_cast<double>(column[0]);
      for (index_t b = 1; b < plan.blocks; ++b) {
        const auto value = static_cast<double>(column[b * d.inner]);
        if (op == ReduceOp::sum) acc += value;
        else acc = detail::replaces(detail::extremum_sign<double>(op), value, acc) ? value : acc;
      }
      y[i] = static_cast<T>(acc);
    }
  });
}

}  // namespace tinygan::cpu
