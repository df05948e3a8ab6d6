// A Wasserstein GAN with gradient penalty, all of it (Gulrajani et al., "Improved Training of Wasserstein GANs", 2017).
//   g++ -std=c++20 -O2 -I include examples/wgan_gp.cpp -pthread
#include <cstdio>
#include <cstdlib>
#include <tinygan/tinygan.hpp>

using namespace tinygan;

constexpr index_t batch = 64, latent = 64;
constexpr int critic_steps = 5, shown = 50;
constexpr double penalty_weight = 10;

// wgan_gp [STEPS [MNIST FOLDER [SAMPLES.npz [COUNT]]]]: without a folder, on digits that it draws
int main(int argc, char** argv) try {
  const index_t count = argc > 4 ? std::atoi(argv[4]) : 10000;
  const int steps = argc > 1 ? std::atoi(argv[1]) : 1000;
  data::DataLoader loader(argc > 2 ? data::load_mnist(argv[2], data::Split::train) : data::stroke_digits(6000, 1),
                          {.batch_size = batch});
  Generator random(0);

  const nn::BatchNormOptions norm{.momentum = 0.9, .activation = Activation::relu};
  nn::Conv2DOptions down{.kernel = 4, .stride = 2, .padding = Padding::same()};
  nn::Conv2DOptions up = down, output = down;
  down.activation = Activation::leaky_relu(0.2);
  up.bias = false;  // batch norm follows
  output.activation = Activation::tanh;
  nn::Sequential generator(  // z (N,64) -> images (N,28,28,1)
      nn::Dense(latent, 256, {.bias = false}), nn::BatchNorm(256, norm), nn::Dense(256, 7 * 7 * 64, {.bias = false}),
      nn::BatchNorm(7 * 7 * 64, norm), nn::Reshape({7, 7, 64}), nn::Conv2DTranspose(64, 32, up),
      nn::BatchNorm(32, norm), nn::Conv2DTranspose(32, 1, output));
  nn::Sequential critic(  // images (N,28,28,1) -> values (N,1); no batch norm, as the penalty is per image
      nn::Conv2D(1, 32, down), nn::Conv2D(32, 64, down), nn::Conv2D(64, 128, down), nn::Flatten(),
      nn::Dense(4 * 4 * 128, 1));

  const auto hyper = [](double updates) {
    return AdamHyper{.learning_rate = 5e-4,
                     .beta1 = 0,
                     .beta2 = 0.9,
                     .schedule = optim::linear_schedule({.begin = updates / 2, .end = updates})};
  };
  optim::Adam g_adam(generator.parameters(), hyper(steps)), c_adam(critic.parameters(), hyper(critic_steps * steps));
  const nn::Pass train = nn::Pass::train(random);
  const auto draw = [&](index_t N) { return random_normal<float>({N, latent}, random); };

  double distance = 0;
  for (int step = 1; step <= steps; ++step) {
    for (int i = 0; i < critic_steps; ++i) {
      random.next_step();
      const Tensor<float> real = loader.next(-1, 1);
      Tensor<float> fake;
      {
        const NoGrad no_grad;
        fake = generator(draw(batch), train.frozen()).value();
      }
      // The critic's mean over real images minus that over generated ones is an estimate of the Wasserstein distance.
      const Variable<float> difference = ops::mean(critic(real)) - ops::mean(critic(fake));
      const Variable<float> penalty =
          gan::gradient_penalty([&](const Variable<float>& x) { return critic(x); }, real, fake, random);
      c_adam.step(grad(penalty_weight * penalty - difference, c_adam.parameters()));
      distance += static_cast<double>(difference.item());
    }
    random.next_step();
    const Variable<float> loss = -ops::mean(critic(generator(draw(batch), train)));
    g_adam.step(grad(loss, g_adam.parameters()));
    if (step % shown != 0 && step != steps) continue;
    const int terms = critic_steps * ((step - 1) % shown + 1);
    std::printf("step %5d  Wasserstein distance %.3f\n", step, distance / terms);
    std::fflush(stdout);
    distance = 0;
  }

  const NoGrad no_grad;
  data::write_pgm("samples.pgm", generator(draw(64)).value(), 8, -1, 1);
  if (argc > 3)  // for dcgan_mnist evaluate
    io::save_npz(argv[3], {{"images", data::image_bytes(generator(draw(count)).value(), -1, 1)}});
} catch (const Error& e) {
  std::fprintf(stderr, "%s\n", e.what());
  return 1;
}
