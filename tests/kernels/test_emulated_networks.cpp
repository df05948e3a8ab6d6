// Adversarial steps of networks with every option on the emulated device: a captured step gives the bits of running it
// each time, in float and in bfloat16.
#include <tinygan/data/data_loader.hpp>
#include <tinygan/gan/step.hpp>
#include <tinygan/runtime/captured_step.hpp>
#include <tinygan/runtime/metric_ring.hpp>

#include "kernels/emulated.hpp"
#include "support/values.hpp"

namespace tinygan {
namespace {

using namespace test;

constexpr Device there = Device::emulated();
constexpr index_t classes = 3, rows = 4;

/// Images of 6x6. Conditional: labels in both, virtual batch norm in G, spectral norm and minibatch standard deviation
/// in D. Else: virtual batch norm, and D judges pairs.
template <class T>
models::Networks<T> varied_networks(bool conditional) {
  Generator random(1);
  const index_t inputs = models::latent_size + (conditional ? classes : 0);
  const nn::Conv2DOptions down{.kernel = 4,
                               .stride = 2,
                               .padding = Padding::same(),
                               .activation = Activation::leaky_relu(0.2),
                               .spectral_norm = true},
      up{.kernel = 4, .stride = 2, .padding = Padding::same(), .bias = false, .activation = Activation::tanh};
  models::Networks<T> n;
  if (conditional) n.generator.add(nn::AddLabels<T>(classes));
  n.generator.add(nn::AddReference<T>(random_normal<wide_t<T>>({rows, inputs}, random)))
      .add(nn::Dense<T>(inputs, 36, {.bias = false}, random))
      .add(nn::VirtualBatchNorm<T>(36, rows, {.activation = Activation::relu}))
      .add(nn::Reshape<T>({3, 3, 4}))
      .add(nn::Conv2DTranspose<T>(4, 1, up, random))
      .add(nn::DropReference<T>(rows));
  if (!conditional) n.discriminator.add(nn::Pack<T>(2));
  n.discriminator.add(nn::Conv2D<T>(conditional ? 1 : 2, 4, down, random))
      .add(nn::MinibatchStddev<T>(4))
      .add(nn::Flatten<T>());
  if (conditional) n.discriminator.add(nn::Projection<T>(45, classes, {.spectral_norm = true}, random));
  else n.discriminator.add(nn::Dense<T>(45, 1, {.spectral_norm = true}, random));
  return n;
}

data::ImageDataset labelled_images() {
  data::ImageDataset d;
  d.source = "test";
  d.count = 20;
  d.height = d.width = 6;
  for (index_t i = 0; i < d.count * 36; ++i) d.images.push_back(static_cast<std::uint8_t>(i * 37 % 251));
  for (index_t i = 0; i < d.count; ++i) d.labels.push_back(static_cast<std::uint8_t>(i % classes));
  return d;
}

/// Losses of a few steps, then all weights and buffers.
template <class T>
std::vector<std::vector<float>> train(bool conditional, runtime::CapturedStep::Mode mode) {
  models::Networks<T> n = varied_networks<T>(conditional);
  n.to(there);
  gan::AdversarialStep<T> step(n, {.learning_rate = 0.01, .beta1 = 0.5}, {.learning_rate = 0.01, .beta1 = 0.5});
  Generator random(5, there);
  data::DataLoader loader(labelled_images(), {.batch_size = 8}, random.clock());
  runtime::MetricRing<float> losses(2, 8, random.clock());
  runtime::CapturedStep captured(
      there,
      [&] {
        random.next_step();
        const Tensor<T> real = loader.next<T>(-1.0f, 1.0f);
        Tensor<float> labels;  // (8, classes) of the 10 columns of the loader
        if (conditional) labels = ops::slice(Variable<float>(loader.labels()), 1, 0, classes).value();
        const auto r = step(real, random, labels);
        losses.record({r.loss_d, r.loss_g});
      },
      mode);
  for (int i = 0; i < 5; ++i) captured();
  CHECK(captured.captured() == (mode == runtime::CapturedStep::Mode::automatic));
  std::vector<std::vector<float>> all = losses.drain();
  for (const std::vector<float>& row : all)
    for (const float v : row) CHECK(std::isfinite(v));
  const models::Networks<T> first = varied_networks<T>(conditional);
  for (const auto& [trained, before] :
       {std::pair{&n.generator, &first.generator}, {&n.discriminator, &first.discriminator}}) {
    for (std::size_t i = 0; i < trained->parameters().size(); ++i) {
      all.push_back(trained->parameters()[i].master().to_vector());
      CHECK(all.back() != before->parameters()[i].master().to_vector());
    }
    for (const auto& buffer : trained->named_buffers()) all.push_back(buffer.variable.value().to_vector());
  }
  return all;
}

TEST_CASE("Captured steps of networks with every option leave the bits of running them each time") {
  for (const bool conditional : {false, true}) {
    CAPTURE(conditional);
    using Mode = runtime::CapturedStep::Mode;
    CHECK(train<float>(conditional, Mode::eager) == train<float>(conditional, Mode::automatic));
    CHECK(train<bfloat16>(conditional, Mode::eager) == train<bfloat16>(conditional, Mode::automatic));
  }
}

}  // namespace
}  // namespace tinygan
