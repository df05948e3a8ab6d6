// The mistakes of the article's sample (docs/dcgan.md), each with the test that keeps tinygan from making it.
#include <tinygan/data/batches.hpp>
#include <tinygan/data/device_images.hpp>
#include <tinygan/data/strokes.hpp>
#include <tinygan/eval/class_statistics.hpp>
#include <tinygan/eval/frechet.hpp>
#include <tinygan/eval/neighbours.hpp>
#include <tinygan/gan/step.hpp>

#include "models/tiny_networks.hpp"
#include "support/catch.hpp"
#include "support/temporary.hpp"

using namespace tinygan;
using namespace tinygan::test;
using V = Variable<float>;

namespace {

constexpr double eps = std::numeric_limits<float>::epsilon();

double softplus(double x) { return std::log1p(std::exp(x)); }

/// mean softplus(sign * logit).
double mean_softplus(const V& logits, double sign) {
  double sum = 0;
  for (double x : array(logits)) sum += softplus(sign * x);
  return sum / static_cast<double>(logits.size());
}

const AdamHyper defaults = AdamHyper::gan();
const AdamHyper standing{.learning_rate = 0, .beta1 = 0.5};

/// One step on tiny networks of seed 1, with these two optimisers.
struct Outcome {
  models::Networks<float> networks = tiny_networks(1);
  gan::StepMetrics<Tensor<float>> report;
  std::uint64_t g_steps = 0, d_steps = 0;

  Outcome(const AdamHyper& g, const AdamHyper& d) {
    gan::AdversarialStep<float> step(networks, g, d);
    Generator random(5);
    report = step(tiny_images(1), random);
    g_steps = step.generator_optimiser().steps();
    d_steps = step.discriminator_optimiser().steps();
  }
};

/// Networks as they start, and what the step's first half computes from them, pass by pass.
struct ByHand {
  models::Networks<float> networks = tiny_networks(1);
  Generator random{5};
  V z = random_normal<float>({8, models::latent_size}, random);
  V fake = networks.generator(z, nn::Pass::train(random));
  V real_logits = networks.discriminator(V(tiny_images(1)), nn::Pass::train(random));
  V fake_logits = networks.discriminator(fake.detach(), nn::Pass::train(random));
};

/// Names of layers with what they do, e.g. "conv2d 5x5, stride 2, leaky_relu 0.3".
std::vector<std::string> layer_list(const nn::Layer<float>& model) {
  std::vector<std::string> list;
  for (const auto& [name, layer] : model.layers()) list.push_back(layer->type() + " " + layer->details());
  return list;
}

}  // namespace

TEST_CASE("mistake 1, noise as real images: an epoch of batches has the data's mean and variance") {
  const data::ImageDataset digits = data::stroke_digits(96, 1);
  const data::DeviceImages images(digits);
  data::Batches batches(digits.count, {.batch_size = 32});
  double sum = 0, squares = 0;
  for (index_t i = 0; i < batches.per_epoch(); ++i)
    for (double p : array(images.batch<float>(batches.next(), 0, 1))) sum += p, squares += p * p;
  const double n = static_cast<double>(digits.count * digits.pixels());
  const data::PixelStatistics expected = data::pixel_statistics(digits);
  CHECK(std::fabs(sum / n - expected.mean) <= 2 * eps);
  CHECK(std::fabs(squares / n - sum / n * sum / n - expected.variance) <= 8 * eps);
}

TEST_CASE("mistake 2, D never trained: every step updates D once, and D tells real from fake after 50") {
  models::Networks<float> networks = tiny_networks(1);
  gan::AdversarialStep<float> step(networks, {.learning_rate = 1e-4, .beta1 = 0.5},
                                   {.learning_rate = 1e-3, .beta1 = 0.5});
  Generator random(5);
  const auto before = snapshot(networks.discriminator.parameters());
  step(tiny_images(0), random);
  const auto after = snapshot(networks.discriminator.parameters());
  for (std::size_t i = 0; i < before.size(); ++i) CHECK_FALSE(same_bits(before[i], after[i]));
  gan::StepMetrics<Tensor<float>> report;
  for (unsigned i = 1; i < 50; ++i) {
    random.next_step();
    report = step(tiny_images(i), random);
  }
  CHECK(step.discriminator_optimiser().steps() == 50);
  CHECK(report.d_real.item() > 0.6f);
  CHECK(report.d_fake.item() < 0.4f);
}

