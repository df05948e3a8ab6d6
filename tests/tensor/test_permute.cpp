// Permutations of tensors, of element types with kernels and without, and the layouts of other libraries.
#include <tinygan/tensor/permute.hpp>

#include "support/catch.hpp"
#include "support/temporary.hpp"
#include "support/values.hpp"

using namespace tinygan;
using namespace tinygan::test;
using support::error_of;

namespace {

/// 0, 1, 2, ...
template <class T>
Tensor<T> iota(const Shape& shape) {
  Array values(static_cast<std::size_t>(shape.size()));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<double>(i);
  return tensor<T>(values, shape);
}

template <class T>
void check_permutation() {
  const Tensor<T> x = iota<T>({2, 3, 4}), y = permute(x, {2, 0, 1});
  REQUIRE(y.shape() == Shape{4, 2, 3});
  for (index_t i = 0; i < 4; ++i)
    for (index_t j = 0; j < 2; ++j)
      for (index_t k = 0; k < 3; ++k) CHECK(y[i][j][k].item() == x[j][k][i].item());
  CHECK_FALSE(permute(x, {0, 1, 2}).shares_storage(x));
  CHECK(permute(Tensor<T>::full({}, T(3)), {}).item() == T(3));
}

}  // namespace

TEST_CASE("a permutation moves the elements of any type") {
  check_permutation<float>();
  check_permutation<double>();
  check_permutation<std::uint8_t>();
  check_permutation<std::int64_t>();
}

TEST_CASE("permutations run on other devices, too") {
  const Tensor<std::int32_t> x = iota<std::int32_t>({2, 3});
  const Tensor<float> f = iota<float>({2, 3});
  CHECK(permute(x.to(Device::emulated()), {1, 0}).device() == Device::emulated());
  CHECK(array(permute(x.to(Device::emulated()), {1, 0})) == Array{0, 3, 1, 4, 2, 5});
  CHECK(array(permute(f.to(Device::emulated()), {1, 0})) == Array{0, 3, 1, 4, 2, 5});
}

TEST_CASE("channels first and channels last") {
  const Tensor<float> x = iota<float>({2, 2, 3, 2}), y = to_nchw(x);
  REQUIRE(y.shape() == Shape{2, 2, 2, 3});
  CHECK(array(y[0]) == Array{0, 2, 4, 6, 8, 10, 1, 3, 5, 7, 9, 11});
  CHECK(to_nhwc(y).shape() == x.shape());
  CHECK(array(to_nhwc(y)) == array(x));
  const Tensor<std::uint8_t> bytes = iota<std::uint8_t>({1, 2, 1, 3});
  CHECK(to_nchw(bytes).to_vector() == std::vector<std::uint8_t>{0, 3, 1, 4, 2, 5});
}

TEST_CASE("filters in PyTorch's layout") {
  const Tensor<float> w = iota<float>({2, 3, 4, 5}), k = to_kcrs(w);
  REQUIRE(k.shape() == Shape{5, 4, 2, 3});
  CHECK(k[4][3][1][2].item() == w[1][2][3][4].item());
  CHECK(k[1][2][0][1].item() == w[0][1][2][1].item());
  CHECK(to_rsck(k).shape() == w.shape());
  CHECK(array(to_rsck(k)) == array(w));
}

TEST_CASE("permutations name what does not fit") {
  const auto x = Tensor<float>::zeros({2, 3});
  CHECK(error_of([&] { permute(x, {0}); }) == "permute: 1 axes for shape (2, 3)");
  CHECK(error_of([&] { permute(x, {0, 2}); }) == "permute: axis 2 of (2, 3), expected -2 to 1");
  CHECK(error_of([&] { permute(x, {1, -1}); }) == "permute: axis 1 is named twice");
  CHECK(error_of([&] { to_nchw(x); }) == "to_nchw: input (2, 3) has rank 2, expected 4 (N,H,W,C)");
  CHECK(error_of([&] { to_nhwc(x); }) == "to_nhwc: input (2, 3) has rank 2, expected 4 (N,C,H,W)");
  CHECK(error_of([&] { to_kcrs(x); }) == "to_kcrs: input (2, 3) has rank 2, expected 4 (R,S,C,K)");
  CHECK(error_of([&] { to_rsck(x); }) == "to_rsck: input (2, 3) has rank 2, expected 4 (K,C,R,S)");
}
