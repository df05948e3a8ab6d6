// Nearest neighbours in feature space: precision, recall, density, coverage, and the signs of memorised images.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include <tinygan/autograd/variable.hpp>
#include <tinygan/base/outline.hpp>
#include <tinygan/cpu/thread_pool.hpp>
#include <tinygan/ops/matmul.hpp>

namespace tinygan::eval {

/// For each row of queries (N,d) the distance to its k nearest rows of points (M,d), nearest first, and which they are,
/// (N,k) each.
struct Neighbours {
  index_t k = 0;
  std::vector<double> distance;
  std::vector<std::int32_t> row;
};

/// `same`: queries and points are one set, and no row is its own neighbour. Throws Error unless rows are complete, d >=
/// 1 and there are at least k >= 1 points, one more if `same`.
Neighbours nearest(std::span<const float> queries, std::span<const float> points, index_t d, index_t k,
                   bool same = false);

/// How the generated features y(M,d) lie among the real x(N,d). B(x_i) is the ball around x_i that reaches its k-th
/// nearest other real vector; likewise B(y_j) among the generated.
struct Spread {
  double precision = 0;  ///< share of the y_j in some B(x_i), k = 3
  double recall = 0;     ///< share of the x_i in some B(y_j), k = 3
  double density = 0;    ///< number of balls B(x_i) that a y_j lies in, over k, k = 5
  double coverage = 0;   ///< share of the B(x_i) that hold some y_j, k = 5
};

/// None of the four has an absolute meaning: compare with those of real images. For samples of one distribution
/// coverage is near 1 - 2^-5. Throws Error as nearest() does with k = 5.
/// Sources: Kynkaanniemi et al. 2019 for precision and recall, Naeem et al. 2020 for density and coverage.
Spread spread(std::span<const float> real, std::span<const float> generated, index_t d);

/// The p-th percentile, 0 to 100, of values, linear between two. Throws Error if there are none.
double percentile(std::vector<double> values, double p);

}  // namespace tinygan::eval

#ifdef TINYGAN_FUNC

namespace tinygan::eval {

namespace detail {

/// Rows of features relative to `origin`, in float64, and their squared lengths: distances from products would lose
/// digits to a common offset.
struct CentredRows {
  std::vector<double> values, squares;
  index_t d;

