// Training on a GPU: reports of tiny networks against those in double, a step of `dcgan` against one in fp32, and
// captured training against eager training, bit for bit. The same code with tiny networks on the emulated device.
#include "kernels/cuda_training.hpp"
#include "kernels/training_reports.hpp"
#include "support/child.hpp"

namespace tinygan::test {
namespace {

void check_training(const Arithmetic& by) {
  check_reports(by);
  // At batch 128 most layers are computed by wgmma; the CPU takes a second for 16 images.
  if (by.precision == Precision::fp32) check_first_step(by, Device::cpu(), network_start(models::Network::dcgan, 16));
  else check_first_step(by, by.device, network_start(models::Network::dcgan, 128));
}

TEST_CASE("cuda: training, fp32", "[.][cuda][training][fp32]") { check_training(on_gpu("fp32")); }
TEST_CASE("cuda: training, tf32", "[.][cuda][training][tf32]") { check_training(on_gpu("tf32")); }
TEST_CASE("cuda: training, bf16", "[.][cuda][training][bf16]") { check_training(on_gpu("bf16")); }
TEST_CASE("cuda: training, bfloat16", "[.][cuda][training][bfloat16]") { check_training(on_gpu("bfloat16")); }

void check_capture(const Arithmetic& by) {
  check_equal_runs(by, network_start(models::Network::dcgan, 128), 6);
  check_equal_runs(by, network_start(models::Network::libtorch, 16), 6);
}

TEST_CASE("cuda: capture, fp32", "[.][cuda][capture][fp32]") { check_capture(on_gpu("fp32")); }
TEST_CASE("cuda: capture, tf32", "[.][cuda][capture][tf32]") { check_capture(on_gpu("tf32")); }
TEST_CASE("cuda: capture, bf16", "[.][cuda][capture][bf16]") { check_capture(on_gpu("bf16")); }
TEST_CASE("cuda: capture, bfloat16", "[.][cuda][capture][bfloat16]") { check_capture(on_gpu("bfloat16")); }

TEST_CASE("GPU test of training: tiny networks on the emulated device") {
  for (const Arithmetic& by : all_arithmetics(Device::emulated())) {
    if (support::sanitized && !by.bfloat16_elements) continue;  // a minute under ThreadSanitizer
    INFO(by.name());
    check_reports(by);
    check_first_step(by, Device::cpu(), tiny_start);
  }
}

TEST_CASE("GPU test of capture: tiny networks on the emulated device") {
  for (const Arithmetic& by : all_arithmetics(Device::emulated())) {
    if (support::sanitized && !by.bfloat16_elements) continue;
    INFO(by.name());
    check_equal_runs(by, tiny_start, 3);
  }
}

TEST_CASE("GPU test of training: a precision's errors would be found") {
  const Arithmetic fp32{Device::emulated(), Precision::fp32}, bf16{Device::emulated(), Precision::bf16};
  if (!support::sanitized) CHECK(reports_in(fp32) != reports_in(bf16));  // the precision reaches the kernels
  const auto first = [](const Arithmetic& by) {
    const UsePrecision use(by.precision, by.device);
    return first_step(tiny_start(float(), by.device), by.device);
  };
  const FirstStep a = first(fp32), b = first(bf16);
  CHECK(bench::gpu::distance(b.moves[0], a.moves[0]) > 0x1p-12);
  std::vector<float> other = a.moves[1];
  std::reverse(other.begin(), other.end());
  CHECK(bench::gpu::distance(other, a.moves[1]) > 0.9);
}

}  // namespace
}  // namespace tinygan::test
