// Trains LeNet, the classifier of `dcgan_mnist evaluate`, on MNIST or a set like it, and stores it in half precision.
//   mnist_classifier FOLDER OUT.safetensors [EPOCHS [SEED]]
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <numbers>

#include <tinygan/models/lenet.hpp>
#include <tinygan/tinygan.hpp>

using namespace tinygan;

constexpr index_t batch_size = 128;

/// The share of `data` that the model reads as labelled.
double accuracy(models::LeNet<float>& model, const data::ImageDataset& data) {
  const NoGrad no_grad;
  const data::DeviceImages images(data, default_generator().device());
  data::Batches batches(data.count, {.batch_size = 500, .last = data::LastBatch::keep, .shuffle = false});
  index_t right = 0;
  for (index_t b = 0; b < batches.per_epoch(); ++b) {
    const std::span<const std::int32_t> batch = batches.next();
    const std::vector<float> logits = model(images.batch<float>(batch, 0, 1)).value().to_vector();
    const auto classes = static_cast<std::ptrdiff_t>(model.classes());
    for (std::size_t i = 0; i < batch.size(); ++i) {
      const auto first = logits.begin() + static_cast<std::ptrdiff_t>(i) * classes;
      const auto best = std::max_element(first, first + classes) - first;
      right += best == data.labels[static_cast<std::size_t>(batch[i])];
    }
  }
  return static_cast<double>(right) / static_cast<double>(data.count);
}

int main(int argc, char** argv) try {
  check(argc >= 3 && argc <= 5, "usage", "mnist_classifier FOLDER OUT.safetensors [EPOCHS [SEED]]");
  const int epochs = argc > 3 ? std::atoi(argv[3]) : 20;
  const std::uint64_t seed = argc > 4 ? std::strtoull(argv[4], nullptr, 10) : 1;
  check(epochs >= 1, "usage", "EPOCHS is '", argv[3], "', expected a number of at least 1");
  const data::ImageDataset train = data::load_mnist(argv[1], data::Split::train),
                           test = data::load_mnist(argv[1], data::Split::test);
  const auto classes = static_cast<index_t>(data::class_counts(train).size());

  Generator random(seed);
  models::LeNet<float> model(classes, random);
  optim::Adam adam(model.parameters(), {.learning_rate = 1e-3, .beta1 = 0.9});
  data::Batches batches(train.count, {.batch_size = batch_size, .seed = seed});
  const data::AugmentOptions augment{.shift = 2, .rotation = 10, .scale = 0.1f};
  const index_t steps = epochs * batches.per_epoch();
  std::vector<std::uint8_t> images(static_cast<std::size_t>(batch_size * train.pixels())), moved(images.size());
  std::vector<std::uint8_t> labels(static_cast<std::size_t>(batch_size));
  double loss_sum = 0;
  for (index_t step = 0; step < steps; ++step) {
    random.next_step();
    std::size_t row = 0;
    for (const std::int32_t i : batches.next()) {
      const std::span<const std::uint8_t> image = train.image(i);
      std::copy(image.begin(), image.end(), images.begin() + static_cast<std::ptrdiff_t>(row * image.size()));
      labels[row++] = train.labels[static_cast<std::size_t>(i)];
    }
    data::augment(std::span<const std::uint8_t>(images), std::span(moved), train.height, train.width, 1, augment, seed,
                  static_cast<std::uint64_t>(step));
    std::vector<float> pixels(moved.size());
    for (std::size_t p = 0; p < pixels.size(); ++p) pixels[p] = static_cast<float>(moved[p]) / 255;
    const auto x = Tensor<float>::from(pixels, {batch_size, train.height, train.width, 1});

    const double progress = static_cast<double>(step) / static_cast<double>(steps);
    adam.set_hyper({.learning_rate = 5e-4 * (1 + std::cos(std::numbers::pi * progress)), .beta1 = 0.9});
    const Variable<float> loss = nn::softmax_cross_entropy(model(x, nn::Pass::train(random)), labels);
    adam.step(grad(loss, adam.parameters()));
    loss_sum += static_cast<double>(loss.value().to_vector()[0]);
    if ((step + 1) % batches.per_epoch() != 0) continue;
    std::printf("epoch %2d  loss %.4f  test accuracy %.4f\n", static_cast<int>((step + 1) / batches.per_epoch()),
                loss_sum / static_cast<double>(batches.per_epoch()), accuracy(model, test));
    std::fflush(stdout);
    loss_sum = 0;
  }

  io::SafetensorsFile file;
  file.metadata = {{"format", "tinygan-classifier-1"}, {"model", "lenet"}, {"classes", std::to_string(classes)}};
  io::add_weights<float>(file, {"", &model});
  io::narrow_to_half(file);
  io::load_weights<float>(file, argv[2], {"", &model});  // rounded, as it will be used
  const double on_train = accuracy(model, train), on_test = accuracy(model, test);
  char number[2][32];
  std::snprintf(number[0], sizeof number[0], "%.4f", on_train);
  std::snprintf(number[1], sizeof number[1], "%.4f", on_test);
  file.metadata["train_accuracy"] = number[0];
  file.metadata["test_accuracy"] = number[1];
  file.metadata["test_labels_md5"] = test.labels_md5;
  io::write_safetensors(argv[2], file);
  std::printf("%s: accuracy %.4f on the training images, %.4f on the test images\n", argv[2], on_train, on_test);
} catch (const Error& e) {
  std::fprintf(stderr, "%s\n", e.what());
  return 1;
}
