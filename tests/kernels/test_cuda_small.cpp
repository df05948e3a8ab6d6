// What compute-sanitizer watches on a GPU: products and convolutions of little work in every form, and a tiny network.
#include <set>

#include "../../kernels/conv.cuh"

#include "kernels/cuda_products.hpp"
#include "kernels/cuda_small.hpp"
#include "kernels/cuda_training.hpp"
#include "support/child.hpp"

namespace tinygan::test {
namespace {

using forms::Way;

template <class Case, class F>
std::vector<Case> only(std::vector<Case> cases, const F& keep) {
  std::erase_if(cases, [&](const Case& c) { return !keep(c); });
  return cases;
}

/// The form that the contract gives a case on this device.
template <class Case>
forms::Form form_of(const Arithmetic& by, const Case& c) {
  with_elements(by, [&]<class T>(T) {
    const CudaOperandSet<T> operands(by.device, std::vector<Case>{c}, Values::signs);
    check_case(by, operands, c, false);
  });
  return forms::launched;
}

/// wgmma computes the large shapes, where the device has it.
void check_large_shapes(const Arithmetic& by) {
  const Way expected = wants_wgmma(by) ? Way::wgmma : by.precision == Precision::fp32 ? Way::ffma : Way::mma;
  CHECK(form_of(by, ProductCase{hopper_product}).way == expected);
  for (const ConvSlot slot : {ConvSlot::g, ConvSlot::x})
    CHECK(form_of(by, PartialCase{hopper_conv, slot}).way == expected);
  if (by.bfloat16_elements) CHECK(form_of(by, PartialCase{hopper_weight_grad, ConvSlot::w}).way == expected);
}

void check_small(const Arithmetic& by) {
  check_large_shapes(by);
  check_cases(by, small_products(by));
  check_cases(by, small_partials(by));
  check_equal_runs(by, tiny_start, 3);
}

TEST_CASE("cuda: small, fp32", "[.][cuda][small][fp32]") { check_small(on_gpu("fp32")); }
TEST_CASE("cuda: small, tf32", "[.][cuda][small][tf32]") { check_small(on_gpu("tf32")); }
TEST_CASE("cuda: small, bf16", "[.][cuda][small][bf16]") { check_small(on_gpu("bf16")); }
TEST_CASE("cuda: small, bfloat16", "[.][cuda][small][bfloat16]") { check_small(on_gpu("bfloat16")); }

TEST_CASE(
    "GPU test of the small family: its large shapes are computed by wgmma, and it passes on the emulated device") {
  for (const Arithmetic& by : all_arithmetics(Device::emulated())) {
    INFO(by.name());
    // Half a minute under ThreadSanitizer; in fp32 nothing is special about them.
    if (!support::sanitized && by.precision != Precision::fp32) check_large_shapes(by);
    const auto products = small_products(by);
    const auto partials = small_partials(by);
    const index_t most = support::sanitized ? 100'000 : 1'000'000;  // test_emulated_forms.cpp forces them there, too
    const auto little = [&](const auto& c) { return output_size(c) * terms(c) <= most; };
    check_cases(by, only(products, little));
    check_cases(by, only(partials, little));
  }
}

TEST_CASE("GPU test of the small family: every way of computing is in it") {
  for (const Arithmetic& by : all_arithmetics(Device::emulated())) {
    std::set<Way> products, gradients;
    for (const ProductCase& c : small_products(by)) products.insert(c.form.way);
    for (const PartialCase& c : small_partials(by))
      if (c.output == ConvSlot::w) gradients.insert(c.form.way);
    const bool fp32 = by.precision == Precision::fp32;
    CHECK(products == (fp32 ? std::set{Way::automatic, Way::ffma} : std::set{Way::automatic, Way::mma, Way::wgmma}));
    CHECK(gradients.contains(Way::wgmma) == by.bfloat16_elements);
  }
}

TEST_CASE("GPU test of capture: dcgan at batch 128 reaches wgmma in every partial") {
  using namespace cuda;
  int convolutions = 0, gradients = 0;
  for (const bench::ConvLayer& l : bench::conv_layers(128)) {
    if (l.network != "dcgan" || l.dims.C == 1 || l.dims.K == 1) continue;
    CAPTURE(l.name);
    for (const bool adjoint : {false, true}) {
      CHECK(wgmma_conv_fits<Precision::tf32, float>(l.dims, adjoint));
      CHECK(wgmma_conv_fits<Precision::bf16, float>(l.dims, adjoint));
      CHECK(wgmma_conv_fits<Precision::bf16, bfloat16>(l.dims, adjoint));
      ++convolutions;
    }
    gradients += wgmma_weight_grad_fits<Precision::bf16, bfloat16>(l.dims);
  }
  CHECK(convolutions == 6);
  CHECK(gradients == 3);
  CHECK(wgmma_gemm_fits<Precision::bf16, bfloat16>(hopper_product));
  CHECK(wgmma_gemm_fits<Precision::tf32, float>(hopper_product));
}

}  // namespace
}  // namespace tinygan::test
