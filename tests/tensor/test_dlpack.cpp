// DLPack: round trips, ownership, and what is refused. The structs of namespace `c` stand for those of dlpack.h.
#include <cstdint>
#include <vector>

extern "C" {
namespace c {
enum DLDeviceType : std::int32_t { kDLCPU = 1 };
struct DLDevice {
  DLDeviceType device_type;
  std::int32_t device_id;
};
struct DLDataType {
  std::uint8_t code, bits;
  std::uint16_t lanes;
};
struct DLTensor {
  void* data;
  DLDevice device;
  std::int32_t ndim;
  DLDataType dtype;
  std::int64_t *shape, *strides;
  std::uint64_t byte_offset;
};
struct DLManagedTensor {
  DLTensor dl_tensor;
  void* manager_ctx;
  void (*deleter)(DLManagedTensor*);
};
}  // namespace c
}
using namespace c;  // as if in the global namespace

#define DLPACK_VERSION 70  // macros of dlpack.h change nothing
#define DLPACK_FLAG_BITMASK_READ_ONLY (1UL << 0UL)

#include <tinygan/tensor/dlpack.hpp>

#include "support/catch.hpp"
#include "support/temporary.hpp"
#include "support/values.hpp"

using namespace tinygan;
using namespace tinygan::test;
using support::error_of;
namespace dl = tinygan::dlpack;

namespace {

/// A producer: memory of 24 floats 0, 1, ..., of which it describes a part, and a count of its deleter's calls.
struct Producer {
  std::vector<float> memory = std::vector<float>(24);
  std::vector<std::int64_t> shape, strides;
  int deleted = 0;
  dl::DLManagedTensorVersioned managed{};

  Producer(std::vector<std::int64_t> extents, std::vector<std::int64_t> steps)
      : shape(std::move(extents)), strides(std::move(steps)) {
    for (std::size_t i = 0; i < memory.size(); ++i) memory[i] = static_cast<float>(i);
    managed.version = {1, 9};
    managed.manager_ctx = this;
    managed.deleter = [](dl::DLManagedTensorVersioned* m) { ++static_cast<Producer*>(m->manager_ctx)->deleted; };
    dl::DLTensor& t = managed.dl_tensor;
    t.data = memory.data();
    t.device = {dl::kDLCPU, 0};
    t.ndim = static_cast<std::int32_t>(shape.size());
    t.dtype = {dl::kDLFloat, 32, 1};
    t.shape = shape.data();
    t.strides = strides.empty() ? nullptr : strides.data();
  }
  Producer(const Producer&) = delete;
  Producer& operator=(const Producer&) = delete;

  std::string error(const DlpackOptions& options = {}) {
    std::string what = error_of([&] { from_dlpack<float>(&managed, options); });
    CHECK(deleted == 0);  // an Error leaves the struct to the caller
    return what;
  }
};

template <class M, class T>
void check_round_trip(dl::DLDataType type) {
  const auto x = Tensor<T>::from({T(1), T(2), T(3), T(4), T(5), T(6)}, {3, 2});
  M* const m = to_dlpack<M>(x.rows(1, 3));
  CHECK(m->dl_tensor.data == x.data() + 2);
  CHECK(m->dl_tensor.ndim == 2);
  CHECK(m->dl_tensor.dtype.code == type.code);
  CHECK(m->dl_tensor.dtype.bits == type.bits);
  CHECK(m->dl_tensor.dtype.lanes == 1);
  CHECK(m->dl_tensor.shape[0] == 2);
  CHECK(m->dl_tensor.shape[1] == 2);
  CHECK(m->dl_tensor.strides[0] == 2);
  CHECK(m->dl_tensor.strides[1] == 1);
  CHECK(m->dl_tensor.byte_offset == 0);
  CHECK(m->dl_tensor.device.device_type == 1);
  CHECK(m->dl_tensor.device.device_id == 0);
  const Tensor<T> y = from_dlpack<T>(m);
  CHECK(y.data() == x.data() + 2);
  CHECK(y.shape() == Shape{2, 2});
  CHECK(array(y) == Array{3, 4, 5, 6});
}

}  // namespace

