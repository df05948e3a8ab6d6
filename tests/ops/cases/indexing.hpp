// Cases of ops/indexing.hpp: gathering by indices along an axis, and addition at indices. All are linear.
#pragma once

#include <tinygan/ops/indexing.hpp>

#include "support/op_case.hpp"

namespace tinygan::test {

namespace detail {

/// Indices in [0, extent), some of them more than once.
inline Tensor<std::int32_t> some_indices(const Shape& shape, index_t extent, Device device) {
  std::vector<std::int32_t> list(static_cast<std::size_t>(shape.size()));
  for (std::size_t i = 0; i < list.size(); ++i)
    list[i] = static_cast<std::int32_t>((7 * i * i + 3 * i + 1) % static_cast<std::size_t>(extent));
  return Tensor<std::int32_t>::from(list, shape, device);
}

struct Indexing {
  Shape x;  // with the axis
  int axis;
  Shape index;
  Shape y;  // at the indices

  index_t outer() const { return x.range_size(0, x.resolve(axis)); }
  index_t extent() const { return x[axis]; }
  index_t inner() const { return x.range_size(x.resolve(axis) + 1, x.rank()); }
  Tensor<std::int32_t> indices(Device device) const { return some_indices(index, extent(), device); }
  /// f(place in x, place in y) for every element of y.
  template <class F>
  void for_each(bool shared, const F& f) const {
    const std::vector<std::int32_t> list = indices(Device::cpu()).to_vector();
    const index_t count = y.size() / (outer() * inner());
    for (index_t o = 0; o < outer(); ++o)
      for (index_t j = 0; j < count; ++j)
        for (index_t i = 0; i < inner(); ++i) {
          const index_t at = (o * count + j) * inner() + i;
          const index_t k = list[static_cast<std::size_t>(shared ? j : at)];
          f(static_cast<std::size_t>((o * extent() + k) * inner() + i), static_cast<std::size_t>(at));
        }
  }
};

}  // namespace detail

inline std::vector<OpCase> indexing_cases() {
  using detail::Indexing;
  std::vector<OpCase> cases;
  const auto gathered = [](const Indexing& n, bool shared) {
    return [=](const Arrays& x) {
      Expected y(n.y);
      n.for_each(shared, [&](std::size_t from, std::size_t to) { y.set(to, x[0][from], 0); });
      return y;
    };
  };
  for (const Indexing& n :
       {Indexing{{5, 4}, 0, {3}, {3, 4}}, Indexing{{5, 8}, 0, {70}, {70, 8}}, Indexing{{5, 3}, 0, {2, 3}, {2, 3, 3}},
        Indexing{{2, 7, 3}, 1, {4}, {2, 4, 3}}, Indexing{{3, 6}, -1, {5}, {3, 5}}, Indexing{{4, 130}, 0, {9}, {9, 130}},
        Indexing{{6}, 0, {}, {}}})
    cases.push_back(op_case(text("take", n.x, " axis ", n.axis, " at ", n.index), {{n.x}},
                            [n](const auto& x) { return ops::take(x[0], n.indices(x[0].device()), n.axis); },
                            gathered(n, true), {0}));
  for (const Indexing& n : {Indexing{{5, 4}, 1, {5, 1}, {5, 1}}, Indexing{{5, 4}, 0, {7, 4}, {7, 4}},
                            Indexing{{2, 6, 3}, 1, {2, 2, 3}, {2, 2, 3}}})
    cases.push_back(op_case(text("take_along_axis", n.x, " axis ", n.axis, " at ", n.index), {{n.x}},
                            [n](const auto& x) { return ops::take_along_axis(x[0], n.indices(x[0].device()), n.axis); },
                            gathered(n, false), {0}));
  for (const Indexing& n :
       {Indexing{{5, 4}, 0, {3}, {3, 4}}, Indexing{{3, 8}, 0, {40}, {40, 8}}, Indexing{{2, 7, 3}, 1, {4}, {2, 4, 3}}})
    cases.push_back(op_case(
        text("scatter_add", n.y, " axis ", n.axis, " to ", n.extent()), {{n.y}},
        [n](const auto& x) { return ops::scatter_add(x[0], n.indices(x[0].device()), n.extent(), n.axis); },
        [n](const Arrays& g) {
          Expected x(n.x);
          n.for_each(true, [&](std::size_t to, std::size_t from) {
            x.value[to] += g[0][from];
            x.bound[to] += static_cast<double>(n.index.size()) * std::fabs(g[0][from]);
          });
          return x;
        },
        {0}));
  return cases;
}

}  // namespace tinygan::test
