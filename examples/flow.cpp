// A normalising flow of digits, all of it: RealNVP with dense couplings (Dinh, Sohl-Dickstein, Bengio, "Density
// estimation using Real NVP", 2017).   g++ -std=c++20 -O2 -I include examples/flow.cpp -pthread
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <numbers>
#include <tinygan/tinygan.hpp>

using namespace tinygan;

constexpr index_t pixels = 28 * 28, hidden = 512, couplings = 8;
constexpr double edge = 0.05;  // keeps the logit of black and white finite

/// y = x where the mask is 1, else x e^s + t, with s and t computed from the masked x: invertible, and ln|dy/dx| is the
/// sum of s.
struct Coupling : nn::Module<> {
  nn::Sequential<>& network;
  Variable<float> mask, scale;

  Coupling(index_t parity)
      : network(add_module(
            "network",
            nn::Sequential(nn::Dense(pixels, hidden), nn::SiLU(), nn::Dense(hidden, hidden), nn::SiLU(),
                           nn::Dense(hidden, 2 * pixels, {.kernel_initializer = nn::Initializer::normal(0, 1e-3)})))),
        scale(add_parameter("scale", Tensor<float>::full({pixels}, 1))) {
    std::vector<float> checkers(pixels);
    for (index_t i = 0; i < pixels; ++i) checkers[static_cast<std::size_t>(i)] = (i / 28 + i + parity) % 2 == 0 ? 1 : 0;
    mask = Tensor<float>::from(checkers, {pixels});
  }
  /// s and t, zero where the mask is 1.
  std::vector<Variable<float>> of(const Variable<float>& x) const {
    const auto parts = ops::chunk(network(x * mask), 2, 1);
    return {ops::tanh(parts[0]) * scale * (1 - mask), parts[1] * (1 - mask)};
  }
};

struct Flow : nn::Module<> {
  std::vector<Coupling*> layers;

  Flow() {
    for (index_t i = 0; i < couplings; ++i) layers.push_back(&add_module(text("coupling_", i), Coupling(i)));
  }

  /// Minus ln p of bytes / 256 in bits a pixel, mean over images u(N,784) of bytes plus uniform noise, in [0, 256).
  Variable<float> loss(const Variable<float>& u) const {
    const Variable<float> p = u * ((1 - 2 * edge) / 256) + edge;
    Variable<float> y = ops::log(p) - ops::log(1 - p);  // dy/du = (1 - 2 edge) / 256 / (p (1 - p))
    Variable<float> ln_det = ops::sum(-ops::log(p * (1 - p)));
    for (const Coupling* layer : layers) {
      const auto st = layer->of(y);
      y = y * ops::exp(st[0]) + st[1];
      ln_det = ln_det + ops::sum(st[0]);
    }
    const auto elements = static_cast<double>(u.size());
    const double constant = 0.5 * std::log(2 * std::numbers::pi) - std::log((1 - 2 * edge) / 256);
    return ((ops::sum(ops::square(y)) * 0.5 - ln_det) / elements + constant) / std::numbers::ln2;
  }

  /// Images (N,28,28) in [0, 1] from z(N,784), by the inverse of each coupling.
  Tensor<float> sample(const Tensor<float>& z) const {
    const NoGrad no_grad;
    Variable<float> y = z;
    for (auto layer = layers.rbegin(); layer != layers.rend(); ++layer) {
      const auto st = (*layer)->of(y);
      y = (y - st[1]) * ops::exp(-st[0]);
    }
    return ops::clamp((ops::sigmoid(y) - edge) / (1 - 2 * edge), 0, 1).value().reshape({z.shape()[0], 28, 28});
  }
};

// flow [EPOCHS [MNIST FOLDER [SAMPLES.npz [COUNT]]]]: without a folder, on digits that it draws
int main(int argc, char** argv) try {
  const index_t count = argc > 4 ? std::atoi(argv[4]) : 10000;
  const bool files = argc > 2;
  const data::ImageDataset train = files ? data::load_mnist(argv[2], data::Split::train) : data::stroke_digits(6000, 1),
                           test = files ? data::load_mnist(argv[2], data::Split::test) : data::stroke_digits(1000, 2);
  data::DataLoader loader(train, {.batch_size = 100}), held_out(test, {.batch_size = 500, .shuffle = false});
  Generator random(0);
  Flow flow;
  optim::Adam adam(flow.parameters(), {.learning_rate = 5e-4});
  const auto dequantised = [&](const Tensor<float>& bytes) {  // (N,28,28,1) in [0, 255] to (N,784) in [0, 256)
    return ops::flatten(Variable<float>(bytes) + random_uniform<float>(bytes.shape(), random, 0, 1));
  };

  const int epochs = argc > 1 ? std::atoi(argv[1]) : 10;
  for (int epoch = 1; epoch <= epochs; ++epoch) {
    for (index_t step = 0; step < loader.per_epoch(); ++step) {
      random.next_step();
      const auto gradients = grad(flow.loss(dequantised(loader.next(0, 255))), adam.parameters());
      adam.step(optim::clip_by_global_norm(gradients, 1).first);
    }
    const NoGrad no_grad;
    double sum = 0;
    for (index_t step = 0; step < held_out.per_epoch(); ++step)
      sum += static_cast<double>(flow.loss(dequantised(held_out.next(0, 255))).item());
    std::printf("epoch %2d  %.3f bits a pixel\n", epoch, sum / static_cast<double>(held_out.per_epoch()));
    std::fflush(stdout);
  }

  const auto sample = [&](index_t N) { return flow.sample(random_normal<float>({N, pixels}, random)); };
  data::write_pgm("samples.pgm", sample(64), 8);
  if (argc > 3) io::save_npz(argv[3], {{"images", data::image_bytes(sample(count))}});  // for dcgan_mnist evaluate
} catch (const Error& e) {
  std::fprintf(stderr, "%s\n", e.what());
  return 1;
}
