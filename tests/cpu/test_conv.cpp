// The three convolution kernels against the defining formula, the trilinear identity, and each other's bits.
#include <tinygan/cpu/conv.hpp>

#include "support/conv_partials.hpp"

namespace {

using namespace tinygan;
using namespace tinygan::test;

template <class T>
void check_partials(const ConvDims& d) {
  const Operands<T> o(d);
  for (ConvSlot slot : slots) {
    INFO(name(d) << ", partial in " << slot_names[static_cast<int>(slot)]);
    const Reference expected = reference(d, slot, o);
    for_each_isa([&] { check_close(partial(d, slot, o), expected); });
  }
}

ConvDims same(index_t N, index_t H, index_t W, index_t C, index_t R, index_t K, index_t stride) {
  return conv_dims({N, H, W, C}, {R, R, C, K}, {.stride_h = stride, .stride_w = stride, .padding = Padding::same()});
}

}  // namespace

TEST_CASE("conv kernels: batch, kernel and stride", "[cpu][conv]") {
  for (index_t N : {1, 2, 7})
    for (index_t kernel : {1, 2, 3, 5})
      for (index_t stride : {1, 2, 3}) check_partials<float>(same(N, 7, 5, 3, kernel, 5, stride));
  check_partials<double>(same(3, 7, 5, 3, 3, 5, 2));
}

TEST_CASE("conv kernels: channels that are not a multiple of the vector width", "[cpu][conv]") {
  for (index_t C : {1, 2, 6, 13, 17, 67})
    for (index_t K : {1, 2, 15, 16, 33, 65, 70}) check_partials<float>(same(2, 5, 4, C, 3, K, 2));
  for (index_t C : {1, 5, 9})
    for (index_t K : {1, 7, 33}) check_partials<double>(same(2, 5, 4, C, 3, K, 1));
}

TEST_CASE("conv kernels: one channel on a side, every stride, padding and dilation", "[cpu][conv]") {
  for (index_t C : {1, 18})
    for (index_t K : {1, 20}) {
      if (C > 1 && K > 1) continue;
      for (index_t stride : {1, 2, 3})
        for (index_t kernel : {1, 3, 4, 5})
          for (index_t dilation : {1, 2}) {
            const ConvOptions o{.stride_h = stride,
                                .stride_w = stride,
                                .padding = Padding::sides(1, 2, 3, 0),
                                .dilation_h = dilation,
                                .dilation_w = dilation};
            check_partials<float>(conv_dims({3, 11, 9, C}, {kernel, kernel, C, K}, o));
          }
    }
  check_partials<float>(same(5, 28, 28, 1, 5, 64, 2));
  check_partials<float>(same(3, 28, 28, 65, 3, 1, 1));
}

TEST_CASE("conv kernels: stride larger than the kernel, with empty tap lists", "[cpu][conv]") {
  for (index_t C : {1, 4})
    for (index_t K : {1, 6}) {
      check_partials<float>(conv_dims({2, 11, 13, C}, {2, 1, C, K}, {.stride_h = 4, .stride_w = 3}));
      check_partials<float>(conv_dims({2, 3, 3, C}, {1, 1, C, K}, {.padding = Padding::all(2)}));
      check_partials<float>(
          conv_dims({1, 2, 2, C}, {2, 2, C, K}, {.stride_h = 7, .stride_w = 7, .padding = Padding::all(6)}));
    }
}

TEST_CASE("conv kernels: unequal axes, asymmetric padding, dilation", "[cpu][conv]") {
  for (index_t C : {1, 3, 20})
    for (index_t K : {1, 4, 18}) {
      check_partials<float>(
          conv_dims({2, 9, 6, C}, {3, 2, C, K}, {.stride_h = 2, .stride_w = 1, .padding = Padding::sides(0, 3, 2, 1)}));
      check_partials<float>(conv_dims(
          {2, 10, 9, C}, {3, 3, C, K},
          {.stride_h = 1, .stride_w = 2, .padding = Padding::sides(3, 1, 0, 2), .dilation_h = 2, .dilation_w = 3}));
      check_partials<float>(conv_dims({1, 1, 12, C}, {1, 12, C, K}, {}));
    }
}

TEST_CASE("conv kernels: sizes beyond one block of taps, rows, channels and images", "[cpu][conv]") {
  check_partials<float>(same(1, 9, 9, 5, 9, 7, 1));                         // 81 taps
  check_partials<float>(conv_dims({1, 2, 1, 2100}, {2, 1, 2100, 66}, {}));  // depth
  check_partials<float>(
      conv_dims({1, 130, 70, 2}, {3, 3, 2, 64}, {.padding = Padding::same()}));  // several chunks of rows of g
  check_partials<float>(
      conv_dims({90, 6, 6, 3}, {2, 2, 3, 64}, {.padding = Padding::same()}));  // several chunks of images
}

