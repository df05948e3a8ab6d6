// The three partials of a convolution, as the CPU computes them and by definition.
#pragma once

#include <tinygan/cpu/conv.hpp>

#include "support/kernel_check.hpp"

namespace tinygan::test {

inline std::string name(const ConvDims& d) {
  return text("x ", d.x_shape(), " w ", d.w_shape(), " y ", d.y_shape(), " stride ", d.stride_h, "x", d.stride_w,
              " pad ", d.pad_top, ",", d.pad_left, " dilation ", d.dilation_h, "x", d.dilation_w);
}

/// Operands of <x,w,g>.
template <class T>
struct Operands {
  explicit Operands(const ConvDims& d)
      : x(random_values<T>(d.x_shape().size(), 1)), w(random_values<T>(d.w_shape().size(), 2)),
        g(random_values<T>(d.y_shape().size(), 3)) {}
  std::vector<T> x, w, g;
};

inline Shape slot_shape(const ConvDims& d, ConvSlot slot) {
  return slot == ConvSlot::g ? d.y_shape() : slot == ConvSlot::x ? d.x_shape() : d.w_shape();
}

/// The partial in one slot, everything it may write poisoned before.
template <class T>
std::vector<T> partial(const ConvDims& d, ConvSlot slot, const Operands<T>& o, const Epilogue<T>& epilogue = {}) {
  GuardedWorkspace workspace;
  std::vector<T> out = poisoned<T>(slot_shape(d, slot).size());
  if (slot == ConvSlot::g) cpu::conv2d(d, epilogue, o.x.data(), o.w.data(), out.data(), workspace, Stream{});
  if (slot == ConvSlot::x) cpu::conv2d_input_grad(d, epilogue, o.g.data(), o.w.data(), out.data(), workspace, Stream{});
  if (slot == ConvSlot::w) cpu::conv2d_weight_grad(d, o.x.data(), o.g.data(), out.data(), workspace, Stream{});
  CHECK(workspace.intact());
  return out;
}

template <class T>
Reference reference(const ConvDims& d, ConvSlot slot, const Operands<T>& o) {
  if (slot == ConvSlot::g) return reference_conv2d(d, o.x.data(), o.w.data());
  if (slot == ConvSlot::x) return reference_conv2d_input_grad(d, o.g.data(), o.w.data());
  return reference_conv2d_weight_grad(d, o.x.data(), o.g.data());
}

inline constexpr ConvSlot slots[] = {ConvSlot::g, ConvSlot::x, ConvSlot::w};
inline constexpr const char* slot_names[] = {"x", "w", "g"};

}  // namespace tinygan::test
