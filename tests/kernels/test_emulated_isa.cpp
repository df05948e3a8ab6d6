// TINYGAN_CUDA_ISA keeps the kernels for sm_90a out. It is read once in a process, so hidden test cases run in
// processes of their own.
#include "kernels/cuda_products.hpp"
#include "kernels/cuda_small.hpp"
#include "support/child.hpp"
#include "support/kernel_check.hpp"
#include "support/temporary.hpp"

namespace tinygan::test {
namespace {

/// Computes shapes that suit wgmma, in every precision that it has: all by this way.
void check_way(forms::Way way) {
  for (const Arithmetic& by : all_arithmetics(Device::emulated()))
    if (by.precision != Precision::fp32 && (by.bfloat16_elements || !support::sanitized)) {
      INFO(by.name());
      CHECK(wants_wgmma(by) == (way == forms::Way::wgmma));
      for (const ProductCase& c : small_products(by))
        if (way == forms::Way::mma) CHECK(c.form.way != forms::Way::wgmma);
      with_elements(by, [&]<class T>(T) {
        const auto check = [&](const auto& c) {
          const CudaOperandSet<T> operands(by.device, std::vector{c}, Values::signs);
          check_case(by, operands, c, false);
          CHECK(forms::launched.way == way);
        };
        check(ProductCase{{256, 2048, 32}});
        check(PartialCase{square_conv(100, 8, 32, 64, 1, 1), ConvSlot::g});
        if (by.bfloat16_elements && !support::sanitized) check(PartialCase{hopper_weight_grad, ConvSlot::w});
      });
    }
}

TEST_CASE("isa example: wgmma", "[.][isa_example]") { check_way(forms::Way::wgmma); }
TEST_CASE("isa example: mma", "[.][isa_example]") { check_way(forms::Way::mma); }
TEST_CASE("isa example: an error", "[.][isa_example]") {
  const std::string error = support::error_of([&] {
    kernels<bfloat16>(Device::emulated()).gemm({256, 2048, 32}, {}, nullptr, nullptr, nullptr, no_workspace(), {});
  });
  CHECK(error.rfind("TINYGAN_CUDA_ISA: 'sm_70'", 0) == 0);
}

TEST_CASE("TINYGAN_CUDA_ISA keeps wgmma out, or is an error that names it") {
  const support::EnvironmentVariable isa("TINYGAN_CUDA_ISA");
  const char *const wgmma = "isa example: wgmma", *const mma = "isa example: mma",
                    *const error = "isa example: an error";
  isa.set("sm_80");
  CHECK(support::run_self(mma) == 0);
  CHECK(support::has_failures(support::run_self(wgmma)));
  isa.set("sm_90a");
  CHECK(support::run_self(wgmma) == 0);
  CHECK(support::has_failures(support::run_self(mma)));
  isa.unset();
  CHECK(support::run_self(wgmma) == 0);
  isa.set("sm_70");
  CHECK(support::run_self(error) == 0);
}

}  // namespace
}  // namespace tinygan::test
