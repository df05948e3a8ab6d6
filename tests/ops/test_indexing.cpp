#include "ops/cases/indexing.hpp"

#include "support/check_ops.hpp"
#include "support/temporary.hpp"

using namespace tinygan;
using namespace tinygan::test;
using support::error_of;
using Indices = Tensor<std::int32_t>;

TEST_CASE("elements by index") { check_ops(indexing_cases()); }
TEST_CASE("elements by index have cases") { check_coverage("indexing.hpp", indexing_cases()); }

TEST_CASE("an index outside the axis is an error on the CPU") {
  const Variable<float> x(Tensor<float>::zeros({3, 2}));
  CHECK(error_of([&] {
          ops::take(x, Indices::from({0, 3}, {2}));
        }) == "take: index 3 at element 1 of (2,), expected 0 to 2");
  CHECK(error_of([&] {
          ops::take_along_axis(x, Indices::from({0, -1, 0}, {3, 1}), 1);
        }) == "take_along_axis: index -1 at element 1 of (3, 1), expected 0 to 1");
  CHECK(error_of([&] {
          ops::scatter_add(x, Indices::from({0, 1, 2}, {3}), 2);
        }) == "scatter_add: index 2 at element 2 of (3,), expected 0 to 1");
}

TEST_CASE("an index outside the axis gives NaN, and adds nothing, in the kernels of every device") {
  for (const Device device : devices()) {
    INFO(device);
    const KernelTable<float>& k = kernels<float>(device);
    const Tensor<float> x = Tensor<float>::from({1.0f, 2.0f, 3.0f, 4.0f}, {2, 2}, device), y({3, 2}, device),
                        dx({2, 2}, device);
    const Indices index = Indices::from({1, 2, -1}, {3}, device);
    k.gather({1, 2, 3, 2}, index.data(), x.data(), y.data(), Stream{});
    const std::vector<float> found = y.to_vector();
    CHECK(found[0] == 3);
    CHECK(found[1] == 4);
    for (std::size_t i = 2; i < 6; ++i) CHECK(std::isnan(found[i]));
    const Tensor<float> g = Tensor<float>::full({3, 2}, 1, device);
    k.scatter_add({1, 2, 3, 2}, index.data(), g.data(), dx.data(), Stream{});
    CHECK(dx.to_vector() == std::vector<float>{0, 0, 1, 1});
  }
}

TEST_CASE("many rows are added to by several tasks, in order of their places") {
  constexpr index_t rows = 700, count = 3000, width = 40;
  const Tensor<float> g = random_tensor<float>({count, width}, 1);
  std::vector<std::int32_t> list(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < list.size(); ++i) list[i] = static_cast<std::int32_t>(i * i % rows);
  std::vector<float> expected(static_cast<std::size_t>(rows * width), 0.0f);
  for (std::size_t j = 0; j < list.size(); ++j)
    for (std::size_t i = 0; i < static_cast<std::size_t>(width); ++i)
      expected[static_cast<std::size_t>(list[j]) * static_cast<std::size_t>(width) + i] +=
          g.host()[j * static_cast<std::size_t>(width) + i];
  const int before = cpu::threads();
  for (const int threads : {1, 2, 3, 5}) {
    CAPTURE(threads);
    cpu::set_threads(threads);
    CHECK(ops::scatter_add(Variable<float>(g), Indices::from(list, {count}), rows).value().to_vector() == expected);
  }
  cpu::set_threads(before);
}

TEST_CASE("elements by index name what does not fit") {
  const Variable<float> x(Tensor<float>::zeros({3, 2}));
  const Indices two = Indices::from({0, 1}, {2});
  CHECK(error_of([&] { ops::take(x, {}); }) == "take: the indices are empty, expected a tensor of them");
  CHECK(error_of([&] { ops::take(x, two, 2); }) == "take: axis 2 of (3, 2), expected -2 to 1");
  CHECK(error_of([&] { ops::take(x, two.to(Device::emulated())); }) == "take: indices on emulated and data on cpu");
  CHECK(error_of([&] { ops::take_along_axis(x, two, 1); }) ==
        "take_along_axis: indices (2,) for (3, 2), expected the same extents beside axis 1");
  CHECK(error_of([&] { ops::scatter_add(x, two, 5); }) ==
        "scatter_add: indices (2,) for axis 0 of (3, 2), expected (3,)");
  CHECK(error_of([&] { ops::scatter_add(x, two, 0, 1); }) == "scatter_add: extent 0, expected at least 1");
  const Variable<float> deep(Tensor<float>::zeros({1, 1, 1, 1, 1, 1}));
  CHECK(error_of([&] {
          ops::take(deep, Indices::from({0}, {1, 1}), 0);
        }) == "take: indices (1, 1) along axis 0 of (1, 1, 1, 1, 1, 1) give rank 7, expected at most 6");
}

TEST_CASE("integers are cast to elements and back, on every device") {
  for (const Device device : devices()) {
    INFO(device);
    const Indices i = Indices::from({0, -7, 16777217, 2147483647}, {4}, device);
    CHECK(cast<float>(i).to_vector() == std::vector<float>{0, -7, 16777216, 2147483648.0f});
    const Tensor<float> x =
        Tensor<float>::from({1.9f, -1.9f, 3e9f, -3e9f, std::numeric_limits<float>::quiet_NaN(), -0.5f}, {6}, device);
    CHECK(cast<std::int32_t>(x).to_vector() ==
          std::vector<std::int32_t>{1, -1, 2147483647, std::numeric_limits<std::int32_t>::min(), 0, 0});
  }
  CHECK(cast<double>(Indices::from({2147483647}, {1})).item() == 2147483647);
}
