#include "ops/cases/normalisation.hpp"

#include "support/check_ops.hpp"
#include "support/temporary.hpp"

using namespace tinygan;
using namespace tinygan::test;

TEST_CASE("batch and layer normalisation") { check_ops(normalisation_cases()); }
TEST_CASE("every normalisation has a case") { check_coverage("normalisation.hpp", normalisation_cases()); }

TEST_CASE("the fused gradients of float equal those of the composition in double") {
  const Shape shape{2, 3, 2, 19}, channels{19};
  for (const Activation f : all_activations(test::detail::leak))
    for (bool batch : {true, false}) {
      INFO((batch ? "batch_norm " : "layer_norm ") << name_of(f));
      const auto gradients = [&]<class T>(T, bool fused) {
        const NormOptions<T> o{T(1e-3), f};
        const std::vector<Variable<T>> x{{tensor<T>(draw(Draw::uniform, shape, 1), shape), true},
                                         {tensor<T>(draw(Draw::positive, channels, 2), channels), true},
                                         {tensor<T>(draw(Draw::sides, channels, 3), channels), true}};
        const Variable<T> y =
            batch ? (fused ? ops::batch_norm(x[0], x[1], x[2], o).y : ops::batch_norm_reference(x[0], x[1], x[2], o))
                  : (fused ? ops::layer_norm(x[0], x[1], x[2], o) : ops::layer_norm_reference(x[0], x[1], x[2], o));
        const Variable<T> g(tensor<T>(draw(Draw::uniform, shape, 4), shape), !fused);
        return grad(y, x, {.create_graph = !fused}, g);
      };
      const auto found = gradients(0.0f, true);
      const auto expected = gradients(0.0, false);
      for (std::size_t i = 0; i < 3; ++i) check_rounded<float>(array(found[i]), expected[i]);
    }
}

TEST_CASE("batch_norm returns the statistics it used, the variance biased") {
  const Variable<double> x(Tensor<double>::from({1.0, 10.0, 3.0, 14.0}, {2, 2}));
  const Variable<double> gamma(Tensor<double>::full({2}, 1.0)), beta(Tensor<double>::zeros({2}));
  const auto result = ops::batch_norm(x, gamma, beta, {1e-3, Activation::none});
  CHECK(array(result.mean) == Array{2, 12});
  CHECK(array(result.variance) == Array{1, 4});
}

TEST_CASE("normalisation names what does not fit") {
  const Variable<float> x(Tensor<float>::zeros({2, 3})), row(Tensor<float>::zeros({1, 3})),
      v(Tensor<float>::zeros({3}));
  const Variable<float> two(Tensor<float>::zeros({2}));
  const NormOptions<float> o;
  CHECK(support::error_of([&] { ops::batch_norm(v, v, v, o); }) ==
        "batch_norm: input (3,) has rank 1, expected at least 2");
  CHECK(support::error_of([&] { ops::batch_norm(x, two, v, o); }) ==
        "batch_norm: gamma has shape (2,), input (2, 3) expects (3,)");
  CHECK(support::error_of([&] { ops::layer_norm(x, v, two, o); }) ==
        "layer_norm: beta has shape (2,), input (2, 3) expects (3,)");
  CHECK(support::error_of([&] { ops::batch_norm(row, v, v, o); }) ==
        "batch_norm: input (1, 3) has one value per channel, statistics need at least 2");
  CHECK(support::error_of([&] { ops::batch_norm_inference(x, v, v, two.value(), v.value(), o); }) ==
        "batch_norm: mean has shape (2,), input (2, 3) expects (3,)");
}