TEST_CASE("conv kernels: transposed convolutions of the networks", "[cpu][conv]") {
  const ConvOptions same2{.stride_h = 2, .stride_w = 2, .padding = Padding::same()};
  const ConvOptions pad1{.stride_h = 2, .stride_w = 2, .padding = Padding::all(1)};
  check_partials<float>(conv_transpose_dims({2, 7, 7, 24}, {5, 5, 16, 24}, same2));
  check_partials<float>(conv_transpose_dims({2, 14, 14, 20}, {5, 5, 1, 20}, same2));
  check_partials<float>(conv_transpose_dims({3, 1, 1, 30}, {4, 4, 70, 30}, {}));
  check_partials<float>(conv_transpose_dims({2, 4, 4, 24}, {3, 3, 16, 24}, pad1));
  check_partials<float>(conv_transpose_dims({2, 7, 7, 16}, {4, 4, 1, 16}, pad1));
}

TEST_CASE("conv kernels: a filter that covers its whole input", "[cpu][conv]") {
  for (index_t C : {1, 3, 40})
    for (index_t K : {1, 5, 70})
      for (index_t N : {1, 9}) check_partials<float>(conv_dims({N, 3, 4, C}, {3, 4, C, K}, {}));
  check_partials<float>(conv_dims({5, 1, 1, 7}, {1, 1, 7, 6}, {.dilation_h = 2}));
}

TEST_CASE("conv kernels: bias and activation, also where no tap falls", "[cpu][conv]") {
  const ConvDims shapes[] = {same(2, 5, 4, 3, 3, 18, 1),
                             same(2, 6, 6, 1, 5, 20, 2),
                             same(2, 5, 5, 20, 3, 1, 1),
                             conv_dims({2, 11, 13, 4}, {2, 1, 4, 6}, {.stride_h = 4, .stride_w = 3}),
                             conv_dims({2, 11, 13, 1}, {2, 1, 1, 6}, {.stride_h = 4, .stride_w = 3}),
                             conv_dims({3, 2, 3, 5}, {2, 3, 5, 9}, {}),
                             conv_dims({3, 2, 3, 5}, {2, 3, 5, 1}, {})};
  for (const ConvDims& d : shapes)
    for (ConvSlot slot : {ConvSlot::g, ConvSlot::x})
      for (const Activation activation : test::all_activations(0.3)) {
        INFO(name(d) << ", partial in " << slot_names[static_cast<int>(slot)] << ", activation "
                     << test::name_of(activation));
        const index_t channels = slot == ConvSlot::g ? d.K : d.C;
        const auto bias = random_values<float>(channels, 4);
        const Epilogue<float> epilogue{bias.data(), activation};
        const Operands<float> o(d);
        Reference expected = reference(d, slot, o);
        reference_epilogue(epilogue, channels, expected);
        for_each_isa([&] { check_close(partial(d, slot, o, epilogue), expected, 1, 8); });
      }
}

TEST_CASE("conv kernels: <conv(x,w),g> = <x,input_grad(g,w)> = <w,weight_grad(x,g)>", "[cpu][conv]") {
  const auto dot = [](const std::vector<double>& a, const std::vector<double>& b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
    return sum;
  };
  for (index_t stride : {1, 2, 3})
    for (index_t kernel : {1, 2, 3, 4, 5})
      for (index_t pad : {0, 1, 2})
        for (index_t channels : {1, 5}) {
          const ConvDims d =
              conv_dims({2, 8, 7, channels}, {kernel, kernel, channels, 6 - channels},
                        {.stride_h = stride, .stride_w = stride, .padding = Padding::sides(pad, 0, pad, 1)});
          INFO(name(d));
          const Operands<double> o(d);
          // Values are at most 1 in size, so the number of products bounds |x||w||g|.
          const double products = static_cast<double>(nominal_macs(d));
          const double bound = products * products * std::numeric_limits<double>::epsilon();
          for_each_isa([&] {
            const double form = dot(partial(d, ConvSlot::g, o), o.g);
            CHECK(std::fabs(dot(partial(d, ConvSlot::x, o), o.x) - form) <= bound);
            CHECK(std::fabs(dot(partial(d, ConvSlot::w, o), o.w) - form) <= bound);
          });
        }
}

TEST_CASE("conv kernels: the same bits at 1, 2 and 3 threads", "[cpu][conv]") {
  const ConvDims shapes[] = {same(5, 7, 7, 40, 5, 70, 1), same(5, 14, 14, 9, 5, 20, 2), same(7, 28, 28, 1, 5, 64, 2),
                             same(7, 14, 14, 66, 3, 1, 1)};
  for (const ConvDims& d : shapes)
    for (ConvSlot slot : slots) {
      INFO(name(d) << ", partial in " << slot_names[static_cast<int>(slot)]);
      const Operands<float> o(d);
      for_each_isa([&] {
        const auto one = with_threads(1, [&] { return partial(d, slot, o); });
        CHECK(first_difference(one, with_threads(2, [&] { return partial(d, slot, o); })) == "");
        CHECK(first_difference(one, with_threads(3, [&] { return partial(d, slot, o); })) == "");
      });
    }
}
