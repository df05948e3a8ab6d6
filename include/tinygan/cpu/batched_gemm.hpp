// Products of many matrices of one size: c[b] = op(a[b]) op(b[b]).
//
// Work: a thread computes whole products, by the tiles of gemm.hpp. Meant for many small products, as in attention;
// fewer products than threads leave threads idle. Cost and error: those of gemm, without split-K.
// Determinism: each product is one thread's, in an order that depends on the shape alone.
#pragma once

#include <tinygan/cpu/gemm.hpp>

namespace tinygan::cpu {

namespace detail {

/// A workspace of kernels that need none.
class NoWorkspace final : public Workspace {
  void* allocate_bytes(std::size_t) override { fail("batched_gemm", "a product of vectors allocates"); }
};

}  // namespace detail

template <class T>
void batched_gemm(const GemmDims& d, index_t batch, const T* a, const T* b, T* c, Workspace& workspace, Stream stream) {
  if (batch == 1) return gemm(d, Epilogue<T>{}, a, b, c, workspace, stream);
  const index_t a_size = d.M * d.K, b_size = d.K * d.N, c_size = d.M * d.N;
  const index_t batch_chunk = std::max<index_t>(1, 32768 / (d.M * d.N * d.K));
  if (d.M == 1 || d.N == 1 || d.K == 1)
    return parallel_for(batch, batch_chunk, [&](index_t begin, index_t end) {
      detail::NoWorkspace none;
      for (index_t i = begin; i < end; ++i)
        gemm(d, Epilogue<T>{}, a + i * a_size, b + i * b_size, c + i * c_size, none, stream);
    });
  auto p = detail::gemm_plan<T>(d);
  p.splits = 1;
  p.split_k = d.K;
  const index_t scratch = p.packed_rows() + p.panel_block();  // of a thread
  T* const packed = workspace.allocate<T>("batched_gemm", {threads() * scratch});
  parallel_chunks((batch + batch_chunk - 1) / batch_chunk, [&](index_t chunk, int worker) {
    T* const rows = packed + worker * scratch;
    for (index_t i = chunk * batch_chunk; i < std::min(batch, (chunk + 1) * batch_chunk); ++i) {
      const T *const mine = a + i * a_size, *const other = b + i * b_size;
      detail::GemmOperands<T> operands{p.swapped ? other : mine, p.swapped ? mine : other, c + i * c_size};
      if (p.pack_rows()) {
        pack_row_tiles(p.shape.rows, operands.rows, p.M, p.K, p.M, rows, p.shape.rows * p.K);
        operands.rows = rows;
      }
      detail::gemm_task(p, Epilogue<T>{}, operands, 0, p.M, 0, p.panels(), 0, p.K, rows + p.packed_rows());
    }
  });
}

}  // namespace tinygan::cpu
