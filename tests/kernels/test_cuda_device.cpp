// The CUDA device, and the tests that need a GPU: hidden ones with the tag [cuda], one for each family and precision.
// The families are in test_cuda_products, _convolutions, _training and _small; ops run on a GPU by their cases, in
// tests/ops.
#include "kernels/cuda_device.hpp"
#include "support/child.hpp"
#include "support/temporary.hpp"

using namespace tinygan;
using namespace tinygan::test;

TEST_CASE("A CUDA device that is not there is refused by name") {
  const auto ask = [] { kernels<float>(Device::cuda(cuda_device_count())); };
  const std::string error = support::error_of(ask);
  CHECK(support::contains(error, text(Device::cuda(cuda_device_count()))));
  if (cuda_device_count() > 0) CHECK_NOTHROW(kernels<float>(Device::cuda()));
}

TEST_CASE("cuda: there is a GPU", "[.][cuda]") { REQUIRE(cuda_device_count() > 0); }

TEST_CASE("The GPU's tests know their device and their arithmetics by name") {
  const support::EnvironmentVariable device("TINYGAN_TEST_DEVICE");
  device.set("emulated");
  for (const char* name : {"fp32", "tf32", "bf16", "bfloat16"}) {
    CHECK(on_gpu(name).name() == std::string(name));
    CHECK(on_gpu(name).device == Device::emulated());
  }
  CHECK(on_gpu("bfloat16").bfloat16_elements);
  CHECK_THROWS_AS(on_gpu("fp64"), Error);
  device.set("cpu");
  CHECK(support::contains(support::error_of([] { on_gpu("fp32"); }), "'cpu', expected cuda or emulated"));
  device.unset();
  CHECK(on_gpu("tf32").device == Device::cuda());
}
