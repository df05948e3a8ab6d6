// LeNet: its shapes, its size, and that it learns.
#include <tinygan/autograd/grad.hpp>
#include <tinygan/data/device_images.hpp>
#include <tinygan/data/strokes.hpp>
#include <tinygan/models/lenet.hpp>
#include <tinygan/nn/losses.hpp>
#include <tinygan/optim/adam.hpp>

#include "support/catch.hpp"

using namespace tinygan;

TEST_CASE("LeNet has 128 features, and 454,922 parameters for ten classes", "[lenet]") {
  Generator random(1);
  models::LeNet<float> model(10, random);
  CHECK(model.parameter_count() == 454922);
  CHECK(model.output_shape({5, 28, 28, 1}) == Shape{5, 10});
  const Variable<float> x = random_uniform<float>({2, 28, 28, 1}, random), f = model.features(x);
  CHECK(f.shape() == Shape{2, 128});
  CHECK(model.logits(f).value().to_vector() == model(x).value().to_vector());
  CHECK_THROWS_WITH(models::LeNet<float>(1, random), Catch::Matchers::Contains("1 classes, expected at least 2"));
}

TEST_CASE("LeNet learns a batch by heart", "[lenet]") {
  Generator random(2);
  models::LeNet<float> model(10, random);
  const data::ImageDataset digits = data::stroke_digits(32, 5);
  std::vector<std::int32_t> all(32);
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::int32_t>(i);
  const Variable<float> x = data::DeviceImages(digits).batch<float>(all, 0, 1);
  optim::Adam<float> adam(model.parameters(), {.learning_rate = 2e-3, .beta1 = 0.9});
  double loss = 0;
  for (int step = 0; step < 40; ++step) {
    random.next_step();
    const Variable<float> l = nn::softmax_cross_entropy(model(x, nn::Pass::train(random)), digits.labels);
    adam.step(grad(l, adam.parameters()));
    loss = static_cast<double>(l.value().to_vector()[0]);
  }
  CHECK(loss < 0.5);  // 2.3 is guessing
}
