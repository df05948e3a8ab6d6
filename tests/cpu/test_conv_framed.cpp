// Tap lists over framed images against the defining formula, for every stride, padding and dilation, and where conv2d
// and conv2d_input_grad choose them.
#include <tinygan/cpu/conv_framed.hpp>

#include "support/activations.hpp"
#include "support/conv_partials.hpp"

namespace {

using namespace tinygan;
using namespace tinygan::test;
namespace detail = cpu::detail;

template <class T>
std::vector<T> framed(const ConvDims& d, ConvSlot slot, const Operands<T>& o, const Epilogue<T>& epilogue = {}) {
  GuardedWorkspace workspace;
  std::vector<T> out = poisoned<T>(slot_shape(d, slot).size());
  if (slot == ConvSlot::g)
    detail::framed_conv(detail::TapConv::forward(d), detail::FramedConv::forward(d), epilogue, o.x.data(), o.w.data(),
                        out.data(), workspace);
  else
    detail::framed_conv(detail::TapConv::input_grad(d), detail::FramedConv::input_grad(d), epilogue, o.g.data(),
                        o.w.data(), out.data(), workspace);
  CHECK(workspace.intact());
  return out;
}

template <class T>
void check_framed(const ConvDims& d) {
  const Operands<T> o(d);
  for (const ConvSlot slot : {ConvSlot::g, ConvSlot::x}) {
    INFO(name(d) << ", partial in " << slot_names[static_cast<int>(slot)]);
    Reference expected = reference(d, slot, o);
    for_each_isa([&] { check_close(framed(d, slot, o), expected); });
    const auto bias = random_values<T>(slot == ConvSlot::g ? d.K : d.C, 4);
    const Epilogue<T> epilogue{bias.data(), Activation::leaky_relu(0.3)};
    reference_epilogue(epilogue, static_cast<index_t>(bias.size()), expected);
    check_close(framed(d, slot, o, epilogue), expected, 1, 8);
  }
}

/// dcgan's layer of 5x5 at stride 1, whose filter is larger than L2.
ConvDims large_filter(index_t N) { return conv_dims({N, 7, 7, 128}, {5, 5, 128, 256}, {.padding = Padding::same()}); }

bool chosen(const ConvDims& d) {
  return detail::framing_pays(detail::TapConv::input_grad(d), adjoint_taps(d), detail::FramedConv::input_grad(d));
}

}  // namespace

TEST_CASE("framed convolutions: stride, padding and dilation", "[cpu][conv]") {
  for (const index_t kernel : {1, 2, 3, 5})
    for (const index_t stride : {1, 2, 3})
      for (const index_t dilation : {1, 2})
        for (const Padding& padding : {Padding::same(), Padding::valid(), Padding::sides(1, 4, 0, 3)}) {
          const ConvOptions o{.stride_h = stride,
                              .stride_w = stride,
                              .padding = padding,
                              .dilation_h = dilation,
                              .dilation_w = dilation};
          check_framed<float>(conv_dims({2, 11, 9, 5}, {kernel, kernel, 5, 18}, o));
        }
  check_framed<float>(conv_dims({3, 6, 13, 70}, {2, 4, 70, 7}, {.stride_h = 3, .stride_w = 1}));
  check_framed<double>(conv_dims({2, 7, 5, 3}, {3, 3, 3, 9}, {.stride_h = 2, .padding = Padding::same()}));
}

TEST_CASE("framed convolutions: chosen for an image and a large filter, not for a batch", "[cpu][conv]") {
  CHECK(chosen(large_filter(1)));
  CHECK(!chosen(large_filter(64)));
  CHECK(!chosen(conv_dims({1, 28, 28, 128}, {5, 5, 128, 128}, {.padding = Padding::same()})));
  const ConvDims d = large_filter(1);
  const Operands<float> o(d);
  for (const ConvSlot slot : {ConvSlot::g, ConvSlot::x}) {
    const Reference expected = reference(d, slot, o);
    for_each_isa([&] {
      const auto one = with_threads(1, [&] { return partial(d, slot, o); });
      check_close(one, expected);
      CHECK(first_difference(one, framed(d, slot, o)) == "");
      CHECK(first_difference(one, with_threads(3, [&] { return partial(d, slot, o); })) == "");
    });
  }
}
