// Cases of ops/batched_matmul.hpp: products of many matrices, in every layout, with broadcasting.
#pragma once

#include <tinygan/ops/batched_matmul.hpp>

#include "ops/cases/pointwise.hpp"
#include "support/reference.hpp"

namespace tinygan::test {

inline std::vector<OpCase> batched_matmul_cases() {
  struct Products {
    Shape a, b, y;  // before transposition: the axes before the last two
    index_t M, N, K;
  };
  std::vector<OpCase> cases;
  for (const bool ta : {false, true})
    for (const bool tb : {false, true})
      for (const Products& p :
           {Products{{3}, {3}, {3}, 4, 5, 6}, Products{{2, 2}, {2, 2}, {2, 2}, 3, 3, 1},
            Products{{5}, {5}, {5}, 1, 4, 3}, Products{{2}, {2}, {2}, 7, 1, 5}, Products{{2}, {}, {2}, 3, 4, 2},
            Products{{}, {3}, {3}, 2, 3, 4}, Products{{2, 1}, {3}, {2, 3}, 2, 2, 2}, Products{{1}, {1}, {1}, 3, 2, 9},
            Products{{2}, {2}, {2}, 34, 37, 40}}) {
        if (p.M > 30 && ta != tb) continue;  // double's derivatives of two large cases are enough
        const auto with = [](const Shape& batch, index_t rows, index_t columns) {
          std::vector<index_t> extents(batch.begin(), batch.end());
          extents.insert(extents.end(), {rows, columns});
          return Shape(extents);
        };
        const Shape a = ta ? with(p.a, p.K, p.M) : with(p.a, p.M, p.K),
                    b = tb ? with(p.b, p.N, p.K) : with(p.b, p.K, p.N);
        const Shape y = with(p.y, p.M, p.N);
        const GemmDims d{p.M, p.N, p.K, ta, tb};
        cases.push_back(op_case(
            text("batched_matmul", a, ta ? "^T " : " ", b, tb ? "^T" : ""), {{a}, {b}},
            [ta, tb](const auto& x) {
              return ops::batched_matmul(x[0], x[1], {ta, tb});
            },
            [=](const Arrays& x) {
              Expected r(y);
              const std::size_t size = static_cast<std::size_t>(p.M * p.N);
              for (std::size_t i = 0; i < static_cast<std::size_t>(p.y.size()); ++i) {
                const auto matrix = [&](const Array& all, const Shape& batch, index_t elements) {
                  return all.data() + static_cast<index_t>(detail::broadcast_offset(p.y, batch, i)) * elements;
                };
                const Reference c = reference_gemm(d, matrix(x[0], p.a, p.M * p.K), matrix(x[1], p.b, p.K * p.N));
                for (std::size_t k = 0; k < size; ++k)
                  r.set(i * size + k, c.value[k], static_cast<double>(p.K + 3) * c.magnitude[k]);
              }
              return r;
            },
            {0, 1}, 2.0 * static_cast<double>(y.size() * p.K)));
      }
  return cases;
}

}  // namespace tinygan::test
