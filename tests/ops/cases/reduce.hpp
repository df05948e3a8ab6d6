// Cases of ops/reduce.hpp and ops/norms.hpp: sums, means, variances, norms, and the adjoint pair sum_to and broadcast_to.
#pragma once

#include <tinygan/ops/norms.hpp>

#include "ops/cases/pointwise.hpp"

namespace tinygan::test {

namespace detail {

struct Reduction {
  Shape x;
  ops::Axes axes;
  bool keep;
  Shape kept, y;  ///< the reduced shape with those axes at extent 1, and the result's
};

inline std::vector<Reduction> reductions() {
  const auto axes = [](std::vector<int> list) { return ops::Axes(std::move(list)); };
  return {{{}, {}, false, {}, {}},
          {{1}, {}, false, {1}, {}},
          {{7, 5}, {}, false, {1, 1}, {}},
          {{7, 5}, {}, true, {1, 1}, {1, 1}},
          {{7, 5}, axes({0}), false, {1, 5}, {5}},
          {{7, 5}, axes({-1}), false, {7, 1}, {7}},
          {{7, 1}, axes({1}), true, {7, 1}, {7, 1}},
          {{1, 33}, axes({0}), false, {1, 33}, {33}},
          {{13, 17}, axes({0}), false, {1, 17}, {17}},
          {{2, 3, 4}, axes({1}), true, {2, 1, 4}, {2, 1, 4}},
          {{2, 3, 4}, axes({0, 2}), false, {1, 3, 1}, {3}},
          {{2, 3, 4}, axes({}), false, {2, 3, 4}, {2, 3, 4}},
          {{2, 3, 2, 5}, axes({0, 1, 2}), false, {1, 1, 1, 5}, {5}},
          {{2, 3, 2, 5}, axes({1, 2}), true, {2, 1, 1, 5}, {2, 1, 1, 5}},
          {{2, 1, 3, 1, 2, 3}, axes({-1, 2, 0}), false, {1, 1, 1, 1, 2, 1}, {1, 1, 2}}};
}

/// y = finish(sum of f(x)), with (n + 4) roundings of the sum of |f(x)|; `slope` bounds |finish'| on the way.
template <class Call>
void add_reduction(std::vector<OpCase>& cases, const std::string& name, Call call, double (*f)(double),
                   double (*finish)(double sum, double n), double (*slope)(double sum, double n),
                   std::vector<std::size_t> linear, Draw how = Draw::uniform) {
  for (const Reduction& r : reductions())
    cases.push_back(op_case(
        text(name, r.x, "->", r.y), {{r.x, how}}, [=](const auto& x) { return call(x[0], r.axes, r.keep); },
        [=](const Arrays& x) {
          Expected y(r.y);
          for (std::size_t i = 0; i < x[0].size(); ++i) {
            const std::size_t at = broadcast_offset(r.x, r.kept, i);
            y.value[at] += f(x[0][i]);
            y.bound[at] += std::fabs(f(x[0][i]));
          }
          const auto n = static_cast<double>(r.x.size() / r.y.size());
          for (std::size_t i = 0; i < y.value.size(); ++i) {
            const double sum = y.value[i];
            y.value[i] = finish(sum, n);
            y.bound[i] = (n + 4) * y.bound[i] * slope(sum, n) + std::fabs(y.value[i]);
          }
          return y;
        },
        linear));
}

struct Broadcast {
  Shape from, to;
};

inline std::vector<Broadcast> broadcasts() {
  return {{{}, {}},
          {{}, {7}},
          {{5}, {5}},
          {{4}, {2, 3, 4}},
          {{3, 1}, {2, 3, 4}},
          {{1, 3, 1}, {2, 3, 4}},
          {{2, 1, 1}, {2, 3, 4}},
          {{1, 1}, {1, 1, 3}},
          {{17}, {3, 17}},
          {{5, 1}, {5, 33}},
          {{2, 1, 2, 1, 1, 3}, {2, 2, 2, 2, 2, 3}}};
}

}  // namespace detail

inline std::vector<OpCase> reduce_cases() {
  std::vector<OpCase> cases;
  const auto same = [](double x) { return x; };
  const auto one = [](double, double) { return 1.0; };
  detail::add_reduction(
      cases, "sum", [](const auto& x, const auto& axes, bool keep) { return ops::sum(x, axes, keep); }, same,
      [](double sum, double) { return sum; }, one, {0});
  for (const auto& [from, to] : detail::broadcasts()) {
    cases.push_back(op_case(
        text("sum_to", to, "->", from), {{to}}, [s = from](const auto& x) { return ops::sum_to(x[0], s); },
        [from = from, to = to](const Arrays& x) {
          Expected y(from);
          for (std::size_t i = 0; i < x[0].size(); ++i) {
            const std::size_t at = detail::broadcast_offset(to, from, i);
            y.value[at] += x[0][i];
            y.bound[at] += static_cast<double>(to.size()) * std::fabs(x[0][i]);
          }
          return y;
        },
        {0}));
    cases.push_back(op_case(
        text("broadcast_to", from, "->", to), {{from}}, [s = to](const auto& x) { return ops::broadcast_to(x[0], s); },
        [from = from, to = to](const Arrays& x) {
          Expected y(to);
          for (std::size_t i = 0; i < y.value.size(); ++i) y.set(i, x[0][detail::broadcast_offset(to, from, i)], 0);
          return y;
        },
        {0}));
  }
  return cases;
}

inline std::vector<OpCase> norms_cases() {
  std::vector<OpCase> cases;
  const auto square = [](double x) { return x * x; };
  const auto one = [](double, double) { return 1.0; };
  using detail::add_reduction;
  add_reduction(
      cases, "mean", [](const auto& x, const auto& axes, bool keep) { return ops::mean(x, axes, keep); },
      [](double x) { return x; }, [](double sum, double n) { return sum / n; }, [](double, double n) { return 1 / n; },
      {0});
  add_reduction(
      cases, "sum_squares", [](const auto& x, const auto& axes, bool keep) { return ops::sum_squares(x, axes, keep); },
      square, [](double sum, double) { return sum; }, one, {});
  add_reduction(
      cases, "norm", [](const auto& x, const auto& axes, bool keep) { return ops::norm(x, axes, keep, 0.125f); },
      square, [](double sum, double) { return std::sqrt(sum + 0.125); },
      [](double sum, double) { return 1 / std::sqrt(sum + 0.125); }, {});
  add_reduction(
      cases, "norm without epsilon",
      [](const auto& x, const auto& axes, bool keep) { return ops::norm(x, axes, keep); }, square,
      [](double sum, double) { return std::sqrt(sum); }, [](double sum, double) { return 1 / std::sqrt(sum); }, {},
      Draw::positive);
  for (const bool root : {false, true})
    for (const detail::Reduction& r : detail::reductions()) {
      const index_t n = r.x.size() / r.y.size();
      if (root && n == 1) continue;  // 0, a kink of the root
      const double correction = n > 1 ? 1 : 0;
      cases.push_back(op_case(
          text(root ? "stddev" : "variance", r.x, "->", r.y), {{r.x}},
          [=](const auto& x) {
            return root ? ops::stddev(x[0], r.axes, r.keep, correction)
                        : ops::variance(x[0], r.axes, r.keep, correction);
          },
          [=](const Arrays& x) {
            const auto terms = static_cast<double>(n);
            Expected y(r.y);
            Array mean(y.value.size(), 0.0), size(mean);
            const auto at = [&](std::size_t i) { return detail::broadcast_offset(r.x, r.kept, i); };
            for (std::size_t i = 0; i < x[0].size(); ++i)
              mean[at(i)] += x[0][i] / terms, size[at(i)] += std::fabs(x[0][i]);
            for (std::size_t i = 0; i < x[0].size(); ++i) {
              const double deviation = x[0][i] - mean[at(i)];
              y.value[at(i)] += deviation * deviation / (terms - correction);
              // the sum's n + 4 roundings, and a mean that is off by as many
              y.bound[at(i)] += (terms + 4) * deviation * deviation / (terms - correction) +
                                2 * std::fabs(deviation) * (terms + 4) * size[at(i)] / terms / (terms - correction);
            }
            for (std::size_t i = 0; root && i < y.value.size(); ++i) {
              y.value[i] = std::sqrt(y.value[i]);
              y.bound[i] = y.bound[i] / y.value[i] + y.value[i];
            }
            return y;
          }));
    }
  for (const Shape& shape : {Shape{1}, Shape{17}, Shape{3, 7}, Shape{2, 3, 33}}) {
    OpCase c = op_case(
        text("max_last", shape), {{shape, Draw::distinct}}, [](const auto& x) { return ops::max_last(x[0]); },
        [shape](const Arrays& x) {
          Expected y(shape.with(-1, 1));
          const std::size_t n = x[0].size() / y.value.size();
          for (std::size_t i = 0; i < y.value.size(); ++i) {
            y.set(i, x[0][i * n], 0);
            for (std::size_t j = 0; j < n; ++j) y.value[i] = std::max(y.value[i], x[0][i * n + j]);
          }
          return y;
        });
    c.differentiable = false;
    cases.push_back(c);
  }
  return cases;
}

}  // namespace tinygan::test
