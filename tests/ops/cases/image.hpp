// Cases of ops/image.hpp: translation and cutout. Linear and exact.
#pragma once

#include <tinygan/ops/image.hpp>

#include "support/op_case.hpp"

namespace tinygan::test {

namespace detail {

/// Images, a row and a column for each, and the size of a window.
struct ImageCase {
  Shape x;
  std::vector<std::int32_t> positions;
  index_t rows = 1, columns = 1;
};

/// f(y's element, n, h, w, c) for every element of images.
template <class F>
void for_pixels(const Shape& x, const F& f) {
  std::size_t i = 0;
  for (index_t n = 0; n < x[0]; ++n)
    for (index_t h = 0; h < x[1]; ++h)
      for (index_t w = 0; w < x[2]; ++w)
        for (index_t c = 0; c < x[3]; ++c) f(i++, n, h, w, c);
}

}  // namespace detail

inline std::vector<OpCase> image_cases() {
  std::vector<OpCase> cases;
  const auto at = [](const detail::ImageCase& d, index_t i) { return d.positions[static_cast<std::size_t>(i)]; };
  for (const detail::ImageCase& d :
       {detail::ImageCase{{1, 1, 1, 1}, {0, 0}}, detail::ImageCase{{3, 4, 5, 1}, {1, -2, -3, 4, 0, 5}},
        detail::ImageCase{{2, 3, 4, 3}, {-1, 1, 2, -3}}, detail::ImageCase{{3, 2, 4, 4}, {0, 1, 2, 0, -9, 1000}}})
    cases.push_back(op_case(
        text("translate", d.x), {{d.x}},
        [d](const auto& x) {
          const Shape rows{d.x[0], 2};
          return ops::translate(x[0], Tensor<std::int32_t>::from(std::span(d.positions), rows, x[0].device()));
        },
        [d, at](const Arrays& x) {
          Expected y(d.x);
          detail::for_pixels(d.x, [&](std::size_t i, index_t n, index_t h, index_t w, index_t c) {
            const index_t p = h - at(d, 2 * n), q = w - at(d, 2 * n + 1);
            const bool inside = p >= 0 && p < d.x[1] && q >= 0 && q < d.x[2];
            y.value[i] = inside ? x[0][static_cast<std::size_t>(((n * d.x[1] + p) * d.x[2] + q) * d.x[3] + c)] : 0;
          });
          return y;
        },
        {0}));
  for (const detail::ImageCase& d :
       {detail::ImageCase{{1, 1, 1, 1}, {0, 0}}, detail::ImageCase{{3, 4, 5, 1}, {1, 2, -1, -1, 3, 4}, 2, 3},
        detail::ImageCase{{2, 3, 4, 3}, {-1, 1, 5, 0}, 3, 2}, detail::ImageCase{{2, 3, 4, 4}, {-7, -7, 1, -2}, 9, 4}})
    cases.push_back(op_case(
        text("cutout", d.x, " window ", d.rows, "x", d.columns), {{d.x}},
        [d](const auto& x) {
          const Shape rows{d.x[0], 2};
          return ops::cutout(x[0], Tensor<std::int32_t>::from(std::span(d.positions), rows, x[0].device()), d.rows,
                             d.columns);
        },
        [d, at](const Arrays& x) {
          Expected y(d.x);
          detail::for_pixels(d.x, [&](std::size_t i, index_t n, index_t h, index_t w, index_t) {
            const index_t p = h - at(d, 2 * n), q = w - at(d, 2 * n + 1);
            y.value[i] = p >= 0 && p < d.rows && q >= 0 && q < d.columns ? 0 : x[0][i];
          });
          return y;
        },
        {0}));
  return cases;
}

}  // namespace tinygan::test