TEST_CASE("mistake 3, fakes labelled 1 for D: its loss is softplus(-D(x)) + softplus(D(G(z)))") {
  const V logits(Tensor<float>::from({2, -1}, {2, 1}), true);
  const V real = gan::real_loss(logits), fake = gan::fake_loss(logits);
  CHECK(std::fabs(static_cast<double>(real.item()) - (softplus(-2) + softplus(1)) / 2) <= 4 * eps);
  CHECK(std::fabs(static_cast<double>(fake.item()) - (softplus(2) + softplus(-1)) / 2) <= 4 * eps);
  for (double slope : array(grad(fake, {logits})[0])) CHECK(slope > 0);  // descent lowers the logit of a fake
  for (double slope : array(grad(real, {logits})[0])) CHECK(slope < 0);

  const ByHand hand;
  const double expected = mean_softplus(hand.real_logits, -1) + mean_softplus(hand.fake_logits, 1);
  CHECK(std::fabs(static_cast<double>(Outcome(defaults, defaults).report.loss_d.item()) - expected) <=
        16 * eps * expected);
}

TEST_CASE("mistake 4, networks not apart: G's step leaves D bit for bit, D's step leaves G") {
  models::Networks<float> fresh = tiny_networks(1);
  const Outcome only_g(defaults, standing), only_d(standing, defaults);
  const auto parameters = [](const nn::Sequential<float>& model) { return snapshot(model.parameters()); };
  CHECK(same_bits(parameters(only_g.networks.discriminator), parameters(fresh.discriminator)));
  CHECK_FALSE(same_bits(parameters(only_g.networks.generator), parameters(fresh.generator)));
  CHECK(same_bits(parameters(only_d.networks.generator), parameters(fresh.generator)));
  CHECK_FALSE(same_bits(parameters(only_d.networks.discriminator), parameters(fresh.discriminator)));
}

TEST_CASE("mistake 4, running statistics: only a network's own passes move them") {
  // By hand G ran once, and D once on real and once on fake images; the step's other pass of D is G's, and leaves no
  // trace.
  const ByHand hand;
  const Outcome whole(defaults, defaults);
  CHECK(same_bits(snapshot(whole.networks.generator.buffers()), snapshot(hand.networks.generator.buffers())));
  CHECK(same_bits(snapshot(whole.networks.discriminator.buffers()), snapshot(hand.networks.discriminator.buffers())));
  CHECK_FALSE(
      same_bits(snapshot(whole.networks.discriminator.buffers()), snapshot(tiny_networks(1).discriminator.buffers())));
}

TEST_CASE("mistake 5, gradient into G in D's step: it is exactly zero") {
  ByHand hand;
  CHECK_FALSE(hand.fake.detach().requires_grad());
  const V loss = gan::real_loss(hand.real_logits) + gan::fake_loss(hand.fake_logits);
  for (const V& g : grad(loss, hand.networks.generator.parameters(), {.retain_graph = true}))
    for (double v : array(g)) REQUIRE(v == 0);
  for (const V& g : grad(loss, hand.networks.discriminator.parameters())) {  // while D's is there
    double size = 0;
    for (double v : array(g)) size += std::fabs(v);
    CHECK(size > 0);
  }
}

TEST_CASE("mistake 6, G trained with label 0: its gradient does not vanish at D(G(z)) = 1e-6") {
  const auto logit = static_cast<float>(std::log(1e-6 / (1 - 1e-6)));
  const V logits(Tensor<float>::full({4, 1}, logit), true);
  for (double slope : array(grad(gan::generator_loss(logits), {logits})[0]))
    CHECK(std::fabs(slope + (1 - 1e-6) / 4) <= 8 * eps);  // of log(1 - D) it would be -1e-6 / 4
}

