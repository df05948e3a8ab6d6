// Products of the networks' layers and of awkward shapes on a GPU, and the same code on the emulated device with small
// shapes.
#include "kernels/cuda_products.hpp"

namespace tinygan::test {
namespace {

void check_products(const Arithmetic& by) { check_cases(by, network_products()); }

TEST_CASE("cuda: products, fp32", "[.][cuda][products][fp32]") { check_products(on_gpu("fp32")); }
TEST_CASE("cuda: products, tf32", "[.][cuda][products][tf32]") { check_products(on_gpu("tf32")); }
TEST_CASE("cuda: products, bf16", "[.][cuda][products][bf16]") { check_products(on_gpu("bf16")); }
TEST_CASE("cuda: products, bfloat16", "[.][cuda][products][bfloat16]") { check_products(on_gpu("bfloat16")); }

TEST_CASE("GPU test of products: the same cases made small, on the emulated device") {
  check_shrunk(network_products());
}

TEST_CASE("GPU test of products: the host's work is seconds") { check_host_work(network_products()); }

}  // namespace
}  // namespace tinygan::test
