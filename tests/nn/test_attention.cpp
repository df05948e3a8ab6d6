// Multi-head attention against its definition, and what a causal layer does not see.
#include <tinygan/nn/attention.hpp>

#include <tinygan/autograd/check_grads.hpp>

#include "support/check_ops.hpp"
#include "support/temporary.hpp"

using namespace tinygan;
using namespace tinygan::test;
using support::error_of;

namespace {

/// Head by head and sequence by sequence, by products of single matrices.
Variable<double> definition(const nn::MultiHeadAttention<double>& layer, const Variable<double>& x,
                            const Variable<double>& memory, index_t heads, bool causal) {
  const std::vector<Variable<double>> p = layer.parameters();  // query, key, value, output: kernel and bias each
  const index_t width = x.shape()[2], D = width / heads;
  std::vector<Variable<double>> sequences;
  for (index_t n = 0; n < x.shape()[0]; ++n) {
    const auto project = [&](const Variable<double>& from, std::size_t i) {
      const Variable<double> rows = ops::reshape(ops::slice(from, 0, n, n + 1), {from.shape()[1], width});
      return ops::matmul(rows, p[2 * i]) + p[2 * i + 1];
    };
    const Variable<double> q = project(x, 0), k = project(memory, 1), v = project(memory, 2);
    std::vector<Variable<double>> outputs;
    for (index_t h = 0; h < heads; ++h) {
      const auto head = [&](const Variable<double>& of) { return ops::slice(of, 1, h * D, (h + 1) * D); };
      Variable<double> e =
          ops::exp(ops::matmul(head(q), head(k), {.trans_b = true}) / std::sqrt(static_cast<double>(D)));
      if (causal) {
        std::vector<double> past(static_cast<std::size_t>(e.size()));
        for (std::size_t i = 0; i < past.size(); ++i) {
          const auto columns = static_cast<std::size_t>(e.shape()[1]);
          past[i] = i % columns <= i / columns ? 1 : 0;
        }
        e = e * Variable<double>(Tensor<double>::from(past, e.shape()));
      }
      outputs.push_back(ops::matmul(e / ops::sum(e, -1, true), head(v)));
    }
    sequences.push_back(ops::matmul(ops::concat(outputs, 1), p[6]) + p[7]);
  }
  return ops::stack(sequences, 0);
}

}  // namespace

TEST_CASE("attention: softmax(Q K^T / sqrt D) V, head by head") {
  for (const bool causal : {false, true})
    for (const index_t heads : {1, 2, 4}) {
      CAPTURE(causal, heads);
      Generator random(1);
      nn::MultiHeadAttention<double> layer(8, heads, {.causal = causal}, random);
      const Variable<double> x(random_tensor<double>({3, 5, 8}, 1));
      check_rounded<double>(array(layer(x)), definition(layer, x, x, heads, causal));
      CHECK(layer.output_shape(x.shape()) == x.shape());
      CHECK(layer.parameter_count() == 4 * (64 + 8));
    }
}

TEST_CASE("attention to another sequence") {
  Generator random(1);
  nn::MultiHeadAttention<double> layer(4, 2, {}, random);
  const Variable<double> x(random_tensor<double>({2, 3, 4}, 1)), memory(random_tensor<double>({2, 7, 4}, 2));
  check_rounded<double>(array(layer.attend(x, memory, nn::Pass::infer())), definition(layer, x, memory, 2, false));
}

TEST_CASE("attention on every device, as on the CPU") {
  for (const Device device : devices()) {
    CAPTURE(text(device));
    Generator random(1);
    nn::MultiHeadAttention<float> layer(8, 2, {.causal = true}, random);
    const Variable<float> x(random_tensor<float>({2, 6, 8}, 1));
    Generator same(1);
    nn::MultiHeadAttention<double> exact(8, 2, {.causal = true}, same);
    const auto from = layer.parameters();
    const auto to = exact.parameters();
    for (std::size_t i = 0; i < from.size(); ++i) to[i].set_value(tensor<double>(array(from[i]), from[i].shape()));
    layer.to(device);
    check_rounded<float>(array(layer(Variable<float>(x.value().to(device)))), exact(in_double(x)));
  }
}

TEST_CASE("a causal layer's output does not depend on later positions") {
  Generator random(1);
  nn::MultiHeadAttention<float> layer(4, 2, {.causal = true}, random);
  const Tensor<float> x = random_tensor<float>({1, 6, 4}, 1);
  const Array before = array(layer(Variable<float>(x)));
  for (float& v : x.host().subspan(4 * 4)) v = 100;
  x.bump_version();
  const Array after = array(layer(Variable<float>(x)));
  for (std::size_t i = 0; i < 16; ++i) CHECK(before[i] == after[i]);
  CHECK(before[23] != after[23]);
}

TEST_CASE("derivatives of attention to second order; dropout in training only") {
  Generator random(1);
  nn::MultiHeadAttention<double> layer(4, 2, {.causal = true}, random);
  REQUIRE_NOTHROW(check_grads<double>([&](const auto& x) { return layer(x[0]); }, {random_tensor<double>({1, 3, 4}, 1)},
                                      {.order = 2}));
  nn::MultiHeadAttention<double> dropping(4, 2, {.dropout = 0.5}, random);
  const Variable<double> x(random_tensor<double>({2, 8, 4}, 1));
  CHECK(array(dropping(x)) == array(dropping(x)));
  CHECK(array(dropping(x, nn::Pass::train(random))) != array(dropping(x)));
}

TEST_CASE("attention names what does not fit") {
  CHECK(error_of([] { nn::MultiHeadAttention<float>(6, 4); }) ==
        "multi_head_attention: 4 heads of width 6, expected a divisor of the width");
  CHECK(error_of([] { nn::MultiHeadAttention<float>(6, 2, {.dropout = 1}); }) ==
        "multi_head_attention: dropout 1, expected at least 0 and below 1");
  nn::MultiHeadAttention<float> layer(4, 2, {.causal = true});
  const auto zeros = [](const Shape& shape) { return Variable<float>(Tensor<float>::zeros(shape)); };
  CHECK(error_of([&] { layer(zeros({2, 4})); }) == "multi_head_attention: input (2, 4), expected (N, L, 4)");
  CHECK(error_of([&] {
          layer.attend(zeros({2, 3, 4}), zeros({1, 3, 4}), {});
        }) == "multi_head_attention: memory (1, 3, 4) for input (2, 3, 4), expected as many sequences");
  CHECK(error_of([&] {
          layer.attend(zeros({2, 3, 4}), zeros({2, 5, 4}), {});
        }) == "multi_head_attention: memory (2, 5, 4) for a causal input (2, 3, 4), expected the same length");
}
