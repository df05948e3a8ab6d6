// Cases of ops/shape.hpp: reshape, slice, split, pad, concat, stack, permute. All are linear and exact.
#pragma once

#include <tinygan/ops/shape.hpp>

#include "support/op_case.hpp"

namespace tinygan::test {

namespace detail {

/// The multi-index of an element.
inline std::vector<index_t> coordinates(const Shape& shape, std::size_t at) {
  std::vector<index_t> c(static_cast<std::size_t>(shape.rank()));
  for (std::size_t axis = c.size(); axis-- > 0;) {
    const index_t extent = shape[static_cast<int>(axis)];
    c[axis] = static_cast<index_t>(at) % extent;
    at /= static_cast<std::size_t>(extent);
  }
  return c;
}

inline std::size_t offset(const Shape& shape, const std::vector<index_t>& c) {
  index_t at = 0;
  for (std::size_t axis = 0; axis < c.size(); ++axis) at = at * shape[static_cast<int>(axis)] + c[axis];
  return static_cast<std::size_t>(at);
}

/// y(c) = x(source(c)), or 0 where that lies outside x.
template <class Source>
Expected moved(const Shape& out, const Shape& in, const Array& x, Source source) {
  Expected y(out);
  for (std::size_t i = 0; i < y.value.size(); ++i) {
    const std::vector<index_t> c = source(coordinates(out, i));
    bool inside = true;
    for (std::size_t axis = 0; axis < c.size(); ++axis) inside &= c[axis] >= 0 && c[axis] < in[static_cast<int>(axis)];
    y.value[i] = inside ? x[offset(in, c)] : 0;
  }
  return y;
}

}  // namespace detail

inline std::vector<OpCase> shape_cases() {
  std::vector<OpCase> cases;
  const auto same = [](const Shape& out) {
    return [out](const Arrays& x) {
      Expected y(out);
      y.value = x[0];
      return y;
    };
  };
  cases.push_back(op_case("reshape", {{{2, 3, 4}}},
                          [](const auto& x) {
                            return ops::reshape(x[0], {4, 6});
                          },
                          same({4, 6}), {0}));
  cases.push_back(
      op_case("reshape to a scalar", {{{1, 1}}}, [](const auto& x) { return ops::reshape(x[0], {}); }, same({}), {0}));
  cases.push_back(
      op_case("flatten", {{{2, 3, 2, 5}}}, [](const auto& x) { return ops::flatten(x[0]); }, same({2, 30}), {0}));
  cases.push_back(
      op_case("flatten a vector", {{{3}}}, [](const auto& x) { return ops::flatten(x[0]); }, same({3, 1}), {0}));

  struct Cut {
    Shape x;
    int axis;
    index_t begin, end;
  };
  for (const Cut& cut : {Cut{{7}, 0, 2, 5}, Cut{{5, 3}, 0, 4, 5}, Cut{{5, 3}, 1, 0, 2}, Cut{{2, 3, 17}, -1, 5, 17},
                         Cut{{2, 3, 4, 5}, 1, 1, 2}, Cut{{2, 3, 4, 5}, -2, 0, 3}, Cut{{3, 4}, 1, 0, 4}}) {
    const int axis = cut.x.resolve(cut.axis);
    const Shape part = cut.x.with(axis, cut.end - cut.begin);
    const auto shift = [axis](index_t by) {
      return [axis, by](std::vector<index_t> c) {
        c[static_cast<std::size_t>(axis)] += by;
        return c;
      };
    };
    cases.push_back(op_case(
        text("slice", cut.x, " axis ", cut.axis), {{cut.x}},
        [cut](const auto& x) { return ops::slice(x[0], cut.axis, cut.begin, cut.end); },
        [=](const Arrays& x) { return detail::moved(part, cut.x, x[0], shift(cut.begin)); }, {0}));
    cases.push_back(op_case(
        text("pad", part, " axis ", cut.axis), {{part}},
        [cut](const auto& x) { return ops::pad(x[0], cut.axis, cut.begin, cut.x[cut.axis] - cut.end); },
        [=](const Arrays& x) { return detail::moved(cut.x, part, x[0], shift(-cut.begin)); }, {0}));
  }

  struct Join {
    std::vector<Shape> xs;
    int axis;
    Shape y;
  };
  for (const Join& join :
       {Join{{{3, 2}}, 0, {3, 2}}, Join{{{3, 2}, {1, 2}}, 0, {4, 2}}, Join{{{3, 2}, {3, 5}, {3, 1}}, -1, {3, 8}},
        Join{{{2, 1, 3, 4}, {2, 2, 3, 4}}, 1, {2, 3, 3, 4}}, Join{{{2, 2, 2, 1}, {2, 2, 2, 16}}, 3, {2, 2, 2, 17}}}) {
    std::vector<Input> inputs;
    for (const Shape& s : join.xs) inputs.push_back({s});
    cases.push_back(op_case(
        text("concat", join.y, " axis ", join.axis), inputs,
        [axis = join.axis](const auto& x) { return ops::concat(x, axis); },
        [join](const Arrays& x) {
          Expected y(join.y);
          const auto axis = static_cast<std::size_t>(join.y.resolve(join.axis));
          index_t begin = 0;
          for (std::size_t k = 0; k < x.size(); ++k) {
            const Expected part = detail::moved(join.y, join.xs[k], x[k], [=](std::vector<index_t> c) {
              c[axis] -= begin;
              return c;
            });
            for (std::size_t i = 0; i < y.value.size(); ++i) y.value[i] += part.value[i];
            begin += join.xs[k][static_cast<int>(axis)];
          }
          return y;
        }));
  }

  struct Order {
    Shape x;
    std::vector<int> axes;
    Shape y;
  };
  for (const Order& order :
       {Order{{5}, {0}, {5}}, Order{{3, 17}, {1, 0}, {17, 3}}, Order{{2, 3, 4}, {2, 0, 1}, {4, 2, 3}},
        Order{{2, 3, 4}, {0, 2, 1}, {2, 4, 3}}, Order{{2, 3, 1, 5}, {0, -1, 1, 2}, {2, 5, 3, 1}},
        Order{{2, 3, 2, 5}, {3, 2, 1, 0}, {5, 2, 3, 2}},
        Order{{2, 1, 3, 2, 1, 3}, {5, 0, 3, 1, 2, 4}, {3, 2, 2, 1, 3, 1}}}) {
    cases.push_back(op_case(
        text("permute", order.x, "->", order.y), {{order.x}},
        [axes = order.axes](const auto& x) { return ops::permute(x[0], axes); },
        [order](const Arrays& x) {
          return detail::moved(order.y, order.x, x[0], [&order](const std::vector<index_t>& c) {
            std::vector<index_t> from(c.size());
            for (std::size_t i = 0; i < c.size(); ++i)
              from[static_cast<std::size_t>(order.x.resolve(order.axes[i]))] = c[i];
            return from;
          });
        },
        {0}));
  }
  cases.push_back(op_case(
      "transpose", {{{2, 3, 4}}}, [](const auto& x) { return ops::transpose(x[0]); },
      [](const Arrays& x) {
        return detail::moved({2, 4, 3}, {2, 3, 4}, x[0], [](const std::vector<index_t>& c) {
          return std::vector<index_t>{c[0], c[2], c[1]};
        });
      },
      {0}));
  return cases;
}

}  // namespace tinygan::test
