// The networks of the trainer: their sizes, against counts by hand from the definitions.
#include <tinygan/models/networks.hpp>

#include <tinygan/nn/losses.hpp>

#include "support/catch.hpp"
#include "support/temporary.hpp"
#include "support/values.hpp"

using namespace tinygan;
using namespace tinygan::test;

namespace {

struct Count {
  models::Network network;
  index_t generator, generator_statistics, discriminator, discriminator_statistics;
};

index_t elements(const std::vector<Variable<float>>& variables) {
  index_t n = 0;
  for (const auto& v : variables) n += v.size();
  return n;
}

}  // namespace

TEST_CASE("networks have the parameters of their definitions, and map z to images to logits") {
  const index_t dense = 6272;
  // dcgan: TensorFlow's tutorial counts 2,330,944 in G, its 25,472 running statistics included, and 212,865 in D.
  const Count counts[] = {
      {models::Network::dcgan, 100 * 12544 + 2 * 12544 + 25 * 256 * 128 + 2 * 128 + 25 * 128 * 64 + 2 * 64 + 25 * 64,
       2 * (12544 + 128 + 64), 25 * 64 + 64 + 25 * 64 * 128 + 128 + dense + 1, 0},
      {models::Network::article, 101 * dense + (dense + 1) * dense + 2 * (25 * 128 * 128 + 128) + 9 * 128 + 1, 0,
       9 * 128 + 128 + 9 * 128 * 128 + 128 + dense + 1, 0},
      {models::Network::libtorch, 16 * 100 * 256 + 2 * 256 + 9 * 256 * 128 + 2 * 128 + 16 * 128 * 64 + 2 * 64 + 16 * 64,
       2 * (256 + 128 + 64), 16 * 64 + 16 * 64 * 128 + 2 * 128 + 16 * 128 * 256 + 2 * 256 + 9 * 256, 2 * (128 + 256)},
      {models::Network::tinygan, 102 * 512 + 2 * 514 * 512 + 514 * 6272 + 16 * 128 * 64 + 2 * 64 + 16 * 64,
       2 * (3 * 512 + 6272 + 64), 17 * 64 + (16 * 64 + 1) * 128 + (16 * 128 + 1) * 256 + 4096 + 1, 0},
      {models::Network::small, 102 * 256 + 2 * 258 * 256 + 258 * 3136 + 16 * 64 * 64 + 2 * 64 + 16 * 64,
       2 * (3 * 256 + 3136 + 64), 17 * 64 + (16 * 64 + 1) * 64 + (16 * 64 + 1) * 128 + 2048 + 1, 0},
      {models::Network::linear, 101 * 784, 0, 785, 0}};
  for (const Count& c : counts) {
    CAPTURE(models::network_names[static_cast<std::size_t>(c.network)]);
    Generator random(1);
    auto n = models::make_networks<float>(c.network, {}, random);
    CHECK(n.generator.parameter_count() == c.generator);
    CHECK(elements(n.generator.buffers()) == c.generator_statistics);
    CHECK(n.discriminator.parameter_count() == c.discriminator);
    CHECK(elements(n.discriminator.buffers()) == c.discriminator_statistics);
    const NoGrad no_grad;
    const Variable<float> image =
        n.generator(Variable<float>(random_normal<float>({2, models::latent_size}, random)), nn::Pass::infer());
    REQUIRE(image.shape() == Shape{2, 28, 28, 1});
    CHECK(n.generator.output_shape({2, models::latent_size}) == image.shape());
    CHECK(n.discriminator(image, nn::Pass::infer()).shape() == Shape{2, 1});
  }
  CHECK(counts[0].generator + counts[0].generator_statistics == 2330944);
  CHECK(counts[0].discriminator == 212865);
}

TEST_CASE("networks are found by name") {
  for (std::size_t i = 0; i < models::network_names.size(); ++i)
    CHECK(static_cast<std::size_t>(models::network_from_name(models::network_names[i])) == i);
  CHECK(support::error_of([] { models::network_from_name("big"); }) ==
        "network: 'big' is unknown; there are tinygan, small, dcgan, article, libtorch and linear");
}

