// Tensors over foreign memory: the owner's lifetime, alignment, and what the tape and the kernels make of them.
#include <cstdint>
#include <memory>
#include <vector>

#include <tinygan/autograd/grad.hpp>
#include <tinygan/ops/conv.hpp>
#include <tinygan/ops/matmul.hpp>
#include <tinygan/ops/normalisation.hpp>
#include <tinygan/ops/pointwise.hpp>
#include <tinygan/ops/reduce.hpp>
#include <tinygan/ops/shape.hpp>

#include "support/catch.hpp"
#include "support/kernel_check.hpp"
#include "support/temporary.hpp"
#include "support/use_precision.hpp"
#include "support/values.hpp"

using namespace tinygan;
using namespace tinygan::test;
using support::error_of;

TEST_CASE("a tensor over foreign memory reads and writes it without a copy") {
  std::vector<float> memory = {1, 2, 3, 4, 5, 6};
  const auto t = Tensor<float>::from_blob(memory.data(), {2, 3});
  CHECK(t.data() == memory.data());
  CHECK(t.shape() == Shape{2, 3});
  CHECK(t.device() == Device::cpu());
  CHECK(array(t[1]) == Array{4, 5, 6});
  t[1].fill(7);
  CHECK(memory == std::vector<float>{1, 2, 3, 7, 7, 7});
  memory[0] = 10;
  CHECK(array(t) == Array{10, 2, 3, 7, 7, 7});
}

TEST_CASE("the owner lives as long as any tensor, view or recorded op that shares the storage") {
  int released = 0;
  auto memory = std::make_unique<double[]>(6);
  double* const data = memory.get();
  std::shared_ptr<const void> owner(memory.release(), [&released](const void* p) {
    delete[] static_cast<const double*>(p);
    ++released;
  });
  Tensor<double> view;
  {
    const auto t = Tensor<double>::from_blob(data, {3, 2}, std::move(owner));
    t.fill(2);
    view = t[2].reshape({2, 1});
  }
  CHECK(released == 0);
  CHECK(array(view) == Array{2, 2});
  Variable<double> x(std::move(view), true), y = ops::square(x);
  x = {};
  CHECK(released == 0);  // the tape holds the operand
  y = {};
  CHECK(released == 1);
}

TEST_CASE("foreign memory takes nothing from the pool and counts as shared") {
  const std::size_t before = memory_pool(Device::cpu()).stats().in_use;
  std::vector<float> memory(1000);
  const auto t = Tensor<float>::from_blob(memory.data(), {1000});
  CHECK(memory_pool(Device::cpu()).stats().in_use == before);
  CHECK_FALSE(t.unique());
  CHECK(t.clone().unique());
}

TEST_CASE("grad() never adds into foreign memory") {
  std::vector<float> memory = {1, 2};
  const Variable<float> x(Tensor<float>::from({3, 4}, {2}), true);
  const Variable<float> g(Tensor<float>::from_blob(memory.data(), {2}));
  const Tensor<float> dx = grad(x + x, {x}, {}, g)[0].value();
  CHECK(array(dx) == Array{2, 4});
  CHECK(memory == std::vector<float>{1, 2});
  CHECK(dx.data() != memory.data());
}

TEST_CASE("a write to foreign memory through a tensor changes its version, as any other") {
  std::vector<float> memory = {1, 2};
  const auto t = Tensor<float>::from_blob(memory.data(), {2});
  const Variable<float> x(t, true), y = ops::sum(ops::square(x));
  t.fill(3);
  CHECK_THROWS_AS(grad(y, {x}), Error);
}

