// Winograd's minimal filtering F(m, r): m outputs of a filter of r taps from n = m + r - 1 multiplications.
//
//   y = A^T [(G w) * (B^T x)]      one axis; both axes of an image: A^T [(G w G^T) * (B^T x B)] A
//
// The matrices are those of Toom and Cook: polynomials are evaluated at n - 1 points and at infinity, multiplied there,
// and their product is interpolated. The filter's gradient is the adjoint, with the transposed matrices.
//
// Points:       0, 1, -1, 2, -1/2, and for n = 8 also -2, 1/2: A and B are exact in binary.
// Cost:         n^2 multiplications instead of (m r)^2: 36 instead of 144 for F(4x4, 3x3), 64 instead of 400 for
//               F(4x4, 5x5).
// Source:       Lavin, Gray, "Fast Algorithms for Convolutional Neural Networks" (2016); the points after Barabasz et
//               al., "Error Analysis and Improving the Accuracy of Winograd Convolution" (2020).
#pragma once

#include <type_traits>
#include <utility>

#include <tinygan/cpu/simd.hpp>

namespace tinygan::cpu::detail {

template <int Rows, int Columns>
struct Matrix {
  static constexpr int rows = Rows, columns = Columns;
  double at[Rows][Columns] = {};

  constexpr Matrix<Columns, Rows> transposed() const {
    Matrix<Columns, Rows> t;
    for (int i = 0; i < Rows; ++i)
      for (int j = 0; j < Columns; ++j) t.at[j][i] = at[i][j];
    return t;
  }

  /// The columns in reverse order, for a rotated filter.
  constexpr Matrix reversed() const {
    Matrix t;
    for (int i = 0; i < Rows; ++i)
      for (int j = 0; j < Columns; ++j) t.at[i][j] = at[i][Columns - 1 - j];
    return t;
  }
};

/// The matrices of F(m, r): `filter` G, `input` B^T, `output` A^T, and their adjoints.
template <int M, int R>
struct Winograd {
  static constexpr int m = M, r = R, n = M + R - 1;

 private:
  static_assert(n <= 8, "seven finite points are defined");
  static constexpr double points[7] = {0, 1, -1, 2, -0.5, -2, 0.5};

  static constexpr Matrix<n, M> evaluate_outputs() {
    Matrix<n, M> a;
    for (int i = 0; i < n - 1; ++i) {
      double power = 1;
      for (int j = 0; j < M; ++j, power *= points[i]) a.at[i][j] = power;
    }
    a.at[n - 1][M - 1] = 1;
    return a;
  }

  /// Each row divided by the denominator of Lagrange interpolation at its point.
  static constexpr Matrix<n, R> evaluate_filter() {
    Matrix<n, R> g;
    for (int i = 0; i < n - 1; ++i) {
      double divisor = 1;
      for (int j = 0; j < n - 1; ++j)
        if (j != i) divisor *= points[i] - points[j];
      double power = 1;
      for (int j = 0; j < R; ++j, power *= points[i]) g.at[i][j] = power / divisor;
    }
    g.at[n - 1][R - 1] = 1;
    return g;
  }

  /// Row i: coefficients of the product of x - points[j] over all j but i.
  static constexpr Matrix<n, n> interpolate() {
    Matrix<n, n> b;
    for (int i = 0; i < n; ++i) {
      b.at[i][0] = 1;
      int degree = 0;
      for (int j = 0; j < n - 1; ++j) {
        if (j == i) continue;
        for (int k = ++degree; k > 0; --k) b.at[i][k] = b.at[i][k - 1] - points[j] * b.at[i][k];
        b.at[i][0] *= -points[j];
      }
    }
    return b;
  }

 public:
  static constexpr Matrix<n, R> filter = evaluate_filter(), filter_reversed = filter.reversed();
  static constexpr Matrix<R, n> filter_adjoint = filter.transposed();
  static constexpr Matrix<n, n> input = interpolate();
  static constexpr Matrix<n, M> output_adjoint = evaluate_outputs();
  static constexpr Matrix<M, n> output = output_adjoint.transposed();
};

/// sum += L[Row][Column] x.
template <const auto& L, std::size_t Row, std::size_t Column, class T, class Arch>
TINYGAN_INLINE void add_term(const Vec<T, Arch>& x, Vec<T, Arch>& sum) {
  constexpr double c = L.at[Row][Column];
  if constexpr (c == 1) sum += x;
  else if constexpr (c == -1) sum -= x;
  else if constexpr (c != 0) sum += x * static_cast<T>(c);
}

/// out[i * out_step] = sum over j of L[i][j] in[j * in_step]; terms with a factor of 0 are omitted.
template <const auto& L, class T, class Arch>
TINYGAN_INLINE void multiply_axis(const Vec<T, Arch>* in, int in_step, Vec<T, Arch>* out, int out_step) {
  const auto row = [&]<std::size_t Row, std::size_t... Column>(std::index_sequence<Row>, std::index_sequence<Column...>)
      TINYGAN_INLINE_LAMBDA {
    Vec<T, Arch> sum{};
    (add_term<L, Row, Column, T, Arch>(in[static_cast<int>(Column) * in_step], sum), ...);
    out[static_cast<int>(Row) * out_step] = sum;
  };
  using Columns = std::make_index_sequence<static_cast<std::size_t>(std::remove_cvref_t<decltype(L)>::columns)>;
  [&]<std::size_t... Row>(std::index_sequence<Row...>) TINYGAN_INLINE_LAMBDA {
    (row(std::index_sequence<Row>{}, Columns{}), ...);
  }
  (std::make_index_sequence<static_cast<std::size_t>(std::remove_cvref_t<decltype(L)>::rows)>{});
}

/// L in L^T of a square of vectors: load(i, j, v) reads element (i, j) into v, store(i, j, v) writes one of the result.
template <const auto& L, class T, class Arch, class Load, class Store>
TINYGAN_INLINE void multiply_both_axes(const Load& load, const Store& store) {
  constexpr int rows = std::remove_cvref_t<decltype(L)>::rows, columns = std::remove_cvref_t<decltype(L)>::columns;
  Vec<T, Arch> half[rows * columns];
  for (int j = 0; j < columns; ++j) {
    Vec<T, Arch> column[columns];
#pragma GCC unroll 8
    for (int i = 0; i < columns; ++i) load(i, j, column[i]);
    multiply_axis<L, T, Arch>(column, 1, half + j, columns);
  }
  for (int i = 0; i < rows; ++i) {
    Vec<T, Arch> row[rows];
    multiply_axis<L, T, Arch>(half + i * columns, 1, row, 1);
#pragma GCC unroll 8
    for (int j = 0; j < rows; ++j) store(i, j, row[j]);
  }
}

}  // namespace tinygan::cpu::detail
