// The three partials of a convolution as CUDA kernels on the emulated device, against sums in double.
#include "kernels/products.hpp"

namespace tinygan {
namespace {

using namespace test;

constexpr Precision fp32 = Precision::fp32;

TEST_CASE("Emulated conv2d: strides, paddings and dilations of an odd shape") {
  for (const index_t kernel : {1, 2, 3, 5})
    for (const index_t stride : {1, 2, 3})
      for (const index_t dilation : {1, 2}) {
        const Shape w{kernel, kernel, 3, 5};
        check_conv(fp32, conv_dims({2, 7, 6, 3}, w, conv_options(stride, Padding::same(), dilation)));
        if (dilation == 1) check_conv(fp32, conv_dims({1, 7, 6, 3}, w, conv_options(stride, Padding::valid())), 1);
      }
}

TEST_CASE("Emulated conv2d: shapes that are wrong elsewhere") {
  // Asymmetric everything.
  ConvOptions uneven{2, 3, Padding::sides(2, 0, 0, 3), 1, 2};
  check_conv(fp32, conv_dims({3, 8, 11, 2}, {4, 3, 2, 7}, uneven));
  // A stride beyond the filter: input pixels that nobody reads have empty lists and get 0.
  check_conv(fp32, conv_dims({2, 11, 13, 3}, {2, 2, 3, 4}, conv_options(5, Padding::valid())));
  // A stride and a dilation with a common factor.
  check_conv(fp32, conv_dims({1, 13, 13, 2}, {3, 3, 2, 3}, conv_options(4, Padding::all(3), 2)));
  // Padding so wide that outputs see nothing but padding.
  check_conv(fp32, conv_dims({2, 3, 4, 3}, {2, 2, 3, 5}, conv_options(1, Padding::all(4))));
  // A filter that covers its input: a dense layer in disguise; and one that reaches beyond it.
  check_conv(fp32, conv_dims({5, 3, 3, 6}, {3, 3, 6, 7}, conv_options(1, Padding::valid())));
  check_conv(fp32, conv_dims({5, 2, 2, 6}, {5, 5, 6, 7}, conv_options(1, Padding::same())));
  check_conv(fp32, conv_dims({7, 1, 1, 5}, {1, 1, 5, 6}, conv_options(1, Padding::valid())));
}

TEST_CASE("Emulated conv2d: one channel in, out, or both") {
  for (const int offset : {0, 1}) {
    check_conv(fp32, conv_dims({3, 8, 8, 1}, {5, 5, 1, 36}, conv_options(2, Padding::same())), offset);
    check_conv(fp32, conv_dims({2, 7, 8, 36}, {3, 3, 36, 1}, conv_options(1, Padding::same())), offset);
  }
  check_conv(fp32, conv_dims({1, 5, 5, 1}, {3, 2, 1, 141}, {2, 1, Padding::sides(1, 0, 0, 2), 1, 2}));
  check_conv(fp32, conv_dims({3, 5, 4, 141}, {2, 2, 141, 1}, conv_options(2, Padding::valid())));
  check_conv(fp32, conv_dims({1, 7, 7, 1}, {3, 3, 1, 1}, conv_options(2, Padding::same())));
  check_conv(fp32, conv_dims({2, 11, 9, 1}, {2, 2, 1, 3}, conv_options(4, Padding::valid())));  // pixels without taps
  check_conv(fp32, conv_dims({2, 11, 9, 3}, {2, 2, 3, 1}, conv_options(4, Padding::all(3))));
  check_conv(fp32, conv_dims({2, 13, 13, 1}, {3, 3, 1, 3}, conv_options(2, Padding::all(2), 3)));
  check_conv(fp32, conv_dims({2, 13, 13, 3}, {3, 3, 3, 1}, conv_options(4, Padding::all(2), 2)));
}

TEST_CASE("Emulated conv2d: each tile size") {
  check_partial(fp32, conv_dims({30, 17, 17, 2}, {1, 1, 2, 36}, conv_options(1, Padding::valid())), ConvSlot::g, 0);
  check_partial(fp32, conv_dims({30, 17, 17, 36}, {1, 1, 36, 2}, conv_options(1, Padding::valid())), ConvSlot::x, 0);
  check_partial(fp32, conv_dims({59, 17, 17, 2}, {1, 1, 2, 68}, conv_options(1, Padding::valid())), ConvSlot::g, 0);
  check_partial(fp32, conv_dims({59, 17, 17, 68}, {1, 1, 68, 2}, conv_options(1, Padding::valid())), ConvSlot::x, 0);
  check_partial(fp32, conv_dims({2, 6, 6, 33}, {12, 12, 33, 34}, conv_options(1, Padding::all(6))), ConvSlot::w, 0);
  check_partial(fp32, conv_dims({1, 6, 6, 65}, {12, 12, 65, 66}, conv_options(1, Padding::all(6))), ConvSlot::w, 0);
}

TEST_CASE("Emulated conv2d: more groups of pixels than one launch takes") {
  // 11 x 11 residues of the stride, 2 x 2 of which have taps.
  check_partial(fp32, conv_dims({2, 24, 25, 1}, {2, 2, 1, 3}, conv_options(11, Padding::valid())), ConvSlot::x, 0);
  check_partial(fp32, conv_dims({2, 24, 25, 2}, {2, 2, 2, 3}, conv_options(11, Padding::valid())), ConvSlot::x, 0);
}

TEST_CASE("Emulated conv2d_weight_grad: splits are added in order") {
  const ConvDims d = conv_dims({13, 9, 9, 3}, {2, 2, 3, 5}, conv_options(1, Padding::same()));
  CHECK(check_partial(fp32, d, ConvSlot::w, 0) == 4 * 2 * 2 * 3 * 5 * sizeof(float));
  check_partial(fp32, d, ConvSlot::w, 1);
  for (const ConvDims& one : {conv_dims({9, 9, 9, 1}, {6, 6, 1, 33}, conv_options(1, Padding::same())),
                              conv_dims({9, 9, 9, 33}, {6, 6, 33, 1}, conv_options(1, Padding::same()))}) {
    CHECK(check_partial(fp32, one, ConvSlot::w, 0) == 2 * 6 * 6 * 33 * sizeof(float));
  }
}

TEST_CASE("Emulated conv2d: a single channel and a small square filter") {
  const auto each = [](const ConvDims& d, int offset = 0) {
    check_conv<float>(fp32, d, offset);
    check_conv<bfloat16>(Precision::bf16, d, offset);
  };
  for (const index_t filter : {3, 4, 5})
    for (const index_t stride : {1, 2, 3})
      for (const index_t channels : {1, 6}) {
        const auto same = conv_options(stride, Padding::same());
        each(conv_dims({2, 7, 5, 1}, {filter, filter, 1, channels}, same), 1);
        each(conv_dims({2, 7, 5, channels}, {filter, filter, channels, 1}, same));
      }
  // Padding that reaches beyond the filter, strides beyond it, and as little as one row and column.
  for (const index_t stride : {1, 5})
    for (const bool out : {false, true}) {
      const Shape w = out ? Shape{3, 3, 5, 1} : Shape{3, 3, 1, 5};
      each(conv_dims({2, 6, 6, w[2]}, w, conv_options(stride, Padding::sides(4, 0, 0, 5))));
      each(conv_dims({3, 1, 1, w[2]}, w, conv_options(stride, Padding::all(1))));
    }
  // More channels than a warp has lanes for, in packs and not, and than the filter's share of shared memory.
  for (const index_t channels : {132, 141}) {
    each(conv_dims({1, 4, 3, 1}, {3, 3, 1, channels}, conv_options(2, Padding::same())));
    each(conv_dims({1, 4, 3, channels}, {3, 3, channels, 1}, conv_options(1, Padding::same())));
  }
  // More items than blocks; bands that are shorter than planes or products may be; rows too long for either.
  check_conv(fp32, conv_dims({400, 1, 2, 1}, {3, 3, 1, 2}, conv_options(1, Padding::same())));
  check_conv(fp32, conv_dims({400, 1, 2, 2}, {3, 3, 2, 1}, conv_options(1, Padding::same())));
  for (const index_t columns : {290, 310}) {
    check_conv(fp32, conv_dims({1, 4, columns, 1}, {3, 3, 1, 2}, conv_options(1, Padding::same())));
    check_conv(fp32, conv_dims({1, 4, columns, 2}, {3, 3, 2, 1}, conv_options(1, Padding::same())));
  }
}

template <class T>
void check_splits(const ConvDims& d, index_t count) {
  CAPTURE(sizeof(T), d.C, d.K, count);
  const auto partial_sums = static_cast<std::size_t>(count > 1 ? count * d.w_shape().size() : 0);
  const Precision p = std::is_same_v<T, float> ? fp32 : Precision::bf16;
  CHECK(check_partial<T>(p, d, ConvSlot::w) == partial_sums * sizeof(float));
}

TEST_CASE("Emulated conv2d_weight_grad: any number of splits, in packs and not") {
  const auto same = conv_options(1, Padding::same());
  for (const index_t K : {4, 5}) {
    check_splits<float>(conv_dims({13, 9, 9, 3}, {2, 2, 3, K}, same), 4);
    check_splits<bfloat16>(conv_dims({13, 9, 9, 3}, {2, 2, 3, K}, same), 4);
    check_splits<float>(conv_dims({2, 4, 5, 3}, {3, 3, 3, K}, same), 1);
    check_splits<bfloat16>(conv_dims({2, 4, 5, 3}, {3, 3, 3, K}, same), 1);
  }
  check_splits<float>(conv_dims({45, 9, 9, 1}, {3, 3, 1, 33}, same), 225);  // more than are added at once
  check_splits<bfloat16>(conv_dims({45, 9, 9, 33}, {3, 3, 33, 1}, same), 225);
}

TEST_CASE("Emulated conv2d: bias and activations, also where there is no tap") {
  const std::vector<float> bias = random_values<float>(7, 3);
  const ConvDims d = conv_dims({2, 5, 5, 6}, {2, 2, 6, 7}, conv_options(1, Padding::all(2)));
  const ConvDims sparse = conv_dims({2, 7, 7, 6}, {2, 2, 6, 7}, conv_options(3, Padding::valid()));
  const ConvDims narrow = conv_dims({2, 7, 7, 1}, {2, 2, 1, 7}, conv_options(3, Padding::valid()));
  const ConvDims dense = conv_dims({3, 2, 2, 6}, {2, 2, 6, 7}, conv_options(1, Padding::valid()));
  for (const Activation activation : all_activations(0.2)) {
    const Epilogue<float> e{bias.data(), activation};
    check_partial(fp32, d, ConvSlot::g, 0, e);
    check_partial(fp32, sparse, ConvSlot::x, 0, e);
    check_partial(fp32, narrow, ConvSlot::g, 0, e);
    check_partial(fp32, narrow, ConvSlot::x, 0, e);
    check_partial(fp32, dense, ConvSlot::g, 0, e);
    check_partial(fp32, dense, ConvSlot::x, 0, e);
  }
}

}  // namespace
}  // namespace tinygan