TEST_CASE("a tensor through DLPack and back is the same memory") {
  check_round_trip<dl::DLManagedTensor, float>({2, 32, 1});
  check_round_trip<dl::DLManagedTensorVersioned, float>({2, 32, 1});
  check_round_trip<c::DLManagedTensor, float>({2, 32, 1});
  check_round_trip<dl::DLManagedTensor, double>({2, 64, 1});
  check_round_trip<dl::DLManagedTensor, std::int32_t>({0, 32, 1});
  check_round_trip<dl::DLManagedTensor, std::uint8_t>({1, 8, 1});
  check_round_trip<dl::DLManagedTensor, std::int64_t>({0, 64, 1});
  const auto b = Tensor<bfloat16>::full({2}, bfloat16(1.5f));
  dl::DLManagedTensor* const m = to_dlpack(b);
  CHECK(m->dl_tensor.dtype.code == 4);
  CHECK(m->dl_tensor.dtype.bits == 16);
  CHECK(from_dlpack<bfloat16>(m).data() == b.data());
  CHECK(from_dlpack<float>(to_dlpack(Tensor<float>::scalar(7))).item() == 7);
}

TEST_CASE("an exported tensor lives until the consumer calls the deleter") {
  const std::size_t before = memory_pool(Device::cpu()).stats().in_use;
  dl::DLManagedTensor* const m = to_dlpack(Tensor<float>::full({1000}, 2));
  CHECK(memory_pool(Device::cpu()).stats().in_use > before);
  CHECK(static_cast<float*>(m->dl_tensor.data)[999] == 2);
  m->deleter(m);
  CHECK(memory_pool(Device::cpu()).stats().in_use == before);
}

TEST_CASE("an imported tensor calls the deleter once, with its last view") {
  Producer p({2, 3, 4}, {});
  Tensor<float> row;
  {
    const auto t = from_dlpack<float>(&p.managed);
    CHECK(t.data() == p.memory.data());
    row = t[1][2];
  }
  CHECK(p.deleted == 0);
  CHECK(array(row) == Array{20, 21, 22, 23});
  row = {};
  CHECK(p.deleted == 1);
}

TEST_CASE("a struct without a deleter is borrowed") {
  Producer p({24}, {1});
  p.managed.deleter = nullptr;
  CHECK(from_dlpack<float>(&p.managed).size() == 24);
  CHECK(from_dlpack<float>(&p.managed, {.copy = true}).size() == 24);
}

TEST_CASE("row-major strides with any stride of an axis of one element, and a byte offset") {
  Producer p({2, 1, 3}, {3, 77, 1});
  p.managed.dl_tensor.byte_offset = 8;
  const auto t = from_dlpack<float>(&p.managed);
  CHECK(t.data() == p.memory.data() + 2);
  CHECK(array(t) == Array{2, 3, 4, 5, 6, 7});
}

TEST_CASE("copies: strided, reversed, broadcast and read-only tensors") {
  const auto copy_of = [](Producer&& p) {
    const auto t = from_dlpack<float>(&p.managed, {.copy = true});
    CHECK(p.deleted == 1);
    p.memory.assign(p.memory.size(), -1.0f);
    CHECK(t.unique());
    return array(t);
  };
  CHECK(copy_of({{3, 2}, {1, 3}}) == Array{0, 3, 1, 4, 2, 5});
  CHECK(copy_of({{2, 2}, {8, 2}}) == Array{0, 2, 8, 10});
  CHECK(copy_of({{2, 3}, {0, 1}}) == Array{0, 1, 2, 0, 1, 2});
  CHECK(copy_of({{2, 2}, {2, 1}}) == Array{0, 1, 2, 3});
  Producer reversed({3}, {-1}), constant({3}, {1});
  reversed.managed.dl_tensor.byte_offset = 8;
  CHECK(array(from_dlpack<float>(&reversed.managed, {.copy = true})) == Array{2, 1, 0});
  constant.managed.flags = dl::read_only_flag;
  CHECK(array(from_dlpack<float>(&constant.managed, {.copy = true})) == Array{0, 1, 2});
}