TEST_CASE("mistake 7, one Adam for both: each network has its own state, and AdamHyper::gan() is DCGAN's") {
  CHECK((defaults.learning_rate == 2e-4 && defaults.beta1 == 0.5));
  models::Networks<float> networks = tiny_networks(1);
  gan::AdversarialStep<float> step(networks, defaults, defaults);
  Generator random(5);
  step(tiny_images(1), random);
  optim::Adam<float>&g = step.generator_optimiser(), &d = step.discriminator_optimiser();
  CHECK((g.steps() == 1 && d.steps() == 1));
  REQUIRE(g.first_moments().size() == networks.generator.parameters().size());
  REQUIRE(d.first_moments().size() == networks.discriminator.parameters().size());
  for (const V& p : g.parameters())
    for (const V& q : d.parameters()) CHECK_FALSE(p.value().shares_storage(q.value()));
  for (const Tensor<float>& p : g.first_moments())
    for (const Tensor<float>& q : d.first_moments()) CHECK_FALSE(p.shares_storage(q));
}

TEST_CASE("mistake 8, LeakyReLU behind ReLU: negative inputs of D's layers pass 0.2 or 0.3 of the gradient") {
  Generator random(1);
  nn::Conv2D<float> layer(1, 1, {.kernel = 1, .activation = Activation::leaky_relu(0.3)}, random);
  layer.kernel().set_value(Tensor<float>::full({1, 1, 1, 1}, 1.0f));
  const V x(Tensor<float>::from({-2, 2}, {1, 1, 2, 1}), true);
  CHECK(array(grad(ops::sum(layer(x, nn::Pass::infer())), {x})[0]) == Array{static_cast<double>(0.3f), 1});
  for (models::Network network :
       {models::Network::tinygan, models::Network::small, models::Network::dcgan, models::Network::libtorch})
    for (const std::string& l : layer_list(models::make_networks<float>(network, {}, random).discriminator)) {
      INFO(l);
      CHECK_FALSE((support::contains(l, "relu") && !support::contains(l, "leaky_relu")));
    }
}

TEST_CASE("mistake 9, Reshape forgotten: every network maps z to images and images to logits") {
  Generator random(1);
  for (models::Network network :
       {models::Network::tinygan, models::Network::small, models::Network::dcgan, models::Network::libtorch}) {
    const auto n = models::make_networks<float>(network, {}, random);
    CHECK(n.generator.output_shape({3, models::latent_size}) == Shape{3, 28, 28, 1});
    CHECK(n.discriminator.output_shape({3, 28, 28, 1}) == Shape{3, 1});
  }
  CHECK(support::error_of([] {
          nn::Reshape<float>({7, 7, 64}).output_shape({2, 3135});
        }) == "reshape: input (2, 3135), expected 3136 elements per sample for (7, 7, 64)");
}

TEST_CASE("mistake 10, sigmoid against data in [-1, 1]: G reaches both ends of the data's range, and not beyond") {
  Generator random(1);
  for (models::Network network : {models::Network::tinygan, models::Network::small, models::Network::dcgan,
                                  models::Network::article, models::Network::libtorch}) {
    auto n = models::make_networks<float>(network, {}, random);
    CAPTURE(models::network_names[static_cast<std::size_t>(network)]);
    const auto parameters = n.generator.named_parameters();
    const auto last =
        std::find_if(parameters.rbegin(), parameters.rend(), [](const auto& p) { return p.name.ends_with("kernel"); });
    last->variable.set_value((last->variable.detach() * 1e6f).value());  // drives the last activation to its limits
    const NoGrad no_grad;
    const Array image =
        array(n.generator(V(random_normal<float>({2, models::latent_size}, random)), nn::Pass::train(random)));
    CHECK(*std::min_element(image.begin(), image.end()) == n.pixel_low);
    CHECK(*std::max_element(image.begin(), image.end()) == n.pixel_high);
  }
  const data::DeviceImages pixels(data::stroke_digits(8, 1));
  const std::vector<std::int32_t> all{0, 1, 2, 3, 4, 5, 6, 7};
  const Array real = array(pixels.batch<float>(all, -1, 1));
  CHECK(*std::min_element(real.begin(), real.end()) == -1);
  CHECK(std::fabs(*std::max_element(real.begin(), real.end()) - 1) <= 2 * eps);
}

