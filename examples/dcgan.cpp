// A DCGAN on MNIST, all of it.   g++ -std=c++20 -O2 -I include examples/dcgan.cpp -pthread
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <tinygan/tinygan.hpp>

using namespace tinygan;

/// Writes images (64,28,28,1) in [-1, 1] as an 8 x 8 grid, in the PGM format.
void write_grid(const Tensor<float>& images, const char* path) {
  const std::vector<float> x = images.to_vector();
  std::ofstream file(path, std::ios::binary);
  file << "P5 224 224 255\n";
  for (std::size_t row = 0; row < 224; ++row)
    for (std::size_t column = 0; column < 224; ++column)
      file.put(static_cast<char>(127.5f * (x[(row / 28 * 8 + column / 28) * 784 + row % 28 * 28 + column % 28] + 1)));
}

int main(int argc, char** argv) try {  // dcgan [STEPS [MNIST FOLDER]]: without a folder, on digits that it draws
  const Device device = cuda_device_count() > 0 ? Device::cuda() : Device::cpu();
  data::DataLoader loader(argc > 2 ? data::load_mnist(argv[2], data::Split::train) : data::stroke_digits(6000, 1),
                          {.batch_size = 128}, device);
  Generator random(0, device);

  const auto normal = nn::Initializer::normal(0, 0.02);  // Radford, Metz, Chintala 2015
  const nn::BatchNormOptions norm{.momentum = 0.9, .activation = Activation::relu};
  nn::Conv2DOptions down{.kernel = 4, .stride = 2, .padding = Padding::same(), .kernel_initializer = normal};
  nn::Conv2DOptions up = down, output = down;
  down.activation = Activation::leaky_relu(0.2);
  up.bias = false;  // batch norm follows
  output.activation = Activation::tanh;
  nn::Sequential generator(  // z (N,100) -> images (N,28,28,1)
      nn::Dense(100, 7 * 7 * 128, {.bias = false, .kernel_initializer = normal}), nn::BatchNorm(7 * 7 * 128, norm),
      nn::Reshape({7, 7, 128}), nn::Conv2DTranspose(128, 64, up), nn::BatchNorm(64, norm),
      nn::Conv2DTranspose(64, 1, output));
  nn::Sequential discriminator(  // images (N,28,28,1) -> logits (N,1)
      nn::Conv2D(1, 64, down), nn::Conv2D(64, 128, down), nn::Flatten(),
      nn::Dense(7 * 7 * 128, 1, {.kernel_initializer = normal}));
  generator.to(device);
  discriminator.to(device);
  optim::Adam g_adam(generator.parameters(), AdamHyper::gan()), d_adam(discriminator.parameters(), AdamHyper::gan());
  runtime::MetricRing losses(2, 100, random.clock());
  const nn::Pass train = nn::Pass::train(random);

  runtime::CapturedStep step(device, [&] {  // on a GPU a CUDA graph from the second step on
    random.next_step();
    const Variable<float> real = loader.next(-1, 1);
    const Variable<float> fake = generator(random_normal<float>({128, 100}, random), train);

    const Variable<float> d_loss = nn::bce_with_logits(discriminator(real, train), 1) +
                                   nn::bce_with_logits(discriminator(fake.detach(), train), 0);
    d_adam.step(grad(d_loss, d_adam.parameters()));

    const Variable<float> g_loss = nn::bce_with_logits(discriminator(fake, train.frozen()), 1);
    g_adam.step(grad(g_loss, g_adam.parameters()));
    losses.record({d_loss.value(), g_loss.value()});
  });

  const int steps = argc > 1 ? std::atoi(argv[1]) : 2000;
  for (int i = 1; i <= steps; ++i) {
    step();
    if (i % 100 != 0 && i != steps) continue;
    const std::vector<float> last = losses.drain().back();
    std::printf("step %5d  D %.3f  G %.3f\n", i, static_cast<double>(last[0]), static_cast<double>(last[1]));
  }
  const NoGrad no_grad;
  write_grid(generator(random_normal<float>({64, 100}, random)).value(), "samples.pgm");
  io::save("generator.safetensors", generator);
} catch (const Error& e) {
  std::fprintf(stderr, "%s\n", e.what());
  return 1;
}