TEST_CASE("pinned memory is the host's") {
  Producer p({2}, {});
  p.managed.dl_tensor.device = {dl::kDLCUDAHost, 0};
  CHECK(from_dlpack<float>(&p.managed).device() == Device::cpu());
}

TEST_CASE("from_dlpack names what it cannot take") {
  Producer p({3, 2}, {1, 3});
  dl::DLTensor& t = p.managed.dl_tensor;
  CHECK(p.error() == "from_dlpack: strides (1, 3) of the shape (3, 2), expected (2, 1): make it contiguous, or use "
                     "DlpackOptions{.copy = true}");
  t.strides = nullptr;
  p.managed.flags = dl::read_only_flag;
  CHECK(p.error() == "from_dlpack: the memory is read-only; use DlpackOptions{.copy = true}");
  p.managed.flags = 0;

  t.dtype = {dl::kDLFloat, 64, 1};
  CHECK(p.error() == "from_dlpack: elements of float64, expected float32");
  t.dtype = {dl::kDLFloat, 32, 4};
  CHECK(p.error() == "from_dlpack: elements of float32 in 4 lanes, expected float32");
  t.dtype = {17, 4, 1};
  CHECK(p.error() == "from_dlpack: elements of type 17 of 4 bits, expected float32");
  t.dtype = {dl::kDLBfloat, 16, 1};
  CHECK(p.error() == "from_dlpack: elements of bfloat16, expected float32");
  t.dtype = {dl::kDLFloat, 32, 1};

  t.device = {dl::DLDeviceType(8), 0};
  CHECK(p.error() == "from_dlpack: device type 8, expected 1 (cpu), 2 (cuda), 3 (pinned) or 13 (managed)");
  t.device = {dl::kDLCUDA, 1};
  CHECK(support::contains(p.error(), "device cuda:1: "));
  t.strides = p.strides.data();
  CHECK(p.error({.copy = true}) ==
        "from_dlpack: strides (1, 3) of the shape (3, 2) on cuda:1, expected (2, 1): make it contiguous");
  t.strides = nullptr;
  t.device = {dl::kDLCPU, 0};

  t.ndim = 7;
  CHECK(p.error() == "from_dlpack: 7 axes, expected 0 to 6");
  t.ndim = 2;
  p.shape[1] = 0;
  CHECK(p.error() == "from_dlpack: an axis of 0 elements, expected at least 1");
  p.shape[1] = std::int64_t{1} << 60;
  CHECK(p.error() == "from_dlpack: (3, 1152921504606846976) has more than 576460752303423487 elements");
  p.shape[1] = 2;
  t.byte_offset = 1;
  CHECK(p.error() == "from_blob: the address is 1 bytes above a multiple of 4, the alignment of an element");
  CHECK(p.error({.copy = true}) ==
        "from_blob: the address is 1 bytes above a multiple of 4, the alignment of an element");
  t.byte_offset = 0;
  t.data = nullptr;
  CHECK(p.error() == "from_dlpack: the address is null, expected 6 elements");
  p.managed.version = {2, 0};
  CHECK(p.error() == "from_dlpack: version 2.0 of DLPack, expected 1.x");
  CHECK(error_of([] { from_dlpack<float>(static_cast<dl::DLManagedTensor*>(nullptr)); }) ==
        "from_dlpack: the pointer is null");
}

TEST_CASE("to_dlpack names what it cannot give") {
  CHECK(error_of([] { to_dlpack(Tensor<float>{}); }) ==
        "Tensor: the tensor is empty: default-constructed or moved from");
  CHECK(error_of([] { to_dlpack(Tensor<float>({2}, Device::emulated())); }) ==
        "to_dlpack: the tensor is on emulated, which DLPack does not know; use to(Device::cpu())");
}
