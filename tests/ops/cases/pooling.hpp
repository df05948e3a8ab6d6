// Cases of ops/pooling.hpp: maximum and average over windows, nearest-neighbour upsampling.
#pragma once

#include <tinygan/ops/pooling.hpp>

#include "support/op_case.hpp"

namespace tinygan::test {

namespace detail {

struct Window {
  Shape x;
  ops::PoolOptions options;
  index_t P, Q, pad_top, pad_left;
};

inline std::vector<Window> windows() {
  const Padding same = Padding::same(), valid = Padding::valid();
  return {{{1, 2, 2, 1}, {2, 2, 2, 2, valid}, 1, 1, 0, 0},
          {{2, 5, 4, 3}, {2, 2, 2, 2, valid}, 2, 2, 0, 0},
          {{2, 5, 4, 3}, {2, 2, 2, 2, same}, 3, 2, 0, 0},
          {{1, 5, 7, 2}, {3, 3, 1, 1, same}, 5, 7, 1, 1},
          {{1, 5, 7, 2}, {3, 2, 2, 3, valid}, 2, 2, 0, 0},
          {{1, 7, 7, 1}, {2, 1, 3, 3, valid}, 2, 3, 0, 0},
          {{2, 4, 3, 17}, {3, 2, 2, 1, Padding::sides(2, 0, 1, 1)}, 2, 4, 2, 1},
          {{1, 3, 3, 5}, {3, 3, 3, 3, valid}, 1, 1, 0, 0},
          {{1, 6, 5, 2}, {1, 1, 2, 2, same}, 3, 3, 0, 0}};
}

/// fold(window's values) for each window and channel.
template <class Fold>
Expected pooled(const Window& s, const Array& x, Fold fold) {
  const index_t H = s.x[1], W = s.x[2], C = s.x[3];
  Expected y({s.x[0], s.P, s.Q, C});
  std::size_t at = 0;
  for (index_t n = 0; n < s.x[0]; ++n)
    for (index_t p = 0; p < s.P; ++p)
      for (index_t q = 0; q < s.Q; ++q)
        for (index_t c = 0; c < C; ++c) {
          Array cells;
          for (index_t i = 0; i < s.options.window_h; ++i)
            for (index_t j = 0; j < s.options.window_w; ++j) {
              const index_t h = p * s.options.stride_h + i - s.pad_top, w = q * s.options.stride_w + j - s.pad_left;
              if (h >= 0 && h < H && w >= 0 && w < W)
                cells.push_back(x[static_cast<std::size_t>(((n * H + h) * W + w) * C + c)]);
            }
          fold(cells, y, at++);
        }
  return y;
}

}  // namespace detail

inline std::vector<OpCase> pooling_cases() {
  std::vector<OpCase> cases;
  for (const detail::Window& s : detail::windows()) {
    const std::string what = text(s.x, " window ", s.options.window_h, "x", s.options.window_w, " stride ",
                                  s.options.stride_h, "x", s.options.stride_w);
    cases.push_back(op_case(
        "max_pool2d" + what, {{s.x, Draw::distinct}}, [s](const auto& x) { return ops::max_pool2d(x[0], s.options); },
        [s](const Arrays& x) {
          return detail::pooled(s, x[0], [](Array& cells, Expected& y, std::size_t at) {
            std::sort(cells.rbegin(), cells.rend());
            y.set(at, cells[0], 0);
            if (cells.size() > 1) y.kink(cells[0] - cells[1]);
          });
        }));
    cases.push_back(op_case(
        "average_pool2d" + what, {{s.x}}, [s](const auto& x) { return ops::average_pool2d(x[0], s.options); },
        [s](const Arrays& x) {
          return detail::pooled(s, x[0], [](const Array& cells, Expected& y, std::size_t at) {
            const auto n = static_cast<double>(cells.size());
            double sum = 0, size = 0;
            for (double v : cells) sum += v, size += std::fabs(v);
            y.set(at, sum / n, (n + 2) * size / n);
          });
        },
        {0}));
  }
  struct Scale {
    Shape x;
    index_t h, w;
  };
  for (const Scale& s :
       {Scale{{1, 1, 1, 1}, 2, 2}, Scale{{2, 3, 2, 3}, 2, 2}, Scale{{1, 2, 3, 17}, 3, 1}, Scale{{1, 2, 2, 5}, 1, 1}})
    cases.push_back(op_case(
        text("upsample2d", s.x, " by ", s.h, "x", s.w), {{s.x}},
        [s](const auto& x) { return ops::upsample2d(x[0], s.h, s.w); },
        [s](const Arrays& x) {
          Expected y({s.x[0], s.x[1] * s.h, s.x[2] * s.w, s.x[3]});
          std::size_t at = 0;
          for (index_t n = 0; n < s.x[0]; ++n)
            for (index_t h = 0; h < y.shape[1]; ++h)
              for (index_t w = 0; w < y.shape[2]; ++w)
                for (index_t c = 0; c < s.x[3]; ++c)
                  y.value[at++] =
                      x[0][static_cast<std::size_t>(((n * s.x[1] + h / s.h) * s.x[2] + w / s.w) * s.x[3] + c)];
          return y;
        },
        {0}));
  return cases;
}

}  // namespace tinygan::test
