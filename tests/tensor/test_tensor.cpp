#include <tinygan/tensor/tensor.hpp>

#include "support/catch.hpp"
#include "support/temporary.hpp"
#include "support/values.hpp"

using namespace tinygan;
using namespace tinygan::test;
using support::error_of;

namespace {

template <class A>
concept gives_span = requires(A&& a) {
  std::forward<A>(a).host();
};

}  // namespace

TEST_CASE("a default-constructed tensor is not defined") {
  CHECK_FALSE(Tensor<float>().defined());
  CHECK(Tensor<float>({2}).defined());
}

TEST_CASE("an empty tensor, default-constructed or moved from, says so") {
  const std::string message = "Tensor: the tensor is empty: default-constructed or moved from";
  Tensor<float> source = Tensor<float>::from({1, 2}, {2});
  const Tensor<float> taken = std::move(source);
  CHECK(array(taken) == Array{1, 2});
  for (const Tensor<float>& empty : {Tensor<float>(), source}) {
    CHECK_FALSE(empty.defined());
    CHECK(empty.data() == nullptr);
    CHECK(error_of([&] { empty.shape(); }) == message);
    CHECK(error_of([&] { empty.size(); }) == message);
    CHECK(error_of([&] { empty.rank(); }) == message);
    CHECK(error_of([&] { empty.extent(0); }) == message);
    CHECK(error_of([&] { empty.device(); }) == message);
    CHECK(error_of([&] { empty.bytes(); }) == message);
    CHECK(error_of([&] { empty.host(); }) == message);
    CHECK(error_of([&] { empty.version(); }) == message);
    CHECK(error_of([&] { empty.reshape({1}); }) == message);
    CHECK(error_of([&] { empty.rows(0, 1); }) == message);
    CHECK(error_of([&] { empty[0]; }) == message);
    CHECK(error_of([&] { empty.to(Device::cpu()); }) == message);
    CHECK(error_of([&] { empty.clone(); }) == message);
    CHECK(error_of([&] { empty.fill(1); }) == message);
    CHECK(error_of([&] { empty.copy_from(taken); }) == message);
    CHECK(error_of([&] { taken.copy_from(empty); }) == message);
    CHECK(error_of([&] { empty.to_vector(); }) == message);
    CHECK(error_of([&] { empty.item(); }) == message);
  }
  source = taken;  // and may be assigned to again
  CHECK(array(source) == Array{1, 2});
  Tensor<float>& itself = source;
  source = std::move(itself);
  CHECK(array(source) == Array{1, 2});
}

TEST_CASE("no span or reference into a temporary") {
  using T = Tensor<float>;
  STATIC_REQUIRE(gives_span<const T&>);
  STATIC_REQUIRE_FALSE(gives_span<T>);
  STATIC_REQUIRE(std::is_same_v<decltype(std::declval<T>().shape()), Shape>);
  STATIC_REQUIRE(std::is_same_v<decltype(std::declval<const T&>().shape()), const Shape&>);
}

TEST_CASE("a version belongs to one content of a storage") {
  const auto a = Tensor<float>::zeros({4}), b = Tensor<float>::zeros({4});
  CHECK(a.version() != b.version());
  const auto changes = [&a](auto&& write) {
    const std::uint64_t before = a.version();
    write();
    return a.version() != before;
  };
  CHECK(changes([&] { a.fill(1); }));
  CHECK(changes([&] { a.copy_from(b); }));
  CHECK(changes([&] { a.copy_from(std::vector<float>{1, 2, 3, 4}); }));
  CHECK(changes([&] { a.rows(0, 2).fill(2); }));  // a view is the same storage
  CHECK(changes([&] { a.reshape({2, 2}).fill(2); }));
  CHECK(changes([&] { a.bump_version(); }));
  CHECK_FALSE(changes([&] { a.to_vector(), a.clone(), a.host(), b.fill(3); }));
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
  const std::size_t before = memory_pool(Device::cpu()).stats().in_use;
  {
    Tensor<float> row;
    {
      const Tensor<float> t({1000, 10});
      row = t[3];
    }
    CHECK(memory_pool(Device::cpu()).stats().in_use >= before + 40000);
  }
  CHECK(memory_pool(Device::cpu()).stats().in_use == before);
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
  CHECK(error_of([&] { t.reshape({4}); }) == "reshape: shape (4,) has 4 elements, expected 6, as (2, 3) has");
  CHECK(error_of([&] { t.rows(1, 3); }) == "rows: rows [1, 3) of axis 0 of (2, 3), expected 0 <= begin < end <= 2");
  CHECK(error_of([&] { t.rows(1, 1); }) == "rows: rows [1, 1) of axis 0 of (2, 3), expected 0 <= begin < end <= 2");
  CHECK(error_of([&] { t[2]; }) == "operator[]: row 2 of axis 0 of (2, 3), expected 0 to 1");
  CHECK(error_of([&] { t[-1]; }) == "operator[]: row -1 of axis 0 of (2, 3), expected 0 to 1");
  CHECK(error_of([&] { Tensor<float>::scalar(1).rows(0, 1); }) == "rows: a scalar has no rows");
  CHECK(error_of([&] { Tensor<float>::scalar(1)[0]; }) == "operator[]: a scalar has no rows");
  CHECK(error_of([&] { t.item(); }) == "item: a tensor of shape (2, 3) has 6 elements, expected 1");
  CHECK(error_of([&] { Tensor<float>::from({1, 2}, {3}); }) == "copy_from: 2 values for shape (3,) (3 elements)");
  CHECK(error_of([&] { t.copy_from(Tensor<float>::zeros({3, 2})); }) == "copy_from: shape (3, 2), expected (2, 3)");
  CHECK(error_of([&] { Tensor<float>({2, 0}); }) == "Shape: extent 1 of (2, 0) is 0, expected at least 1");
}

TEST_CASE("a device without a backend says so") {
  CHECK(error_of([] { Tensor<float>({1}, Device::cuda(0)); }) ==
        "device cuda:0: this program was built without the cuda:0 backend; link tinygan::cuda (CMake), or compile "
        "kernels/tinygan_cuda.cu with nvcc and link it");
  CHECK(error_of([] { kernels<double>(Device::cuda(1)); }) ==
        "device cuda:1: this program was built without the cuda:1 backend; link tinygan::cuda (CMake), or compile "
        "kernels/tinygan_cuda.cu with nvcc and link it");
  CHECK(error_of([] { Tensor<float>({1}).to(Device::cuda()); }) != "");
}

TEST_CASE("only what lies in host memory is seen as a span") {
  const auto here = Tensor<float>::full({2}, 3), there = here.to(Device::emulated());
  CHECK(here.host()[1] == 3);
  CHECK(error_of([&] { there.host(); }) == "Tensor::host: the tensor is on emulated; use to(Device::cpu())");
}

TEST_CASE("a workspace is aligned, allocated once, and has no memory where there is nothing to hold") {
  tinygan::PoolWorkspace workspace(Device::cpu());
  CHECK(workspace.allocate<float>("op", {0, 0}) == nullptr);
  float* const memory = workspace.allocate<float>("op", {20, 5});
  CHECK(reinterpret_cast<std::uintptr_t>(memory) % 64 == 0);
  std::fill_n(memory, 25, 1.0f);
  CHECK(error_of([&] { workspace.allocate<float>("op", {1}); }) ==
        "workspace: a kernel allocates twice, expected once");
}
