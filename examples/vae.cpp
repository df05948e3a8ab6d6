// A variational autoencoder of binarised digits, all of it (Kingma, Welling, "Auto-Encoding Variational Bayes", 2014).
//   g++ -std=c++20 -O2 -I include examples/vae.cpp -pthread
#include <cstdio>
#include <cstdlib>
#include <tinygan/tinygan.hpp>

using namespace tinygan;

constexpr index_t latent = 20, hidden = 400, pixels = 28 * 28;

struct Vae : nn::Module<> {
  nn::Sequential<>&encoder, &decoder;

  Vae()
      : encoder(add_module(
            "encoder", nn::Sequential(nn::Flatten(), nn::Dense(pixels, hidden), nn::SiLU(), nn::Dense(hidden, hidden),
                                      nn::SiLU(), nn::Dense(hidden, 2 * latent)))),
        decoder(add_module("decoder", nn::Sequential(nn::Dense(latent, hidden), nn::SiLU(), nn::Dense(hidden, hidden),
                                                     nn::SiLU(), nn::Dense(hidden, pixels)))) {}

  /// Minus the evidence lower bound in nats, mean over images x(N,28,28,1) of zeros and ones:
  ///   -ln p(x|z) + KL(q(z|x) || N(0,1)),  z ~ q(z|x) = N(mean, variance).
  Variable<float> loss(const Variable<float>& x, Generator& random) {
    const auto N = static_cast<double>(x.shape()[0]);
    const auto q = ops::chunk(encoder(x), 2, 1);
    const Variable<float>&mean = q[0], &log_variance = q[1];
    const Variable<float> noise = random_normal<float>(mean.shape(), random);
    const Variable<float> z = mean + ops::exp(log_variance * 0.5) * noise;
    const Variable<float> divergence = ops::sum(ops::square(mean) + ops::exp(log_variance) - log_variance - 1) * 0.5;
    return (nn::bce_with_logits(decoder(z), ops::flatten(x), nn::Reduction::sum) + divergence) / N;
  }
};

/// Pixels in [0, 1] as probabilities of a one: new binary images each time.
Variable<float> binarised(const Tensor<float>& images, Generator& random) {
  return ops::greater(Variable<float>(images), random_uniform<float>(images.shape(), random, 0, 1));
}

// vae [EPOCHS [MNIST FOLDER [SAMPLES.npz [COUNT]]]]: without a folder, on digits that it draws
int main(int argc, char** argv) try {
  const index_t count = argc > 4 ? std::atoi(argv[4]) : 10000;
  const bool files = argc > 2;
  const data::ImageDataset train = files ? data::load_mnist(argv[2], data::Split::train) : data::stroke_digits(6000, 1),
                           test = files ? data::load_mnist(argv[2], data::Split::test) : data::stroke_digits(1000, 2);
  data::DataLoader loader(train, {.batch_size = 100}), held_out(test, {.batch_size = 500, .shuffle = false});
  Generator random(0);
  Vae vae;
  optim::Adam adam(vae.parameters());

  const int epochs = argc > 1 ? std::atoi(argv[1]) : 10;
  for (int epoch = 1; epoch <= epochs; ++epoch) {
    for (index_t step = 0; step < loader.per_epoch(); ++step) {
      random.next_step();
      adam.step(grad(vae.loss(binarised(loader.next(0, 1), random), random), adam.parameters()));
    }
    const NoGrad no_grad;
    double sum = 0;
    for (index_t step = 0; step < held_out.per_epoch(); ++step)
      sum += static_cast<double>(vae.loss(binarised(held_out.next(0, 1), random), random).item());
    std::printf("epoch %2d  %.2f nats an image\n", epoch, sum / static_cast<double>(held_out.per_epoch()));
    std::fflush(stdout);
  }

  const NoGrad no_grad;
  const auto sample = [&](index_t N) {
    return ops::reshape(ops::sigmoid(vae.decoder(random_normal<float>({N, latent}, random))), {N, 28, 28}).value();
  };
  data::write_pgm("samples.pgm", sample(64), 8);
  if (argc > 3) io::save_npz(argv[3], {{"images", data::image_bytes(sample(count))}});  // for dcgan_mnist evaluate
} catch (const Error& e) {
  std::fprintf(stderr, "%s\n", e.what());
  return 1;
}
