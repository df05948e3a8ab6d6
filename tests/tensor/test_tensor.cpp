#include <tinygan/tensor/tensor.hpp>

#include "support/catch.hpp"
#include "support/temporary.hpp"
#include "support/values.hpp"

using namespace tinygan;
using namespace tinygan::test;
using support::error_of;

TEST_CASE("a default-constructed tensor is not defined") {
  CHECK_FALSE(Tensor<float>().defined());
  CHECK(Tensor<float>({2}).defined());
}

TEST_CASE("a tensor is row-major and knows its shape") {
  const auto t = Tensor<float>::from({1, 2, 3, 4, 5, 6}, {2, 3});
  CHECK(t.shape() == Shape{2, 3});
  CHECK(t.size() == 6);
  CHECK(t.rank() == 2);
  CHECK(t.extent(-1) == 3);
  CHECK(t.bytes() == 24);
  CHECK(t.device() == Device::cpu());
  CHECK(array(t) == Array{1, 2, 3, 4, 5, 6});
  CHECK(array(t[1]) == Array{4, 5, 6});
  CHECK(reinterpret_cast<std::uintptr_t>(t.data()) % 64 == 0);
}

TEST_CASE("full, zeros and scalar") {
  CHECK(array(Tensor<double>::full({2, 2}, 1.5)) == Array{1.5, 1.5, 1.5, 1.5});
  CHECK(array(Tensor<float>::zeros({3})) == Array{0, 0, 0});
  CHECK(Tensor<float>::scalar(7).shape() == Shape{});
  CHECK(Tensor<float>::scalar(7).item() == 7);
  CHECK(Tensor<std::uint64_t>::full({2}, 5).to_vector() == std::vector<std::uint64_t>{5, 5});
}

TEST_CASE("copies, reshapes, rows and single rows share storage") {
  const auto t = Tensor<float>::from({1, 2, 3, 4, 5, 6}, {3, 2});
  const Tensor<float> copy = t, flat = t.reshape({6}), middle = t.rows(1, 3), row = t[2];
  for (const Tensor<float>& view : {copy, flat, middle, row}) CHECK(view.shares_storage(t));
  t.data()[4] = 50;
  CHECK(flat.to_vector()[4] == 50);
  CHECK(array(middle) == Array{3, 4, 50, 6});
  CHECK(middle.shape() == Shape{2, 2});
  CHECK(array(row) == Array{50, 6});
  CHECK(row.shape() == Shape{2});
  CHECK(array(middle.rows(1, 2)) == Array{50, 6});
  CHECK(Tensor<float>::from({1, 2}, {2})[1].shape() == Shape{});
  CHECK_FALSE(t.unique());
}

TEST_CASE("a clone is a copy of its own, of a view only what the view shows") {
  const auto t = Tensor<float>::from({1, 2, 3, 4}, {2, 2});
  const Tensor<float> clone = t[1].clone();
  CHECK(clone.unique());
  t.fill(0);
  CHECK(array(clone) == Array{3, 4});
  CHECK(t.to(Device::cpu()).shares_storage(t));
}

TEST_CASE("storage goes back to the pool with its last tensor, views included") {
  const std::size_t before = pool(Device::cpu()).stats().in_use;
  {
    Tensor<float> row;
    {
      const Tensor<float> t({1000, 10});
      row = t[3];
    }
    CHECK(pool(Device::cpu()).stats().in_use >= before + 40000);
  }
  CHECK(pool(Device::cpu()).stats().in_use == before);
}

TEST_CASE("elements are copied in and out") {
  const Tensor<float> a({4}), b = Tensor<float>::from({5, 6, 7, 8}, {4});
  a.copy_from(b);
  CHECK(array(a) == Array{5, 6, 7, 8});
  a.rows(1, 3).copy_from(b.rows(2, 4));
  CHECK(array(a) == Array{5, 7, 8, 8});
  a.rows(0, 2).fill(1);
  CHECK(array(a) == Array{1, 1, 8, 8});
  CHECK(a.host().size() == 4);
  CHECK(a.host()[2] == 8);
}

TEST_CASE("tensors name what does not fit") {
  const auto t = Tensor<float>::zeros({2, 3});
  CHECK(error_of([&] { t.reshape({4}); }) == "reshape: cannot make (4,) (4 elements) of (2, 3) (6)");
  CHECK(error_of([&] { t.rows(1, 3); }) == "rows: [1, 3) of (2, 3)");
  CHECK(error_of([&] { t.rows(1, 1); }) == "rows: [1, 1) of (2, 3)");
  CHECK(error_of([&] { t[2]; }) == "rows: [2, 3) of (2, 3)");
  CHECK(error_of([&] { Tensor<float>::scalar(1)[0]; }) == "rows: a scalar has no rows");
  CHECK(error_of([&] { t.item(); }) == "item: a tensor of shape (2, 3) has 6 elements, expected 1");
  CHECK(error_of([&] { Tensor<float>::from({1, 2}, {3}); }) == "copy_from: 2 values for shape (3,) (3 elements)");
  CHECK(error_of([&] { t.copy_from(Tensor<float>::zeros({3, 2})); }) == "copy_from: shape (3, 2), expected (2, 3)");
  CHECK(error_of([&] { Tensor<float>({2, 0}); }) == "Shape: extent 1 of (2, 0) is 0, expected at least 1");
}

TEST_CASE("a device without a backend says so") {
  CHECK(error_of([] { Tensor<float>({1}, Device::cuda(0)); }) ==
        "device cuda:0: this program was built without the cuda:0 backend");
  CHECK(error_of([] { kernels<double>(Device::cuda(1)); }) ==
        "device cuda:1: this program was built without the cuda:1 backend");
  CHECK(error_of([] { Tensor<float>({1}).to(Device::cuda()); }) != "");
}

TEST_CASE("a workspace of no bytes has no memory") {
  CHECK(tinygan::Workspace(0, Device::cpu()).data() == nullptr);
  const tinygan::Workspace some(100, Device::cpu());
  CHECK(reinterpret_cast<std::uintptr_t>(some.data()) % 64 == 0);
}
