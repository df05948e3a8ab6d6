// FLOPs and bytes of kernel calls, against their formulas counted by hand.
#include <string>

#include <tinygan/backend/kernel_list.hpp>
#include <tinygan/backend/kernel_work.hpp>

#include "support/catch.hpp"

using namespace tinygan;

using Works = KernelWorks<float>;

TEST_CASE("The list of kernels has every entry once, in the order of the table") {
  std::vector<std::string> names;
#define NAME(entry) names.emplace_back(#entry);
  TINYGAN_FOR_EACH_KERNEL(NAME)
#undef NAME
  CHECK(static_cast<int>(names.size()) == kernel_count);
  CHECK(names.front() == "gemm");
  CHECK(names.back() == "clip_by_norm");
  KernelTable<float> table{};
  std::size_t i = 0;
#define PLACE(entry)                                                               \
  CHECK(reinterpret_cast<char*>(&table.entry) - reinterpret_cast<char*>(&table) == \
        static_cast<std::ptrdiff_t>(sizeof(void*) * i++));
  TINYGAN_FOR_EACH_KERNEL(PLACE)
#undef PLACE
}

TEST_CASE("A matrix product is two FLOPs a multiply-add, and each operand moves once") {
  const KernelWork w = Works::gemm({.M = 3, .N = 5, .K = 7}, Epilogue<float>{});
  CHECK(w.flops == 2 * 3 * 5 * 7);
  CHECK(w.bytes == 4 * (3 * 7 + 7 * 5 + 3 * 5));
  CHECK(std::string(w.names[2]) == "K");
  CHECK(w.extents[2] == 7);
  const KernelWork many = Works::batched_gemm({.M = 3, .N = 5, .K = 7}, 11);
  CHECK(many.flops == 11 * w.flops);
  CHECK(many.bytes == 11 * w.bytes);
  CHECK(KernelWorks<bfloat16>::gemm({.M = 3, .N = 5, .K = 7}).bytes == w.bytes / 2);
}

TEST_CASE("A convolution counts the taps that touch data, whichever partial it is") {
  const ConvDims d = conv_dims({2, 5, 6, 3}, {3, 3, 3, 4}, {.stride_h = 2, .padding = Padding::same()});
  double pairs = 0;
  for (index_t p = 0; p < d.P; ++p)
    for (index_t q = 0; q < d.Q; ++q)
      for (index_t r = 0; r < d.R; ++r)
        for (index_t s = 0; s < d.S; ++s) {
          const index_t h = p * d.stride_h + r - d.pad_top, w = q * d.stride_w + s - d.pad_left;
          pairs += h >= 0 && h < d.H && w >= 0 && w < d.W ? 1 : 0;
        }
  const double bytes = 4.0 * static_cast<double>(d.x_shape().size() + d.w_shape().size() + d.y_shape().size());
  for (const KernelWork& w : {Works::conv2d(d), Works::conv2d_input_grad(d), Works::conv2d_weight_grad(d)}) {
    CHECK(w.flops == 2 * 2 * 3 * 4 * pairs);
    CHECK(w.bytes == bytes);
  }
  const ConvDims each = conv_dims({2, 5, 6, 3}, {3, 3, 3, 3}, {.stride_h = 2, .padding = Padding::same()});
  for (const KernelWork& w : {Works::depthwise_conv2d(each), Works::depthwise_conv2d_input_grad(each),
                              Works::depthwise_conv2d_weight_grad(each)}) {
    CHECK(w.flops == 2 * 2 * 3 * pairs);
    CHECK(w.bytes == 4.0 * static_cast<double>(2 * each.x_shape().size() / 2 + 3 * 3 * 3 + each.y_shape().size()));
  }
}

TEST_CASE("Pointwise kernels are bytes: a repeated operand moves once") {
  BroadcastDims d;
  d.extent[4] = 6, d.extent[5] = 10;
  d.a_stride[4] = 10, d.a_stride[5] = 1;
  d.b_stride[5] = 1;  // a row for all six
  const KernelWork w = Works::binary(BinaryOp::mul, d);
  CHECK(w.flops == 60);
  CHECK(w.bytes == 4 * (60 + 60 + 10));
  CHECK(std::string(w.op) == "mul");
  CHECK(std::string(Works::unary(UnaryOp::gelu, 9).op) == "gelu");
  CHECK(Works::unary(UnaryOp::gelu, 9).bytes == 8 * 9);
  const KernelWork sum = Works::reduce(ReduceOp::sum, {.outer = 2, .reduced = 3, .inner = 5});
  CHECK(sum.flops == 30);
  CHECK(sum.bytes == 4 * (30 + 10));
}

TEST_CASE("Adam reads gradients, and reads and writes parameters or master weights, and moments") {
  float p = 0;
  ParameterSlot<float> slots[2];
  slots[0] = {.n = 10, .param = &p, .grad = &p, .m = &p, .v = &p};
  slots[1] = {.n = 5, .param = &p, .grad = &p, .m = &p, .v = &p};
  CHECK(Works::adam({}, 2, slots).bytes == 15 * 4 * 7);
  CHECK(Works::adam({}, 2, slots).flops == 15 * 12);
  slots[0].m = slots[0].v = nullptr;
  CHECK(Works::sgd({}, 1, slots).bytes == 10 * 4 * 3);
  bfloat16 b{};
  const ParameterSlot<bfloat16> narrow{.n = 10, .param = &b, .grad = &b, .m = &p, .v = &p, .master = &p};
  CHECK(KernelWorks<bfloat16>::adam({}, 1, &narrow).bytes == 10 * (2 + 16 + 8 + 2));
}
