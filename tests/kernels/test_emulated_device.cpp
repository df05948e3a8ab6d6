// The emulated device as tensors and ops see it: memory, copies, its table, and its error where it has no kernel.
#include <tinygan/backend/missing_kernels.hpp>
#include <tinygan/ops/pointwise.hpp>

#include "kernels/emulated.hpp"

namespace tinygan {
namespace {

using support::contains;
using support::error_of;

TEST_CASE("Tensors move to the emulated device and back") {
  const auto x = Tensor<float>::from({1, 2, 3, 4, 5, 6}, {2, 3});
  const auto there = x.to(Device::emulated());
  CHECK(there.device() == Device::emulated());
  CHECK(there.to(Device::cpu()).to_vector() == x.to_vector());
  CHECK(there.rows(1, 2).clone().to_vector() == std::vector<float>{4, 5, 6});
  CHECK(Tensor<float>::full({5}, 3.5f, Device::emulated()).to_vector() == std::vector<float>(5, 3.5f));
}

TEST_CASE("Ops on the emulated device give what the CPU's give") {
  const Variable<float> a(Tensor<float>::from({1, 2, 3, 4, 5, 6}, {2, 3})), b(Tensor<float>::from({10, 20, 30}, {3}));
  const Variable<float> a2(a.value().to(Device::emulated())), b2(b.value().to(Device::emulated()));
  const auto here = ops::mul(ops::relu(ops::sub(a, b)), b), there = ops::mul(ops::relu(ops::sub(a2, b2)), b2);
  CHECK(there.device() == Device::emulated());
  CHECK(there.value().to_vector() == here.value().to_vector());
}

TEST_CASE("A kernel that a device lacks says so by name") {
  KernelTable<float> t{};
  float y = 0;
  t.fill = test::emulated_kernels().fill;
  complete_kernels<DeviceType::emulated>(t);
  t.fill(1, 2.0f, &y, {});
  CHECK(y == 2.0f);
  CHECK(contains(error_of([&] { t.softmax({}, &y, &y, {}); }), "device emulated: it has no kernel 'softmax'"));
  CHECK(contains(error_of([&] { t.unary(UnaryOp::exp, 1, 0, 0, &y, &y, {}); }), "'unary'"));
  CHECK(contains(error_of([] { kernels<double>(Device::emulated()); }), "no kernels for double"));
}

TEST_CASE("An unavailable device is refused by name") {
  CHECK(has_backend(DeviceType::emulated));
  CHECK(contains(error_of([] {
                   kernels<float>(Device{DeviceType::emulated, 1});
                 }),
                 "index 1 is out of range; available devices: 1"));
  const std::string text = error_of([] { kernels<float>(Device::cuda(64)); });
  CHECK(contains(text, has_backend(DeviceType::cuda) ? "available devices: " : "built without the cuda:64 backend"));
}

}  // namespace
}  // namespace tinygan
