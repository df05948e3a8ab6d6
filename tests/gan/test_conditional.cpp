// Conditional training: the generator learns which class is which, and labels that do not fit are errors.
#include <tinygan/gan/statistics.hpp>
#include <tinygan/gan/step.hpp>
#include <tinygan/nn/losses.hpp>

#include "support/catch.hpp"
#include "support/temporary.hpp"
#include "support/values.hpp"

using namespace tinygan;
using namespace tinygan::test;
using support::error_of;

namespace {

constexpr index_t size = 4, classes = 2;

models::Networks<float> networks(std::uint64_t seed) {
  Generator random(seed);
  models::Networks<float> n;
  n.generator.add(nn::AddLabels<float>(classes))
      .add(nn::Dense<float>(models::latent_size + classes, 16, {.bias = false}, random))
      .add(nn::BatchNorm<float>(16, {.activation = Activation::relu}))
      .add(nn::Dense<float>(16, size * size, {.activation = Activation::tanh}, random))
      .add(nn::Reshape<float>({size, size, 1}));
  n.discriminator.add(nn::Flatten<float>())
      .add(nn::Dense<float>(size * size, 16, {.activation = Activation::leaky_relu(0.2)}, random))
      .add(nn::Projection<float>(16, classes, {}, random));
  return n;
}

/// Images of class 0 are dark, of class 1 bright, in turn.
Tensor<float> images(index_t count, unsigned seed) {
  const Tensor<float> x = random_tensor<float>({count, size, size, 1}, seed);
  for (index_t i = 0; i < x.size(); ++i) x.data()[i] = 0.1f * x.data()[i] + (i / (size * size) % 2 ? 0.6f : -0.6f);
  return x;
}

Tensor<float> labels_in_turn(index_t count) {
  std::vector<int> labels;
  for (index_t i = 0; i < count; ++i) labels.push_back(static_cast<int>(i % classes));
  return nn::one_hot<float>(labels, classes);
}

double mean_of_class(models::Networks<float>& n, int label) {
  Generator random(9);
  const NoGrad no_grad;
  const Tensor<float> z = random_normal<float>({64, models::latent_size}, random);
  const Tensor<float> labels = nn::one_hot<float>(std::vector<int>(64, label), classes);
  double sum = 0;
  const Array pixels = array(n.generator(z, nn::Pass::infer().with_labels(Variable<float>(labels))));
  for (const double v : pixels) sum += v;
  return sum / static_cast<double>(pixels.size());
}

}  // namespace

TEST_CASE("after training, the generator draws the class that it is told") {
  for (const int critic_steps : {1, 2}) {
    models::Networks<float> n = networks(1);
    gan::AdversarialStep<float> step(n, {.learning_rate = 0.005, .beta1 = 0.5}, {.learning_rate = 0.005, .beta1 = 0.5},
                                     {.critic_steps = critic_steps});
    Generator random(2);
    const index_t batch = 16 * critic_steps;
    for (unsigned i = 0; i < 200; ++i) {
      random.next_step();
      step(images(batch, i), random, labels_in_turn(batch));
    }
    gan::recompute_statistics(n.generator, models::latent_size, random, 4, 32, labels_in_turn(32));
    CAPTURE(critic_steps, mean_of_class(n, 0), mean_of_class(n, 1));
    CHECK(mean_of_class(n, 0) < -0.2);
    CHECK(mean_of_class(n, 1) > 0.2);
  }
}

TEST_CASE("labels that are missing or do not fit are errors") {
  models::Networks<float> n = networks(1);
  gan::AdversarialStep<float> step(n, AdamHyper::gan(), AdamHyper::gan());
  Generator random(2);
  CHECK(support::contains(error_of([&] { step(images(8, 1), random); }),
                          "add_labels: the pass has no labels, expected one-hot rows (8, 2)"));
  CHECK(error_of([&] { step(images(8, 1), random, labels_in_turn(6)); }) ==
        "AdversarialStep: labels (6, 2) for 8 real images, expected a row for each");
  CHECK_NOTHROW(step(images(8, 1), random, labels_in_turn(8)));
  CHECK(support::contains(error_of([&] { step(images(8, 1), random); }), "the pass has no labels"));
}