namespace {

models::Networks<float> with(models::Network network, const models::NetworkOptions& options, std::uint64_t seed = 1) {
  Generator random(seed);
  return models::make_networks<float>(network, options, random);
}

constexpr models::Network every_network[] = {models::Network::tinygan, models::Network::small, models::Network::dcgan,
                                             models::Network::article, models::Network::libtorch};

/// The types of a model's layers.
std::vector<std::string> types(const nn::Sequential<float>& model) {
  std::vector<std::string> list;
  for (const auto& [name, layer] : model.layers()) list.push_back(layer->type());
  return list;
}

/// z to images to logits, of the shapes that are foretold.
void check_shapes(models::Networks<float>& n, const models::NetworkOptions& o) {
  Generator random(2);
  const NoGrad no_grad;
  const Shape z{4, models::latent_size}, image{4, o.size, o.size, o.channels}, logit{4 / o.packing, 1};
  CHECK(n.generator.output_shape(z) == image);
  CHECK(n.discriminator.output_shape(image) == logit);
  const Variable<float> x = n.generator(random_normal<float>(z, random), nn::Pass::train(random));
  REQUIRE(x.shape() == image);
  CHECK(n.discriminator(x, nn::Pass::train(random)).shape() == logit);
}

}  // namespace

TEST_CASE("every option leaves G's weights as they are drawn, and D a discriminator") {
  for (const models::Network network : every_network) {
    CAPTURE(models::network_names[static_cast<std::size_t>(network)]);
    const auto plain = with(network, {});
    for (const models::NetworkOptions& o :
         {models::NetworkOptions{.spectral_norm = true},
          {.minibatch_stddev = 4},
          {.packing = 2},
          {.dropout = 0.4},
          {.discriminator_width = 0.25},
          {.spectral_norm = true, .minibatch_stddev = 2, .packing = 2, .dropout = 0.1, .discriminator_width = 0.5}}) {
      auto n = with(network, o);
      check_shapes(n, o);
      const auto expected = plain.generator.parameters(), found = n.generator.parameters();
      REQUIRE(found.size() == expected.size());
      for (std::size_t i = 0; i < found.size(); ++i) CHECK(same_bits(found[i].value(), expected[i].value()));
    }
  }
}

TEST_CASE("spectral norm divides every kernel of D, and adds no parameter") {
  for (const models::Network network : every_network) {
    CAPTURE(models::network_names[static_cast<std::size_t>(network)]);
    const auto n = with(network, {.spectral_norm = true});
    std::size_t kernels = 0, vectors = 0;
    for (const auto& p : n.discriminator.named_parameters()) kernels += p.name.ends_with(".kernel");
    for (const auto& b : n.discriminator.named_buffers()) vectors += b.name.ends_with(".spectral_norm.u");
    CHECK(kernels >= 3);
    CHECK(vectors == kernels);
    CHECK(n.discriminator.parameter_count() == with(network, {}).discriminator.parameter_count());
  }
}

TEST_CASE("minibatch standard deviation stands before D's last layer; packing before its first") {
  for (const models::Network network : every_network) {
    const std::vector<std::string> list = types(with(network, {.minibatch_stddev = 4, .packing = 3}).discriminator);
    CHECK(list.front() == "pack");
    const auto stddev = std::find(list.begin(), list.end(), "minibatch_stddev");
    REQUIRE(stddev != list.end());
    CHECK(list.end() - stddev == 3);  // and flatten with dense, or with the last convolution
  }
}

TEST_CASE("packing widens D's first layer only; width scales its hidden channels") {
  const auto kernel = [](const models::Networks<float>& n, std::size_t i) {
    std::vector<Shape> kernels;
    for (const auto& p : n.discriminator.named_parameters())
      if (p.name.ends_with(".kernel")) kernels.push_back(p.variable.shape());
    return kernels.at(i);
  };
  const auto packed = with(models::Network::dcgan, {.channels = 3, .packing = 2});
  CHECK(kernel(packed, 0) == Shape{5, 5, 6, 64});
  CHECK(kernel(packed, 1) == Shape{5, 5, 64, 128});
  const auto narrow = with(models::Network::dcgan, {.discriminator_width = 0.25});
  CHECK(kernel(narrow, 0) == Shape{5, 5, 1, 16});
  CHECK(kernel(narrow, 1) == Shape{5, 5, 16, 32});
  CHECK(kernel(narrow, 2) == Shape{49 * 32, 1});
}

TEST_CASE("a rate of dropout replaces the network's own; 0 takes it out") {
  const auto rates = [](models::Network network, double rate) {
    std::vector<std::string> list;
    const auto n = with(network, {.dropout = rate});
    for (const auto& [name, layer] : n.discriminator.layers())
      if (layer->type() == "dropout") list.push_back(layer->details());
    return list;
  };
  using List = std::vector<std::string>;
  CHECK(rates(models::Network::dcgan, -1) == List{"0.3", "0.3"});
  CHECK(rates(models::Network::dcgan, 0.5) == List{"0.5", "0.5"});
  CHECK(rates(models::Network::small, -1).empty());
  CHECK(rates(models::Network::small, 0.5) == List{"0.5"});
  CHECK(rates(models::Network::article, -1).empty());
  CHECK(rates(models::Network::article, 0.5) == List{"0.5", "0.5"});
  CHECK(rates(models::Network::libtorch, 0.5) == List{"0.5", "0.5", "0.5"});
  for (const models::Network network : every_network) CHECK(rates(network, 0).empty());
}