  CentredRows(std::span<const float> x, std::span<const double> origin) : d(static_cast<index_t>(origin.size())) {
    values.assign(x.begin(), x.end());
    squares.resize(x.size() / origin.size());
    for (std::size_t i = 0; i < squares.size(); ++i)
      for (std::size_t c = 0; c < origin.size(); ++c) {
        double& v = values[i * origin.size() + c];
        v -= origin[c];
        squares[i] += v * v;
      }
  }
  index_t count() const { return static_cast<index_t>(squares.size()); }
  Variable<double> rows(index_t begin, index_t end) const {
    return Variable<double>(Tensor<double>::from(
        std::span(values).subspan(static_cast<std::size_t>(begin * d), static_cast<std::size_t>((end - begin) * d)),
        {end - begin, d}));
  }
};

/// The mean of the rows, rounded to whole numbers, so that distances between rows of whole numbers stay exact.
TINYGAN_FUNC std::vector<double> rounded_mean(std::span<const float> x, index_t d) {
  const auto size = static_cast<std::size_t>(d), rows = x.size() / size;
  std::vector<double> mean(size);
  for (std::size_t i = 0; i < rows; ++i)
    for (std::size_t c = 0; c < size; ++c) mean[c] += static_cast<double>(x[i * size + c]) / static_cast<double>(rows);
  for (double& m : mean) m = std::nearbyint(m);
  return mean;
}

/// f(i, first, squared distances of query i to the points first, first + 1, ...) for every query, in tiles; queries in
/// parallel, the tiles of one query in order.
template <class F>
void each_distance(const CentredRows& queries, const CentredRows& points, F&& f) {
  constexpr index_t tile_rows = 512, tile_columns = 4096;  // 16 MiB of distances
  const NoGrad no_grad;
  for (index_t q = 0; q < queries.count(); q += tile_rows) {
    const index_t q_end = std::min(q + tile_rows, queries.count());
    const Variable<double> a = queries.rows(q, q_end);
    for (index_t p = 0; p < points.count(); p += tile_columns) {
      const index_t p_end = std::min(p + tile_columns, points.count()), width = p_end - p;
      const Tensor<double> products = ops::matmul(a, points.rows(p, p_end), {false, true}).value();
      const std::span<double> tile = products.host();
      cpu::parallel_for(q_end - q, 8, [&](index_t begin, index_t end) {
        for (index_t i = begin; i < end; ++i) {
          const auto row = tile.subspan(static_cast<std::size_t>(i * width), static_cast<std::size_t>(width));
          const double own = queries.squares[static_cast<std::size_t>(q + i)];
          for (std::size_t j = 0; j < row.size(); ++j)
            row[j] = std::max(0.0, own + points.squares[static_cast<std::size_t>(p) + j] - 2 * row[j]);
          f(q + i, p, std::span<const double>(row));
        }
      });
    }
  }
}

TINYGAN_FUNC void check_rows(const char* op, std::span<const float> x, index_t d, index_t least) {
  check(d >= 1 && x.size() % static_cast<std::size_t>(d) == 0, op, x.size(), " numbers, expected rows of ", d);
  const std::size_t rows = x.size() / static_cast<std::size_t>(d);
  check(rows >= static_cast<std::size_t>(least), op, rows, " feature vectors, expected at least ", least);
}

/// nearest() with squared distances: a radius must compare with distances as they were computed.
TINYGAN_FUNC Neighbours nearest_squared(const CentredRows& queries, const CentredRows& points, index_t k, bool same) {
  const auto size = static_cast<std::size_t>(queries.count() * k);
  Neighbours best{k, std::vector<double>(size, std::numeric_limits<double>::infinity()),
                  std::vector<std::int32_t>(size, -1)};
  each_distance(queries, points, [&](index_t i, index_t first, std::span<const double> distances) {
    double* const near = &best.distance[static_cast<std::size_t>(i * k)];
    std::int32_t* const who = &best.row[static_cast<std::size_t>(i * k)];
    for (std::size_t j = 0; j < distances.size(); ++j) {
      const index_t point = first + static_cast<index_t>(j);
      if (!(distances[j] < near[k - 1]) || (same && point == i)) continue;
      index_t at = k - 1;
      for (; at > 0 && distances[j] < near[at - 1]; --at) {
        near[at] = near[at - 1];
        who[at] = who[at - 1];
      }
      near[at] = distances[j];
      who[at] = static_cast<std::int32_t>(point);
    }
  });
  return best;
}

}  // namespace detail

TINYGAN_FUNC Neighbours nearest(std::span<const float> queries, std::span<const float> points, index_t d, index_t k,
                                bool same) {
  check(k >= 1, "nearest", k, " neighbours, expected at least 1");
  detail::check_rows("nearest", queries, d, 1);
  detail::check_rows("nearest", points, d, same ? k + 1 : k);
  const std::vector<double> origin = detail::rounded_mean(points, d);
  Neighbours n =
      detail::nearest_squared(detail::CentredRows(queries, origin), detail::CentredRows(points, origin), k, same);
  for (double& distance : n.distance) distance = std::sqrt(distance);
  return n;
}

TINYGAN_FUNC Spread spread(std::span<const float> real, std::span<const float> generated, index_t d) {
  constexpr index_t few = 3, more = 5;
  detail::check_rows("spread", real, d, more + 1);
  detail::check_rows("spread", generated, d, more + 1);
  const std::vector<double> origin = detail::rounded_mean(real, d);
  const detail::CentredRows x(real, origin), y(generated, origin);
  const Neighbours of_real = detail::nearest_squared(x, x, more, true),
                   of_generated = detail::nearest_squared(y, y, few, true);
  const auto radii = [](const Neighbours& n, index_t k) {
    std::vector<double> squares;
    for (std::size_t i = static_cast<std::size_t>(k - 1); i < n.distance.size(); i += static_cast<std::size_t>(n.k))
      squares.push_back(n.distance[i]);
    return squares;
  };
  const std::vector<double> real_few = radii(of_real, few), real_more = radii(of_real, more),
                            generated_few = radii(of_generated, few);
  std::vector<std::int64_t> balls(static_cast<std::size_t>(y.count()));  // B(x_i), k = 5, that y_j lies in
  std::vector<std::uint8_t> precise(balls.size());
  detail::each_distance(y, x, [&](index_t j, index_t first, std::span<const double> distances) {
    for (std::size_t i = 0; i < distances.size(); ++i) {
      const std::size_t ball = static_cast<std::size_t>(first) + i;
      balls[static_cast<std::size_t>(j)] += distances[i] <= real_more[ball];
      if (distances[i] <= real_few[ball]) precise[static_cast<std::size_t>(j)] = 1;
    }
  });
  std::vector<std::uint8_t> recalled(static_cast<std::size_t>(x.count())), covered(recalled.size());
  detail::each_distance(x, y, [&](index_t i, index_t first, std::span<const double> distances) {
    const auto at = static_cast<std::size_t>(i);
    for (std::size_t j = 0; j < distances.size(); ++j) {
      if (distances[j] <= generated_few[static_cast<std::size_t>(first) + j]) recalled[at] = 1;
      if (distances[j] <= real_more[at]) covered[at] = 1;
    }
  });
  const auto share = [](const std::vector<std::uint8_t>& yes) {
    return static_cast<double>(std::count(yes.begin(), yes.end(), 1)) / static_cast<double>(yes.size());
  };
  double all_balls = 0;
  for (const std::int64_t b : balls) all_balls += static_cast<double>(b);
  return {share(precise), share(recalled), all_balls / static_cast<double>(more * y.count()), share(covered)};
}

TINYGAN_FUNC double percentile(std::vector<double> values, double p) {
  check(!values.empty() && p >= 0 && p <= 100, "percentile", values.size(), " values at ", p,
        ", expected some values and 0 to 100");
  std::sort(values.begin(), values.end());
  const double at = p / 100 * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const std::size_t above = std::min(below + 1, values.size() - 1);
  return values[below] + (at - static_cast<double>(below)) * (values[above] - values[below]);
}

}  // namespace tinygan::eval

#endif
