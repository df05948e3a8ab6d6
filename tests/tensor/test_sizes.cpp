// Tensors of more elements or bytes than there can be are refused before any memory is asked for.
#include <tinygan/ops/pooling.hpp>
#include <tinygan/ops/reduce.hpp>
#include <tinygan/ops/shape.hpp>
#include <tinygan/tensor/tensor.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>

#include "support/catch.hpp"

using namespace tinygan;

namespace {

constexpr index_t half = index_t{1} << 32, largest = std::numeric_limits<index_t>::max();

template <class T>
void check_refused() {
  for (const Shape& s : {Shape{half, half}, Shape{index_t{1} << 62}, Shape{index_t{1} << 61}, Shape{half, half / 2 * 3},
                         Shape{largest}, Shape{largest / static_cast<index_t>(sizeof(T))},
                         Shape{65536, 65536, 65536, 65536}, Shape{3, 3, 3, 3, 3, largest}}) {
    CAPTURE(text(s), sizeof(T));
    CHECK_THROWS_AS(Tensor<T>(s), Error);
    CHECK_THROWS_AS(Tensor<T>::zeros(s), Error);
    CHECK_THROWS_AS(Tensor<T>({1}).reshape(s), Error);
  }
}

}  // namespace

TEST_CASE("tensors of every element type refuse what cannot be counted") {
  check_refused<float>();
  check_refused<double>();
  check_refused<bfloat16>();
  check_refused<std::uint64_t>();
  check_refused<std::byte>();
}

TEST_CASE("a workspace refuses what cannot be counted") {
  PoolWorkspace workspace(Device::cpu());
  CHECK_THROWS_WITH(workspace.allocate<double>("op", {max_elements, 1}),
                    "op: a workspace of more than 576460752303423487 elements");
  CHECK_THROWS_AS(workspace.allocate<float>("op", {largest, largest}), Error);
}

TEST_CASE("ops whose extents are chosen refuse those whose product or sum wraps") {
  const Variable<float> x(Tensor<float>::zeros({1, 2, 2, 1}));
  for (index_t scale : {half, index_t{1} << 62, largest}) {
    CAPTURE(scale);
    CHECK_THROWS_AS(ops::upsample2d(x, scale, scale), Error);
    if (scale > half) CHECK_THROWS_AS(ops::upsample2d(x, 1, scale), Error);
    CHECK_THROWS_AS(ops::broadcast_to(x, Shape{scale, 2, scale, half}), Error);
  }
  CHECK_THROWS_AS(ops::pad(x, 1, largest, largest), Error);
  CHECK_THROWS_AS(ops::pad(x, 1, largest - 2, 1), Error);
  CHECK_THROWS_AS(ops::pad(x, 1, 0, largest - 2), Error);
  CHECK_THROWS_AS(ops::average_pool2d(x, {.window_h = largest, .window_w = 1, .padding = Padding::same()}), Error);
}