TEST_CASE("tinygan, small, dcgan and linear at 32x32 and 64x64, and images of several channels") {
  for (const models::Network network :
       {models::Network::tinygan, models::Network::small, models::Network::dcgan, models::Network::linear})
    for (const index_t size : {28, 32, 64}) {
      const models::NetworkOptions o{.channels = 3, .size = size};
      auto n = with(network, o);
      check_shapes(n, o);
    }
  for (const models::Network network : {models::Network::article, models::Network::libtorch}) {
    const models::NetworkOptions o{.channels = 3};
    auto n = with(network, o);
    check_shapes(n, o);
  }
}

TEST_CASE("linear: G(z) = sigmoid(z theta1 + theta2), D(x) = x theta3 + theta4") {
  auto n = with(models::Network::linear, {.size = 3});
  const auto g = n.generator.parameters(), d = n.discriminator.parameters();
  REQUIRE(g.size() == 2);
  REQUIRE(d.size() == 2);
  CHECK(n.pixel_low == 0);
  Generator random(4);
  const Variable<float> z = random_normal<float>({5, models::latent_size}, random);
  const Variable<float> x = n.generator(z);
  const Array found = array(x), expected = array(ops::sigmoid(ops::matmul(z, g[0]) + g[1]));
  for (std::size_t i = 0; i < found.size(); ++i) CHECK(std::fabs(found[i] - expected[i]) < 1e-6);
  const Array logit = array(n.discriminator(x)), exact = array(ops::matmul(ops::flatten(x), d[0]) + d[1]);
  for (std::size_t i = 0; i < logit.size(); ++i) CHECK(std::fabs(logit[i] - exact[i]) < 1e-6);
}

TEST_CASE("with virtual batch norm an image depends on its z alone, in training too") {
  for (const models::Network network : {models::Network::dcgan, models::Network::libtorch, models::Network::small}) {
    CAPTURE(models::network_names[static_cast<std::size_t>(network)]);
    const models::NetworkOptions o{.norm = models::Norm::virtual_batch};
    auto n = with(network, o);
    check_shapes(n, o);
    for (const std::string& type : types(n.generator)) CHECK(type != "batch_norm");
    CHECK(n.generator.parameter_count() == with(network, {}).generator.parameter_count());
    Generator random(4);
    const NoGrad no_grad;
    const Tensor<float> z = random_normal<float>({3, models::latent_size}, random);
    const Array together = array(n.generator(z, nn::Pass::train(random)));
    const Array alone = array(n.generator(z.rows(1, 2).clone(), nn::Pass::train(random)));
    double moved = 0, differs = 0;
    for (std::size_t i = 0; i < alone.size(); ++i) {
      moved = std::max(moved, std::fabs(alone[i] - together[alone.size() + i]));
      differs = std::max(differs, std::fabs(alone[i] - together[i]));
    }
    CHECK(moved < 1e-4);
    CHECK(differs > 1e-2);
  }
}

TEST_CASE("conditional networks: images and logits of each class, an error without labels") {
  for (const models::Network network : {models::Network::dcgan, models::Network::article, models::Network::libtorch,
                                        models::Network::small, models::Network::linear})
    for (const models::NetworkOptions& o :
         {models::NetworkOptions{.classes = 10}, {.classes = 3, .spectral_norm = true, .minibatch_stddev = 2}}) {
      CAPTURE(models::network_names[static_cast<std::size_t>(network)]);
      auto n = with(network, o);
      Generator random(4);
      const NoGrad no_grad;
      const Tensor<float> z = random_normal<float>({1, models::latent_size}, random);
      Tensor<float> twice({2, models::latent_size});
      for (index_t i = 0; i < twice.size(); ++i) twice.data()[i] = z.data()[i % z.size()];
      const Tensor<float> labels = nn::one_hot<float>(std::vector<int>{0, 2}, o.classes);
      const nn::Pass pass = nn::Pass::infer().with_labels(Variable<float>(labels));
      CHECK(n.generator.output_shape(twice.shape()) == Shape{2, 28, 28, 1});
      const Variable<float> x = n.generator(twice, pass);
      REQUIRE(x.shape() == Shape{2, 28, 28, 1});
      CHECK_FALSE(same_bits(x.value().rows(0, 1), x.value().rows(1, 2)));  // one z, two classes
      const Variable<float> same = ops::concat<float>({ops::slice(x, 0, 0, 1), ops::slice(x, 0, 0, 1)}, 0);
      const Array logits = array(n.discriminator(same, pass));
      REQUIRE(logits.size() == 2);
      CHECK(logits[0] != logits[1]);  // one image, two classes
      CHECK(support::contains(support::error_of([&] { n.generator(twice); }), "the pass has no labels"));
      CHECK(support::contains(support::error_of([&] { n.discriminator(x); }), "the pass has no labels"));
    }
}

