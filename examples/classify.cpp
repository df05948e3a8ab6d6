// Uses what classifier.cpp has learnt.   g++ -std=c++20 -O2 -I include examples/classify.cpp -pthread
#include <cstdio>
#include <cstdlib>
#include <tinygan/tinygan.hpp>

using namespace tinygan;

int main(int argc, char** argv) try {  // classify [WEIGHTS [IMAGE [MNIST FOLDER]]]
  const char* const weights = argc > 1 ? argv[1] : "classifier.safetensors";
  const index_t at = argc > 2 ? std::atol(argv[2]) : 0;
  const data::ImageDataset digits =
      argc > 3 ? data::load_mnist(argv[3], data::Split::test) : data::stroke_digits(1000, 2);

  const nn::Conv2DOptions conv{.kernel = 5, .padding = Padding::same(), .activation = Activation::relu};
  nn::Sequential model(  // images (N,28,28,1) -> logits (N,10)
      nn::Conv2D(1, 16, conv), nn::MaxPool2D(2), nn::Conv2D(16, 32, conv), nn::MaxPool2D(2), nn::Flatten(),
      nn::Dense(7 * 7 * 32, 128, {.activation = Activation::relu}), nn::Dropout(0.5), nn::Dense(128, 10));
  io::load(weights, model);

  const std::span<const std::uint8_t> image = digits.image(at);
  Tensor<float> x({1, 28, 28, 1});
  for (index_t i = 0; i < x.size(); ++i) {
    const float grey = static_cast<float>(image[static_cast<std::size_t>(i)]) / 255;
    x.data()[i] = grey;
    std::printf("%c%s", " .:oO@"[static_cast<int>(grey * 5)], i % 28 == 27 ? "\n" : "");
  }
  const NoGrad no_grad;
  const std::vector<float> probability = ops::softmax(model(x), -1).value().to_vector();
  for (std::size_t digit = 0; digit < probability.size(); ++digit)
    std::printf("%zu  %5.1f %%\n", digit, 100 * static_cast<double>(probability[digit]));
} catch (const Error& e) {
  std::fprintf(stderr, "%s\n", e.what());
  return 1;
}
