// Winograd's minimal filtering: m outputs of a filter of r taps from n = m + r - 1 products.
//
//   y = A^T [(G w) * (B^T x)]                    one axis; both axes of an image: A^T [(G w G^T) * (B^T x B)] A
//
// The matrices are Toom and Cook's: x and w are polynomials, evaluated at n - 1 points and at infinity, and their product is
// interpolated. Of the adjoint, the gradient of the filter, the same matrices are used transposed.
//
// Points:       0, 1, -1, 2, -1/2, and for n = 8 also -2, 1/2: B and A are exact in binary.
// Cost:         n^2 products in place of (m r)^2: 36 of 144 for F(4, 3), 64 of 400 for F(4, 5).
// Source:       Lavin, Gray, "Fast Algorithms for Convolutional Neural Networks" (2016); the points after Barabasz et al., "Error
//               Analysis and Improving the Accuracy of Winograd Convolution" (2020).
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

  /// The columns in reverse: of a filter that is read backwards.
  constexpr Matrix reversed() const {
    Matrix t;
    for (int i = 0; i < Rows; ++i)
      for (int j = 0; j < Columns; ++j) t.at[i][j] = at[i][Columns - 1 - j];
    return t;
  }
};

/// F(m, r).
template <int M, int R>
struct Winograd {
  static constexpr int m = M, r = R, n = M + R - 1;

 private:
  static_assert(n <= 8, "no more points are known here");
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

  /// Divided by what interpolation at a point divides by.
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

  /// Row i: the coefficients of the product of x - points[j] over the other j.
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

/// out[i * out_step] = sum over j of L[i][j] in[j * in_step].
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

/// L in L^T of a square of vectors: load(i, j, v) sets v to that of row i and column j, store(i, j, v) takes the result's.
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