TEST_CASE("hidden layers of ours: so many dense layers of its width in front of the image, 0 too") {
  const index_t last = 2 * 3136 + 16 * 64 * 64 + 2 * 64 + 16 * 64;
  for (const index_t classes : {0, 10})
    for (const index_t hidden : {0, 1, 2, 5}) {
      const auto n = with(models::Network::small, {.classes = classes, .hidden_layers = hidden});
      const index_t z = models::latent_size + classes;
      const index_t dense = hidden == 0 ? z * 3136 : z * 256 + (hidden - 1) * 256 * 256 + hidden * 2 * 256 + 256 * 3136;
      CHECK(n.generator.parameter_count() == dense + last);
    }
  CHECK(with(models::Network::tinygan, {.hidden_layers = 3}).generator.parameter_count() ==
        with(models::Network::tinygan, {}).generator.parameter_count());
  for (const models::Network other :
       {models::Network::dcgan, models::Network::article, models::Network::libtorch, models::Network::linear})
    CHECK(support::contains(support::error_of([&] { with(other, {.hidden_layers = 0}); }),
                            "0 hidden layers in the generator, expected the network's own"));
}

TEST_CASE("a conditional generator of ours has no hidden dense layer, whatever the number of classes") {
  for (const index_t classes : {1, 10}) {
    const auto count = [&](models::Network network) {
      return with(network, {.classes = classes}).generator.parameter_count();
    };
    const index_t z = models::latent_size + classes;
    CHECK(count(models::Network::tinygan) == z * 6272 + 2 * 6272 + 16 * 128 * 64 + 2 * 64 + 16 * 64);
    CHECK(count(models::Network::small) == z * 3136 + 2 * 3136 + 16 * 64 * 64 + 2 * 64 + 16 * 64);
  }
}

TEST_CASE("conditional networks with virtual batch norm have a reference batch with labels") {
  auto n = with(models::Network::small, {.classes = 10, .norm = models::Norm::virtual_batch});
  const auto buffers = n.generator.named_buffers();
  REQUIRE(buffers.size() == 1);
  REQUIRE(buffers[0].variable.shape() == Shape{64, models::latent_size + 10});
  const Array labels = array(ops::slice(buffers[0].variable, 1, models::latent_size, models::latent_size + 10));
  for (std::size_t i = 0; i < labels.size(); ++i) CHECK(labels[i] == (i / 10 % 10 == i % 10 ? 1 : 0));
}

TEST_CASE("options that a network has not are errors that name it") {
  const auto error = [](models::Network network, const models::NetworkOptions& o) {
    return support::error_of([&] { with(network, o); });
  };
  using models::Network;
  CHECK(error(Network::dcgan, {.size = 48}) == "dcgan: images of 48x48, expected 28x28, 32x32 or 64x64");
  CHECK(error(Network::small, {.size = 0}) == "small: images of 0x0, expected at least 1x1");
  CHECK(error(Network::libtorch, {.size = 32}) ==
        "libtorch: images of 32x32, expected 28x28; tinygan, small, dcgan and linear have other sizes");
  CHECK(error(Network::small, {.channels = 0}) == "small: 0 channels, expected at least 1");
  CHECK(error(Network::small, {.minibatch_stddev = 1}) ==
        "small: minibatch standard deviation over groups of 1, expected 0 or at least 2");
  CHECK(error(Network::small, {.packing = 0}) == "small: packs of 0 images, expected at least 1");
  CHECK(error(Network::small, {.dropout = 1}) ==
        "small: dropout 1, expected below 1, or negative for the network's own");
  CHECK(error(Network::small, {.classes = -1}) == "small: -1 classes, expected at least 0");
  CHECK(error(Network::small, {.classes = 10, .packing = 2}) ==
        "small: packs of 2 images in conditional networks, expected 1: images of a pack have a class each");
  CHECK(error(Network::article, {.norm = models::Norm::virtual_batch}) ==
        "article: virtual batch norm, expected none: the generator has no batch norm to replace");
  CHECK(error(Network::linear, {.dropout = 0.5}) ==
        "linear: dropout 0.5, expected none: the discriminator has no hidden layer");
  CHECK(error(Network::linear, {.discriminator_width = 2}) ==
        "linear: discriminator width 2, expected 1: the discriminator has no hidden layer");
  CHECK(error(Network::small, {.discriminator_width = 0}) ==
        "small: discriminator width 0, expected a finite number above 0");
}
