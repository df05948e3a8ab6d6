// Micro-kernel: one register tile of a product, the inner loop of matrix product and convolution.
//
//   c(m, n) (+)= sum over segments s and k < K of a[a_rows[m] + a_segments[s] + k*a_step]
//                                                     * b[(b_segments[s] + k)*b_step + n]
//
// Shapes:       (rows, width): rows <= 6, width = 1..4 vectors; 24 of 32 registers accumulate on AVX-512 and NEON.
// Operands:     rows of `a` are read in place, wherever each lies (an image pixel, a matrix row, a packed tile); `b` is
//               a panel of `width` columns; a segment is a filter tap, or all of K in a matrix product.
// Cost:         per k 6 broadcasts, 4 loads, 24 FMAs: bound by the FMA units as long as `b` streams from L2.
// Determinism:  every element is summed in the order of its segments and k, then added to c, whatever the tile it
//               falls in.
// Source:       GotoBLAS (Goto, van de Geijn 2008) for the tile; indirect rows after Dukhan, "The Indirect Convolution
//               Algorithm" (2019).
#pragma once

#include <tinygan/base/shape.hpp>
#include <tinygan/cpu/simd.hpp>

namespace tinygan::cpu {

/// Register blocking: `rows` broadcast values times `vectors` loaded ones.
template <class Arch>
struct TilePolicy {
  static constexpr int rows = 6, vectors = Arch::bytes == 64 ? 4 : 2;  // 24 of 32 zmm, 12 of 16 ymm
};
template <>
struct TilePolicy<Neon> {
  static constexpr int rows = 6, vectors = 4;  // 24 of 32
};
template <>
struct TilePolicy<Portable> {
  static constexpr int rows = 4, vectors = 2;  // 8 of 16 xmm: without FMA the products need registers too
};

inline constexpr int max_tile_rows = 6;
inline constexpr int max_tile_bytes = 256;  // of one row

/// The blocking of the instruction set in use, for elements of one type.
struct TileExtents {
  int rows;       ///< of a full tile
  index_t width;  ///< columns of a full panel
  index_t lanes;  ///< elements of one vector

  index_t panels(index_t columns) const { return (columns + width - 1) / width; }

  /// Width of the panel that holds `columns` columns: the full width or fewer whole vectors.
  index_t panel_width(index_t columns) const {
    return columns >= width ? width : (columns + lanes - 1) / lanes * lanes;
  }