TEST_CASE("mistake 11, batch size as the number of steps: an epoch has images/batch of them") {
  CHECK(data::Batches(60000, {.batch_size = 128}).per_epoch() == 468);
  CHECK(data::Batches(60000, {.batch_size = 128, .last = data::LastBatch::keep}).per_epoch() == 469);
}

TEST_CASE("mistake 12, batch norm everywhere: not on G's output nor D's input, and no bias in front of it") {
  Generator random(1);
  for (models::Network network :
       {models::Network::tinygan, models::Network::small, models::Network::dcgan, models::Network::libtorch}) {
    const auto n = models::make_networks<float>(network, {}, random);
    CAPTURE(models::network_names[static_cast<std::size_t>(network)]);
    int in_generator = 0, in_discriminator = 0;
    for (const auto* model : {&n.generator, &n.discriminator}) {
      const auto layers = model->layers();
      for (std::size_t i = 0; i < layers.size(); ++i) {
        if (layers[i].second->type() != "batch_norm") continue;
        ++(model == &n.generator ? in_generator : in_discriminator);
        REQUIRE(i > 0);
        CHECK(layers[i - 1].second->named_parameters().size() == 1);  // a kernel alone
        CHECK(layers[i - 1].second->details().find("relu") == std::string::npos);
      }
    }
    const auto g = layer_list(n.generator), d = layer_list(n.discriminator);
    CHECK(in_generator == (network == models::Network::tinygan || network == models::Network::small ? 5 : 3));
    CHECK(in_discriminator == (network == models::Network::libtorch ? 2 : 0));
    CHECK(support::contains(g.back(), "conv2d_transpose"));
    CHECK(support::contains(g.back(), "tanh"));
    CHECK(support::contains(d.front(), "conv2d"));
    CHECK_FALSE(support::contains(d[1], "batch_norm"));
  }
}

TEST_CASE("mistake 13, batch norm's mode left to chance: one z gives one image at inference, whatever its batch") {
  Generator random(1);
  for (models::Network network : {models::Network::libtorch, models::Network::small}) {
    auto n = models::make_networks<float>(network, {}, random);
    const NoGrad no_grad;
    const Tensor<float> z = random_normal<float>({4, models::latent_size}, random);
    n.generator(V(z), nn::Pass::train(random));  // statistics of some batch
    const auto largest_change = [&](const nn::Pass& pass) {
      const Array together = array(n.generator(V(z), pass).value().rows(1, 3));
      const Array apart = array(n.generator(V(z.rows(1, 3).clone()), pass));
      double most = 0;
      for (std::size_t i = 0; i < apart.size(); ++i) most = std::max(most, std::fabs(apart[i] - together[i]));
      return most;
    };
    // Sums of at most 4096 products may be taken in another order; training statistics change much more.
    CHECK(largest_change(nn::Pass::infer()) <= 4096 * eps);
    CHECK(largest_change(nn::Pass::train(random).frozen()) > 10 * 4096 * eps);
  }
}

TEST_CASE("mistake 14, cross entropy of probabilities: losses and gradients are finite at logits of +-100") {
  const V logits(Tensor<float>::from({-100, 100}, {2, 1}), true);
  for (const V& loss : {gan::real_loss(logits), gan::fake_loss(logits), gan::generator_loss(logits)}) {
    CHECK(std::fabs(static_cast<double>(loss.item()) - 50) <= 100 * eps);
    for (double slope : array(grad(loss, {logits})[0])) CHECK(std::isfinite(slope));
  }
  Generator random(1);
  for (models::Network network :
       {models::Network::tinygan, models::Network::small, models::Network::dcgan, models::Network::libtorch})
    for (const std::string& l : layer_list(models::make_networks<float>(network, {}, random).discriminator))
      CHECK_FALSE(support::contains(l, "sigmoid"));
}

