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
  check_shrunk(network_partials());
}

TEST_CASE("GPU test of convolutions: the host's work is seconds") { check_host_work(network_partials()); }

}  // namespace
}  // namespace tinygan::test
