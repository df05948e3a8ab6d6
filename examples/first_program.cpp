#include <cstdio>
#include <tinygan/tinygan.hpp>

using namespace tinygan;

int main() try {
  Generator random(1);  // learn y = x0 x1 from examples
  nn::Sequential model(nn::Dense(2, 32, {.activation = Activation::tanh}, random), nn::Dense(32, 1, {}, random));
  optim::Adam adam(model.parameters(), {.learning_rate = 1e-2});
  std::printf("%s\n", nn::summary(model, {64, 2}).c_str());

  for (int step = 1; step <= 500; ++step) {
    const Variable<float> x = random_uniform<float>({64, 2}, random, -1, 1);
    const Variable<float> y = ops::slice(x, 1, 0, 1) * ops::slice(x, 1, 1, 2);
    const Variable<float> loss = nn::mean_squared_error(model(x, nn::Pass::train(random)), y);
    adam.step(grad(loss, model.parameters()));
    if (step % 100 == 0) std::printf("step %d  loss %.5f\n", step, static_cast<double>(loss.item()));
  }
} catch (const Error& e) {
  std::fprintf(stderr, "%s\n", e.what());
  return 1;
}
