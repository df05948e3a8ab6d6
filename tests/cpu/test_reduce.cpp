#include <tinygan/cpu/reduce.hpp>

#include "support/cpu_kernels.hpp"

using namespace tinygan;
using namespace tinygan::cpu_test;

namespace {

const std::vector<ReduceDims> shapes = {{1, 1, 1},   {1, 5, 1},      {7, 1, 3},     {3, 7, 1},     {1000, 10, 1},
                                        {2, 63, 1},  {2, 64, 1},     {3, 129, 1},   {5, 777, 1},   {1, 40001, 1},
                                        {2, 33, 65}, {4, 49, 64},    {1, 3001, 64}, {1, 129, 3},   {1, 30011, 3},
                                        {5, 1, 9},   {1, 129, 4133}, {2, 600, 100}, {1, 300, 131}, {1, 100000, 1}};

template <class T>
std::vector<std::vector<T>> run_reduce(ReduceOp op, const ReduceDims& d, const std::vector<T>& x) {
  auto y = poisoned<T>(d.outer * d.inner);
  GuardedWorkspace scratch;
  cpu::reduce(op, d, x.data(), y.data(), scratch, {});
  return {y};
}

template <class T>
void check_reduce(const ReduceDims& d) {
  INFO("outer " << d.outer << ", reduced " << d.reduced << ", inner " << d.inner);
  const auto x = numbers<T>(d.outer * d.reduced * d.inner, 11, -1, 3);
  Expected sum(d.outer * d.inner), max(d.outer * d.inner), min(d.outer * d.inner);
  for (index_t o = 0; o < d.outer; ++o)
    for (index_t i = 0; i < d.inner; ++i) {
      double total = 0, magnitude = 0, largest = -HUGE_VAL, least = HUGE_VAL;
      for (index_t r = 0; r < d.reduced; ++r) {
        const auto value = static_cast<double>(x[as_size((o * d.reduced + r) * d.inner + i)]);
        total += value;
        magnitude += std::fabs(value);
        largest = std::max(largest, value);
        least = std::min(least, value);
      }
      // 64 additions in a row at most in T (columns.hpp), and in double the reference's own as many as there are terms
      const double bound = 64 * eps<T> + static_cast<double>(d.reduced) * eps<double>;
      sum.set(o * d.inner + i, total, bound * magnitude);
      max.set(o * d.inner + i, largest, 0);
      min.set(o * d.inner + i, least, 0);
    }
  check_everywhere<T>({sum}, [&] { return run_reduce(ReduceOp::sum, d, x); });
  check_everywhere<T>({max}, [&] { return run_reduce(ReduceOp::max, d, x); });
  check_everywhere<T>({min}, [&] { return run_reduce(ReduceOp::min, d, x); });
}

}  // namespace

TEST_CASE("cpu reduce: sum, max and min against double", "[cpu][reduce]") {
  for (const ReduceDims& d : shapes) {
    check_reduce<float>(d);
    check_reduce<double>(d);
  }
}

TEST_CASE("cpu reduce: a NaN is the maximum and the minimum, negative extrema survive", "[cpu][reduce]") {
  for (const ReduceDims& d : shapes) {
    INFO("outer " << d.outer << ", reduced " << d.reduced << ", inner " << d.inner);
    auto x = numbers<float>(d.outer * d.reduced * d.inner, 5, -4, -3);
    for (const index_t where : {index_t{0}, d.reduced / 2, d.reduced - 1}) {
      auto with = x;
      with[as_size(where * d.inner)] = NAN;
      for_each_isa([&] {
        for (const ReduceOp op : {ReduceOp::max, ReduceOp::min}) {
          const auto y = run_reduce(op, d, with)[0];
          CHECK(std::isnan(y[0]));
          for (std::size_t i = 1; i < y.size(); ++i) REQUIRE((y[i] < -3 && y[i] >= -4));
        }
      });
    }
  }
}
