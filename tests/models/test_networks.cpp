// The networks of the trainer: their sizes, against counts by hand from the definitions.
#include <tinygan/models/networks.hpp>

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
      {models::Network::small, 100 * 3136 + 2 * 3136 + 16 * 64 * 64 + 2 * 64 + 16 * 64, 2 * (3136 + 64),
       16 * 64 + 64 + 16 * 64 * 64 + 64 + 3136 + 1, 0}};
  for (const Count& c : counts) {
    CAPTURE(models::network_names[static_cast<std::size_t>(c.network)]);
    Generator random(1);
    auto n = models::make_networks<float>(c.network, random);
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
        "network: 'big' is unknown; there are dcgan, article, libtorch and small");
}
