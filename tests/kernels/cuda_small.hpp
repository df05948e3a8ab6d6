// Products and convolutions of little work for the sanitizers: every kind of kernel, and every form forced.
#pragma once

#include "kernels/all_forms.hpp"
#include "kernels/cuda_device.hpp"
#include "kernels/cuda_shapes.hpp"

namespace tinygan::test {

inline ConvDims square_conv(index_t N, index_t size, index_t C, index_t K, index_t kernel, index_t stride) {
  return conv_dims({N, size, size, C}, {kernel, kernel, C, K}, {stride, stride, Padding::same(), 1, 1});
}

/// Whether the device must have wgmma and TMA: TINYGAN_CUDA_ISA=sm_80 excludes them, also for GPUs without.
inline bool wants_wgmma(const Arithmetic& by) {
  const char* const isa = std::getenv("TINYGAN_CUDA_ISA");
  return by.precision != Precision::fp32 && !(isa && std::string_view(isa) == "sm_80");
}

/// Large enough for wgmma and TMA by their limits (select.cuh). wgmma computes weight gradients of bfloat16 elements
/// only, and of more channels.
inline const GemmDims hopper_product{1024, 512, 64};
inline const ConvDims hopper_conv = square_conv(128, 8, 64, 64, 3, 1),
                      hopper_weight_grad = square_conv(64, 4, 64, 96, 5, 1);

inline std::vector<ProductCase> small_products(const Arithmetic& by) {
  using namespace all_forms;
  std::vector<ProductCase> all{{{33, 40, 70, false, true}},
                               {{5, 1, 300, false, false}},
                               {{16, 20, 1030, true, false}},
                               {{40, 72, 64, true, true}, 1},
                               {hopper_product}};
  const bool fp32 = by.precision == Precision::fp32;
  for (const GemmDims& d : {GemmDims{40, 24, 160}, GemmDims{40, 24, 160, true, true}}) {
    for (Form form : fp32 ? ffma_forms : square_forms)
      for (form.splits = 1; form.splits <= 3; form.splits += 2) all.push_back({d, 0, form});
    if (wants_wgmma(by))
      for (const Form& form : wgmma_forms) all.push_back({d, 0, form});
  }
  return all;
}

inline std::vector<PartialCase> small_partials(const Arithmetic& by) {
  using namespace all_forms;
  std::vector<PartialCase> all;
  for (const ConvDims& d :
       {square_conv(2, 7, 16, 24, 5, 2), square_conv(3, 8, 1, 20, 5, 2), square_conv(2, 6, 20, 1, 3, 1), hopper_conv})
    add_partials(all, d);
  all.push_back({hopper_weight_grad, ConvSlot::w});
  const bool fp32 = by.precision == Precision::fp32;
  const ConvDims d = conv_dims({5, 4, 3, 24}, {3, 2, 24, 40}, {2, 2, Padding::same(), 1, 1});
  for (const ConvSlot slot : {ConvSlot::g, ConvSlot::x}) {
    for (const Form& form : fp32 ? ffma_forms : mma_forms) all.push_back({d, slot, 0, form});
    if (wants_wgmma(by))
      for (const Form& form : wgmma_forms) all.push_back({d, slot, 0, form});
  }
  for (Form form : fp32 ? ffma_forms : square_forms)
    for (form.splits = 1; form.splits <= 3; form.splits += 2) all.push_back({d, ConvSlot::w, 0, form});
  if (by.bfloat16_elements && wants_wgmma(by))
    for (const Form& form : wgmma_grad_forms) all.push_back({d, ConvSlot::w, 0, form});
  return all;
}

}  // namespace tinygan::test
