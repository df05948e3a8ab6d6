// Going back through an activation in the epilogue: every kernel that finishes a result, at every alignment.
#include "kernels/products.hpp"

using namespace tinygan;
using namespace tinygan::test;

namespace {

constexpr Activation activations[] = {Activation::none, Activation::relu, Activation::leaky_relu, Activation::sigmoid,
                                      Activation::tanh};

/// check(epilogue) with the output of every activation, at and off a 16-byte boundary.
template <class Check>
void with_outputs(index_t size, const Check& check) {
  for (const Activation activation : activations)
    for (const int offset : {0, 1}) {
      const Operand output(size, offset, 9);
      check(Epilogue<float>{nullptr, activation, 0.3f, output.data()});
    }
}

}  // namespace

TEST_CASE("Emulated epilogue: back through an activation, after a product") {
  const GemmDims shapes[] = {{7, 36, 5, false, true}, {5, 7, 1027, true, false}, {7, 1, 300, false, false}, {9, 33, 12}};
  for (const GemmDims& d : shapes)
    with_outputs(d.M * d.N, [&](const Epilogue<float>& e) {
      check_gemm(Precision::fp32, d, 0, e);
      if (d.N > 1) check_gemm(Precision::tf32, d, 0, e);
    });
}

TEST_CASE("Emulated epilogue: back through an activation, after a convolution") {
  const Padding same = Padding::same();
  const ConvDims shapes[] = {conv_dims({2, 5, 4, 4}, {3, 3, 4, 8}, {2, 2, same}),
                             conv_dims({2, 6, 6, 1}, {5, 5, 1, 8}, {2, 2, same}),
                             conv_dims({2, 5, 5, 8}, {3, 3, 8, 1}, {1, 1, same}),
                             conv_dims({2, 11, 9, 3}, {2, 2, 3, 5}, {4, 4, Padding::valid()}),
                             conv_dims({3, 2, 3, 5}, {2, 3, 5, 9}, {})};
  for (const ConvDims& d : shapes) {
    with_outputs(d.N * d.P * d.Q * d.K,
                 [&](const Epilogue<float>& e) { check_partial(Precision::fp32, d, ConvSlot::g, 0, e); });
    with_outputs(d.N * d.H * d.W * d.C,
                 [&](const Epilogue<float>& e) { check_partial(Precision::fp32, d, ConvSlot::x, 0, e); });
  }
  with_outputs(2 * 5 * 4 * 4, [&](const Epilogue<float>& e) { check_partial(Precision::bf16, shapes[0], ConvSlot::x, 0, e); });
}
