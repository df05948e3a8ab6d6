// Summaries of models: the table, and what it counts.
#include <sstream>
#include <string>

#include <tinygan/models/lenet.hpp>
#include <tinygan/nn/activations.hpp>
#include <tinygan/nn/conditional.hpp>
#include <tinygan/nn/conv2d.hpp>
#include <tinygan/nn/dense.hpp>
#include <tinygan/nn/normalisation.hpp>
#include <tinygan/nn/reshape.hpp>
#include <tinygan/nn/sequential.hpp>
#include <tinygan/nn/summary.hpp>

#include "support/catch.hpp"
#include "support/temporary.hpp"
#include "support/values.hpp"

using namespace tinygan;
using namespace tinygan::test;
using support::error_of;

TEST_CASE("the summary of LeNet, word by word") {
  const models::LeNet<float> lenet;
  const char* const expected =
      R"(layer                                                          output shape        parameters     forward     saved
features.conv2d        5x5, relu                               (64, 28, 28, 32)           832  73.5 MFLOP  6.12 MiB
features.max_pool2d                                            (64, 14, 14, 32)             0  1.61 MFLOP  3.06 MiB
features.conv2d_1      5x5, relu                               (64, 14, 14, 64)         51264  1.07 GFLOP  3.06 MiB
features.max_pool2d_1                                          (64, 7, 7, 64)               0   803 kFLOP  1.53 MiB
features.flatten                                               (64, 3136)                   0      0 FLOP       0 B
features.dense         relu                                    (64, 128)               401536  51.4 MFLOP  32.0 KiB
head.dropout           0.5                                     (64, 128)                    0      0 FLOP       0 B
head.dense                                                     (64, 10)                  1290   164 kFLOP  2.50 KiB
total                                                                                  454922  1.20 GFLOP  13.8 MiB
training with Adam: parameters 1.74 MiB, gradients 1.74 MiB, moments 3.47 MiB, input and saved 14.0 MiB; 20.9 MiB
)";
  CHECK(nn::summary(lenet, {64, 28, 28, 1}) == expected);
}

TEST_CASE("columns of a summary grow with what is in them, and stay apart") {
  const nn::Sequential model(nn::Conv2D(1, 8,
                                        {.kernel = 4,
                                         .stride = 2,
                                         .padding = Padding::same(),
                                         .activation = Activation::leaky_relu(0.2),
                                         .spectral_norm = true}));
  CHECK(nn::summary(model, {4, 28, 28, 1}).find("leaky_relu 0.2, spectral norm  (4, 14, 14, 8)  ") !=
        std::string::npos);
}

TEST_CASE("a summary counts what each layer multiplies, and the memory of training") {
  Generator random;
  nn::Sequential<float> model(nn::Dense<float>(3, 12, {.activation = Activation::relu}, random),
                              nn::Reshape<float>({2, 2, 3}),
                              nn::Conv2D<float>(3, 5, {.stride = 2, .padding = Padding::same()}, random));
  const nn::ModelSummary s = nn::summarise(model, {7, 3});
  REQUIRE(s.layers.size() == 3);
  CHECK(s.layers[0].name == "dense");
  CHECK(s.layers[0].details == "relu");
  CHECK(s.layers[2].details == "3x3, stride 2");
  CHECK(s.layers[0].output == Shape{7, 12});
  CHECK(s.layers[2].output == Shape{7, 1, 1, 5});
  CHECK(s.layers[0].flops == 2 * 7 * 3 * 12);
  CHECK(s.layers[1].flops == 0);
  CHECK(s.layers[2].flops == 2 * 7 * (2 * 2) * 3 * 5);  // of 3x3 taps 2x2 touch data
  CHECK(s.flops == s.layers[0].flops + s.layers[2].flops);
  CHECK(s.layers[0].saved_bytes == 512);  // 7 x 12 floats, in blocks of 256 bytes
  CHECK(s.layers[1].saved_bytes == 0);    // a view
  CHECK(s.parameters == 48 + 140);
  CHECK(s.parameter_bytes == 4 * 188);
  CHECK(s.gradient_bytes == 4 * 188);
  CHECK(s.moment_bytes == 8 * 188);
  CHECK(s.training_bytes() == 16 * 188 + 7 * 3 * 4 + s.saved_bytes);
}

TEST_CASE("a bfloat16 model's summary has its master weights, and counts on a device without such kernels") {
  const nn::Sequential<bfloat16> model(nn::Dense<bfloat16>(3, 4));
  const nn::ModelSummary s = nn::summarise(model, {2, 3});
  CHECK(s.layers[0].flops == 2 * 2 * 3 * 4);
  CHECK(s.parameter_bytes == 16 * 6);
  CHECK(s.gradient_bytes == 16 * 2);
  CHECK(s.moment_bytes == 16 * 8);
}

TEST_CASE("a summary leaves the model, and the numbers that others draw, as they were") {
  Generator random(1);
  nn::Sequential<float> model(nn::Dense<float>(3, 4, {.spectral_norm = true}, random), nn::BatchNorm<float>(4));
  const Variable<float> x = random_tensor<float>({5, 3}, 1);
  const Tensor<float> before = model(x).value().clone();
  const std::uint64_t version = model.buffers()[0].value().version();
  nn::summarise(model, {5, 3});
  CHECK(model.buffers()[0].value().version() == version);
  CHECK(same_bits(model(x).value(), before));
  CHECK(&kernels<float>(Device::cpu()) == &cpu::kernel_table<float>());
}

TEST_CASE("what a model refuses, its summary refuses") {
  const nn::Sequential<float> model(nn::Dense<float>(3, 4));
  CHECK(error_of([&] { nn::summary(model, {2, 5}); }) == "dense: input (2, 5), expected (.., 3)");
  const nn::Sequential<float> conditional(nn::AddLabels<float>(10), nn::Dense<float>(13, 1));
  CHECK(error_of([&] {
          nn::summary(conditional, {2, 3});
        }) == "add_labels: the pass has no labels, expected one-hot rows (2, 10)");
  const nn::Pass labels = nn::Pass::infer().with_labels(Variable<float>(Tensor<float>::zeros({2, 10})));
  CHECK(nn::summarise(conditional, {2, 3}, labels).layers[1].flops == 2 * 2 * 13);
}
