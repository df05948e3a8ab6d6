// Convolutions of the networks' layers and of awkward shapes on a GPU, and the same code on the emulated device with
// small shapes.
#include "kernels/cuda_products.hpp"

namespace tinygan::test {
namespace {

void check_convolutions(const Arithmetic& by) { check_cases(by, network_partials()); }

TEST_CASE("cuda: convolutions, fp32", "[.][cuda][convolutions][fp32]") { check_convolutions(on_gpu("fp32")); }
TEST_CASE("cuda: convolutions, tf32", "[.][cuda][convolutions][tf32]") { check_convolutions(on_gpu("tf32")); }
TEST_CASE("cuda: convolutions, bf16", "[.][cuda][convolutions][bf16]") { check_convolutions(on_gpu("bf16")); }
TEST_CASE("cuda: convolutions, bfloat16", "[.][cuda][convolutions][bfloat16]") {
  check_convolutions(on_gpu("bfloat16"));
}

TEST_CASE("GPU test of convolutions: the same cases made small, on the emulated device") {
  for (const Arithmetic& by : all_arithmetics(Device::emulated())) {
    INFO(by.name());
    REQUIRE(shrunk(network_partials()).size() >= 10);
    check_cases(by, shrunk(network_partials()));
  }
}

TEST_CASE("GPU test of convolutions: the host's work is seconds") {
  const HostWork work = host_work(network_partials());
  UNSCOPED_INFO(work.drawn << " numbers drawn, " << work.copied << " bytes copied, " << work.products << " products, "
                           << work.read << " elements read for checksums");
  CHECK(work.drawn <= 1e8);
  CHECK(work.copied <= 4e9);
  CHECK(work.products <= 1e9);
  CHECK(work.read <= 5e8);
}

}  // namespace
}  // namespace tinygan::test