TEST_CASE("mistake 15, checkerboards: a kernel that the stride divides maps a constant to a constant") {
  const auto interior = [](index_t kernel) {
    const V x(Tensor<float>::full({1, 6, 6, 1}, 1.0f)), w(Tensor<float>::full({kernel, kernel, 1, 1}, 1.0f));
    const Tensor<float> y = ops::conv2d_transpose(x, w, {2, 2, Padding::same()}).value();
    std::vector<double> values;
    for (index_t h = 3; h < 9; ++h)
      for (index_t c = 3; c < 9; ++c) values.push_back(static_cast<double>(y.data()[h * 12 + c]));
    return values;
  };
  const auto even = interior(4), odd = interior(5);
  CHECK(std::count(even.begin(), even.end(), even[0]) == 36);
  CHECK(std::count(odd.begin(), odd.end(), odd[0]) < 36);

  Generator random(1);
  const auto n = models::make_networks<float>(models::Network::small, {}, random);
  for (const auto* model : {&n.generator, &n.discriminator})
    for (const std::string& l : layer_list(*model)) {
      INFO(l);
      CHECK_FALSE(support::contains(l, "pool"));
      if (support::contains(l, "stride")) CHECK(support::contains(l, "4x4, stride 2"));
    }
}

TEST_CASE("mistake 17, another z for the pictures: the step draws normal(0, 1) of (N, 100), as anybody can") {
  // ByHand draws z by random_normal; that it meets the step's own images to the bit shows that the step does the same.
  const ByHand hand;
  const Outcome whole(standing, standing);
  CHECK(same_bits(snapshot(whole.networks.generator.buffers()), snapshot(hand.networks.generator.buffers())));
  const double expected = mean_softplus(hand.fake_logits, 1) + mean_softplus(hand.real_logits, -1);
  CHECK(std::fabs(static_cast<double>(whole.report.loss_d.item()) - expected) <= 16 * eps * expected);
}

TEST_CASE("mistake 18, an accuracy for the quality: one image of each class passes it, and no distance from the data") {
  // Features of ten classes, far from each other; the generator repeats one real sample of each.
  const index_t d = 8, classes = 10, count = 500;
  std::vector<float> real, held_out, repeated, logits;
  Generator random(1);
  const Array noise = array(random_normal<float>({2 * count, d}, random));
  for (index_t i = 0; i < count; ++i) {
    const index_t c = i % classes;
    for (index_t k = 0; k < d; ++k) {
      const auto at = static_cast<std::size_t>(i * d + k), same = static_cast<std::size_t>(c * d + k);
      const double centre = 10 * std::cos(static_cast<double>((c + 1) * (k + 1)));
      real.push_back(static_cast<float>(centre + noise[at]));
      held_out.push_back(static_cast<float>(centre + noise[static_cast<std::size_t>(count * d) + at]));
      repeated.push_back(static_cast<float>(centre + noise[same]));
    }
    for (index_t k = 0; k < classes; ++k) logits.push_back(k == c ? 20.0f : 0.0f);
  }
  CHECK(eval::class_statistics(logits, classes).score > 9.99);  // every image is classified, and surely
  const auto distance = [&](const std::vector<float>& x) {
    return eval::frechet_distance(eval::gaussian_statistics(x, d), eval::gaussian_statistics(real, d));
  };
  CHECK(distance(repeated) > 10 * distance(held_out));
  const eval::Spread good = eval::spread(real, held_out, d), bad = eval::spread(real, repeated, d);
  CHECK(bad.precision == 1);
  CHECK(good.coverage > 0.9);
  CHECK(bad.coverage < 0.2);
  CHECK(bad.recall < 0.1);
}

TEST_CASE("mistake 19, no seed: the same seed gives the same bits, another seed others") {
  const auto train = [](std::uint64_t seed) {
    models::Networks<float> networks = tiny_networks(seed);
    gan::AdversarialStep<float> step(networks, defaults, defaults);
    Generator random(seed);
    for (unsigned i = 0; i < 3; ++i, random.next_step()) step(tiny_images(i), random);
    return snapshot(networks.generator.parameters());
  };
  CHECK(same_bits(train(1), train(1)));
  CHECK_FALSE(same_bits(train(1), train(2)));
}