namespace {

/// The values at an address of a device that is `misalignment` elements above a multiple of 64 bytes.
template <class T>
Tensor<T> misaligned(const Tensor<T>& x, index_t misalignment, Device device = Device::cpu()) {
  auto room = std::make_shared<Tensor<T>>(Shape{x.size() + misalignment}, device);
  T* const data = room->data() + misalignment;
  REQUIRE(reinterpret_cast<std::uintptr_t>(room->data()) % 64 == 0);
  auto t = Tensor<T>::from_blob(data, x.shape(), std::move(room), device);
  t.copy_from(x);
  return t;
}

/// A convolution, a batch norm, a matrix product and sums, forwards and backwards: from the operands, in order.
template <class T>
std::vector<Tensor<T>> network(const std::vector<Tensor<T>>& operands) {
  std::vector<Variable<T>> v;
  for (const Tensor<T>& t : operands) v.emplace_back(t, true);
  const Variable<T> h = ops::leaky_relu(ops::conv2d(v[0], v[1], ConvOptions{.stride_h = 2, .stride_w = 2}), 0.2);
  const Variable<T> n = ops::layer_norm(ops::flatten(h), v[2], v[3], NormOptions<T>{});
  const Variable<T> y = ops::matmul(n, v[4]);
  std::vector<Tensor<T>> results = {y.value()};
  for (const Variable<T>& g : grad(ops::sum(ops::tanh(y)), v)) results.push_back(g.value());
  return results;
}

template <class T>
std::vector<Tensor<T>> operands_of(std::initializer_list<Shape> shapes) {
  std::vector<Tensor<T>> operands;
  for (const Shape& s : shapes) operands.push_back(random_tensor<T>(s, static_cast<unsigned>(operands.size())));
  return operands;
}

template <class T>
void check_misaligned() {
  const auto operands = operands_of<T>({{3, 9, 11, 5}, {3, 3, 5, 7}, {4 * 5 * 7}, {4 * 5 * 7}, {4 * 5 * 7, 19}});
  for_each_isa([&] {
    const std::vector<Tensor<T>> expected = network(operands);
    for (const index_t misalignment : {1, 3}) {
      std::vector<Tensor<T>> moved;
      for (const Tensor<T>& t : operands) moved.push_back(misaligned(t, misalignment));
      CHECK(same_bits(network(moved), expected));
    }
  });
}

}  // namespace

TEST_CASE("kernels of the CPU take operands aligned to an element only, with the same bits") {
  check_misaligned<float>();
  check_misaligned<double>();
}

TEST_CASE("CUDA kernels take operands aligned to an element only: the emulated device finds no misaligned access") {
  // Extents that are multiples of 16 bytes: the kernels load packs of aligned operands.
  const auto operands = operands_of<float>({{2, 8, 8, 16}, {3, 3, 16, 32}, {9 * 32}, {9 * 32}, {9 * 32, 32}});
  for (const Precision p : {Precision::fp32, Precision::tf32, Precision::bf16}) {
    const UsePrecision used(p);
    for (const index_t misalignment : {0, 1, 2}) {
      std::vector<Tensor<float>> moved;
      for (const Tensor<float>& t : operands) moved.push_back(misaligned(t, misalignment, Device::emulated()));
      INFO(p << ", misaligned by " << misalignment << " elements");
      REQUIRE_NOTHROW(network(moved));
      REQUIRE_NOTHROW(synchronize(Device::emulated()));
    }
  }
}

TEST_CASE("from_blob names what does not fit") {
  alignas(8) char memory[64] = {};
  CHECK(error_of([] {
          Tensor<float>::from_blob(nullptr, {2, 3});
        }) == "from_blob: the address is null, expected 6 elements");
  CHECK(error_of([&] { Tensor<float>::from_blob(reinterpret_cast<float*>(memory + 3), {2}); }) ==
        "from_blob: the address is 3 bytes above a multiple of 4, the alignment of an element");
  CHECK(error_of([&] { Tensor<char>::from_blob(memory, {index_t{1} << 62}); }) ==
        "from_blob: (4611686018427387904,) has more than 576460752303423487 elements");
  CHECK(error_of([&] {
          Tensor<char>::from_blob(memory, {2}, Device{DeviceType::cpu, 1});
        }) == "device cpu: index 1 is out of range; available devices: 1");
}
