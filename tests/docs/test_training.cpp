// The code that docs/training.md quotes, in a regression small enough for a test.
#include <tinygan/tinygan.hpp>

#include "support/catch.hpp"

using namespace tinygan;

namespace {

nn::Sequential<float> build() {
  Generator random(1);
  return nn::Sequential<float>(nn::Dense(2, 16, {.activation = Activation::tanh}, random),
                               nn::Dense(16, 1, {}, random));
}

/// Mean squared error of y = x0 x1 on points of this seed.
Variable<float> loss_on(nn::Sequential<float>& model, std::uint64_t seed) {
  Generator random(seed);
  const Variable<float> x = random_uniform<float>({32, 2}, random, -1, 1);
  return nn::mean_squared_error(model(x), ops::slice(x, 1, 0, 1) * ops::slice(x, 1, 1, 2));
}

}  // namespace

TEST_CASE("docs/training.md: a schedule and weight decay on kernels", "[docs]") {
  nn::Sequential<float> model = build();
  const optim::AdamWHyper hyper{
      .learning_rate = 1e-2, .weight_decay = 1e-4, .schedule = optim::cosine_schedule({.end = 100, .warmup = 10})};
  optim::AdamW adam(optim::decay_kernels_only(model.parameters(), hyper));
  const float before = loss_on(model, 0).item();
  for (std::uint64_t step = 1; step <= 100; ++step) adam.step(grad(loss_on(model, step), adam.parameters()));
  CHECK(loss_on(model, 0).item() < before);
}

TEST_CASE("docs/training.md: several batches in an update, and clipping", "[docs]") {
  nn::Sequential<float> model = build();
  optim::RmsProp rmsprop(model.parameters());
  const float before = loss_on(model, 0).item();
  for (std::uint64_t step = 0; step < 50; ++step) {
    for (std::uint64_t part = 1; part <= 4; ++part) backward(loss_on(model, 4 * step + part));
    optim::average_grads(rmsprop.parameters(), 4);
    optim::clip_grads_by_global_norm(rmsprop.parameters(), 1.0);
    rmsprop.step();
    rmsprop.clear_grads();
  }
  CHECK(loss_on(model, 0).item() < before);
}

TEST_CASE("docs/training.md: stopping early with the best weights, and a clone", "[docs]") {
  nn::Sequential<float> model = build();
  optim::Adam adam(model.parameters(), {.learning_rate = 5e-2});
  optim::EarlyStopping stopping({.patience = 5});
  nn::Snapshot best(model);
  for (std::uint64_t step = 1; !stopping.should_stop(); ++step) {
    adam.step(grad(loss_on(model, step), adam.parameters()));
    const float validation_loss = loss_on(model, 0).item();
    if (stopping.improved(static_cast<double>(validation_loss))) best = nn::Snapshot(model);
  }
  best.restore(model);
  CHECK(static_cast<double>(loss_on(model, 0).item()) == stopping.best());

  nn::Sequential twin = nn::clone(model, build);
  CHECK(loss_on(twin, 0).item() == loss_on(model, 0).item());
}