  /// Elements of one k of all panels of a matrix with that many columns.
  index_t padded(index_t columns) const { return columns / width * width + panel_width(columns % width); }
};

template <class T>
TileExtents tile_shape() {
  TileExtents shape{};
  const auto set = [&](auto isa) {
    using Arch = decltype(isa);
    shape = {TilePolicy<Arch>::rows, TilePolicy<Arch>::vectors * lanes<T, Arch>, lanes<T, Arch>};
  };
  switch (isa()) {
    case Isa::avx512: set(Avx512{}); break;
    case Isa::avx2: set(Avx2{}); break;
    case Isa::neon: set(Neon{}); break;
    case Isa::portable: set(Portable{}); break;
  }
  return shape;
}

/// One call of the micro-kernel. Offsets are in elements.
template <class T>
struct Tile {
  const T* a;
  const index_t* a_rows;      // (rows): where each row starts
  const index_t* a_segments;  // (segments)
  index_t a_step;
  const T* b;
  const index_t* b_segments;  // (segments), in steps
  index_t b_step;
  index_t segments, K;
  T* c;
  const index_t* c_rows;  // (rows)
  bool accumulate;        // add to c instead of storing
};

namespace detail {

#if defined(__aarch64__)
/// sum += x b, in the order of the source: from the plain expression g++ (12) and clang (14) load values of several rows
/// and k before they use the first, and spill accumulators in the inner loop.
template <class T>
TINYGAN_INLINE void add_product_in_order(const T& x, const Vec<T, Neon>& b, Vec<T, Neon>& sum) {
  Vec<T, Neon> s = sum;
  if constexpr (sizeof(T) == 4) asm volatile("fmla %0.4s, %1.4s, %2.s[0]" : "+w"(s) : "w"(b), "w"(x));
  else asm volatile("fmla %0.2d, %1.2d, %2.d[0]" : "+w"(s) : "w"(b), "w"(x));
  sum = s;
}
#endif

/// One k: acc(Rows, Vectors) += a[.][at] b[.].
template <class T, class Arch, int Rows, int Vectors>
TINYGAN_INLINE void multiply_add(const T* const (&a)[Rows], index_t at, const T* b,
                                 Vec<T, Arch> (&acc)[Rows][Vectors]) {
  Vec<T, Arch> bv[Vectors];
#pragma GCC unroll 4
  for (int j = 0; j < Vectors; ++j) bv[j] = *vec<T, Arch>(b + j * lanes<T, Arch>);
#pragma GCC unroll 16
  for (int i = 0; i < Rows; ++i) {
#if defined(__aarch64__)
    if constexpr (Arch::isa == Isa::neon) {
      const T x = a[i][at];
#pragma GCC unroll 4
      for (int j = 0; j < Vectors; ++j) add_product_in_order(x, bv[j], acc[i][j]);
      continue;
    }
#endif
    const Vec<T, Arch> x = a[i][at] - Vec<T, Arch>{};  // broadcast
#pragma GCC unroll 4
    for (int j = 0; j < Vectors; ++j) acc[i][j] += x * bv[j];
  }
}

/// The tile for one register blocking. Step: a_step where b_step is the width of the panel, or 0 for any steps.
template <class T, class Arch, int Rows, int Vectors, index_t Step>
TINYGAN_INLINE void tile_body(const Tile<T>& t) {
  constexpr int W = lanes<T, Arch>;
  Vec<T, Arch> acc[Rows][Vectors] = {};
#pragma GCC unroll 16
  for (int i = 0; i < Rows; ++i)
#pragma GCC unroll 4
    for (int j = 0; j < Vectors; ++j) __builtin_prefetch(t.c + t.c_rows[i] + j * W, 1);  // for the store
  for (index_t s = 0; s < t.segments; ++s) {
    const T* b = t.b + t.b_segments[s] * t.b_step;
    const T* a[Rows];
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i) a[i] = t.a + t.a_rows[i] + t.a_segments[s];
    if (s + 1 < t.segments) {  // the rows jump to places that no hardware prefetcher foresees
      const index_t jump = t.a_segments[s + 1] - t.a_segments[s];
#pragma GCC unroll 16
      for (int i = 0; i < Rows; ++i) __builtin_prefetch(a[i] + jump);
    }
    index_t k = 0, at = 0;
    if constexpr (Step > 0)  // steps the compiler knows: four k at a time, their addresses in the instructions
      for (; k + 4 <= t.K; k += 4, at += 4 * Step, b += 4 * Vectors * W) {
        multiply_add<T, Arch>(a, at, b, acc);
        multiply_add<T, Arch>(a, at + Step, b + Vectors * W, acc);
        multiply_add<T, Arch>(a, at + 2 * Step, b + 2 * Vectors * W, acc);
        multiply_add<T, Arch>(a, at + 3 * Step, b + 3 * Vectors * W, acc);
      }
    for (; k < t.K; ++k, at += t.a_step, b += t.b_step) multiply_add<T, Arch>(a, at, b, acc);
  }
#pragma GCC unroll 16
  for (int i = 0; i < Rows; ++i)
#pragma GCC unroll 4
    for (int j = 0; j < Vectors; ++j) {
      if (t.accumulate) acc[i][j] += *vec<T, Arch>(t.c + t.c_rows[i] + j * W);
      *vec<T, Arch>(t.c + t.c_rows[i] + j * W) = acc[i][j];
    }
}

/// A tile of exactly `rows` rows (a full tile's; or 2, if the panel is full) and `width` columns (whole vectors).
template <class T>
__attribute__((noinline)) void run_whole_tile(const Tile<T>& t, int rows, index_t width) {
  dispatch([&]<class Arch>(Arch) TINYGAN_INLINE_LAMBDA {
    constexpr int full_rows = TilePolicy<Arch>::rows, full_vectors = TilePolicy<Arch>::vectors;
    const index_t vectors = width / lanes<T, Arch>;
    if constexpr (Arch::isa != Isa::portable)  // the portable set is for reach, not for speed
      if (rows == full_rows && vectors == full_vectors && t.b_step == width) {  // nearly all the work is here
        if (t.a_step == 1) return tile_body<T, Arch, full_rows, full_vectors, 1>(t);
        if (t.a_step == full_rows) return tile_body<T, Arch, full_rows, full_vectors, full_rows>(t);
      }
    if (rows == 2) return tile_body<T, Arch, 2, full_vectors, 0>(t);
    if (vectors == full_vectors) return tile_body<T, Arch, full_rows, full_vectors, 0>(t);
    if constexpr (full_vectors == 4) {
      if (vectors == 3) return tile_body<T, Arch, full_rows, 3, 0>(t);
      if (vectors == 2) return tile_body<T, Arch, full_rows, 2, 0>(t);
    }
    return tile_body<T, Arch, full_rows, 1, 0>(t);
  });
}

}  // namespace detail

/// A tile of any `rows` <= shape.rows and `columns` <= width: writes just those elements of c.
template <class T>
void run_tile(const TileExtents& shape, const Tile<T>& t, int rows, index_t columns, index_t width) {
  const int full = rows <= 2 && width == shape.width ? 2 : shape.rows;
  if (rows == full && columns == width) return detail::run_whole_tile(t, rows, width);

  // The edge of a matrix: a full tile into a buffer, missing rows read as the first one.
  alignas(64) T buffer[max_tile_rows * max_tile_bytes / sizeof(T)];
  index_t a_rows[max_tile_rows], buffer_rows[max_tile_rows];
  for (int i = 0; i < full; ++i) {
    a_rows[i] = t.a_rows[i < rows ? i : 0];
    buffer_rows[i] = i * width;
  }
  Tile<T> whole = t;
  whole.a_rows = a_rows;
  whole.c = buffer;
  whole.c_rows = buffer_rows;
  whole.accumulate = false;
  detail::run_whole_tile(whole, full, width);
  for (int i = 0; i < rows; ++i)
    for (index_t j = 0; j < columns; ++j) {
      T& c = t.c[t.c_rows[i] + j];
      c = t.accumulate ? c + buffer[i * width + j] : buffer[i * width + j];
    }
}

}  // namespace tinygan::cpu
