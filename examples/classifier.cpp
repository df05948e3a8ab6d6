// A classifier of MNIST's digits, all of it.   g++ -std=c++20 -O2 -I include examples/classifier.cpp -pthread
#include <cstdio>
#include <cstdlib>
#include <tinygan/tinygan.hpp>

using namespace tinygan;

int main(int argc, char** argv) try {  // classifier [EPOCHS [MNIST FOLDER]]: without a folder, on digits that it draws
  const Device device = cuda_device_count() > 0 ? Device::cuda() : Device::cpu();
  const bool files = argc > 2;
  const data::ImageDataset train = files ? data::load_mnist(argv[2], data::Split::train) : data::stroke_digits(6000, 1),
                           test = files ? data::load_mnist(argv[2], data::Split::test) : data::stroke_digits(1000, 2);
  data::DataLoader loader(train, {.batch_size = 64}, device);
  Generator random(0, device);

  const nn::Conv2DOptions conv{.kernel = 5,
                               .padding = Padding::same(),
                               .activation = Activation::relu,
                               .kernel_initializer = nn::Initializer::he_normal()};
  nn::Sequential model(  // images (N,28,28,1) -> logits (N,10)
      nn::Conv2D(1, 16, conv), nn::MaxPool2D(2), nn::Conv2D(16, 32, conv), nn::MaxPool2D(2), nn::Flatten(),
      nn::Dense(7 * 7 * 32, 128, {.activation = Activation::relu}), nn::Dropout(0.5), nn::Dense(128, 10));
  model.to(device);
  std::printf("%s\n", nn::summary(model, {64, 28, 28, 1}).c_str());
  optim::Adam adam(model.parameters());

  const auto accuracy = [&] {
    const NoGrad no_grad;
    const data::DeviceImages images(test, device);
    data::Batches batches(test.count, {.batch_size = 500, .shuffle = false});
    double sum = 0;
    for (index_t b = 0; b < batches.per_epoch(); ++b) {
      const std::span<const std::int32_t> batch = batches.next();
      const auto first = test.labels.begin() + batch.front();  // in order, as they are not shuffled
      sum += nn::accuracy(model(images.batch<float>(batch, 0, 1)), std::vector(first, first + 500));
    }
    return sum / static_cast<double>(batches.per_epoch());
  };

  const int epochs = argc > 1 ? std::atoi(argv[1]) : 5;
  for (int epoch = 1; epoch <= epochs; ++epoch) {
    for (index_t step = 0; step < loader.per_epoch(); ++step) {
      random.next_step();
      const Variable<float> images = loader.next(0, 1);
      const Variable<float> loss = nn::softmax_cross_entropy(model(images, nn::Pass::train(random)), loader.labels());
      adam.step(grad(loss, adam.parameters()));
    }
    std::printf("epoch %d  test accuracy %.4f\n", epoch, accuracy());
  }
  io::save("classifier.safetensors", model);
} catch (const Error& e) {
  std::fprintf(stderr, "%s\n", e.what());
  return 1;
}
