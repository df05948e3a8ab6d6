// The adversarial objectives: their formulas, their slopes, and that every one of them trains both networks.
#include <tinygan/gan/objective.hpp>

#include <tinygan/autograd/check_grads.hpp>
#include <tinygan/gan/step.hpp>

#include "models/tiny_networks.hpp"
#include "support/catch.hpp"
#include "support/temporary.hpp"

using namespace tinygan;
using namespace tinygan::test;
using gan::Loss;
using support::contains;
using support::error_of;
using V = Variable<double>;

namespace {

constexpr Loss all_losses[] = {Loss::bce, Loss::bce_saturating, Loss::lsgan, Loss::hinge, Loss::wgan, Loss::wgan_gp};

gan::Objective of(Loss loss) { return {.loss = loss}; }

}  // namespace

TEST_CASE("the losses of real, generated and wanted images, by hand") {
  const V o = Tensor<double>::from({-1.5, 0.25, 2.0}, {3, 1});
  const auto mean = [](double a, double b, double c) { return (a + b + c) / 3; };
  const auto softplus = [](double x) { return std::log1p(std::exp(x)); };
  // A mean of 3 terms, each of a function of 3 ulp: at most 12 roundings of the terms' mean size, which is below 2 + |b|.
  const auto close = [](const V& a, double b) { return std::fabs(a.item() - b) <= 12 * 0x1p-53 * (2 + std::fabs(b)); };
  CHECK(close(gan::real_loss(of(Loss::bce), o), mean(softplus(1.5), softplus(-0.25), softplus(-2))));
  CHECK(close(gan::fake_loss(of(Loss::bce), o), mean(softplus(-1.5), softplus(0.25), softplus(2))));
  CHECK(close(gan::generator_loss(of(Loss::bce), o), mean(softplus(1.5), softplus(-0.25), softplus(-2))));
  CHECK(close(gan::real_loss(of(Loss::bce_saturating), o), mean(softplus(1.5), softplus(-0.25), softplus(-2))));
  CHECK(close(gan::fake_loss(of(Loss::bce_saturating), o), mean(softplus(-1.5), softplus(0.25), softplus(2))));
  CHECK(close(gan::generator_loss(of(Loss::bce_saturating), o), -mean(softplus(-1.5), softplus(0.25), softplus(2))));
  CHECK(close(gan::real_loss(of(Loss::lsgan), o), mean(6.25, 0.5625, 1) / 2));
  CHECK(close(gan::fake_loss(of(Loss::lsgan), o), mean(2.25, 0.0625, 4) / 2));
  CHECK(close(gan::generator_loss(of(Loss::lsgan), o), mean(6.25, 0.5625, 1) / 2));
  CHECK(close(gan::real_loss(of(Loss::hinge), o), mean(2.5, 0.75, 0)));
  CHECK(close(gan::fake_loss(of(Loss::hinge), o), mean(0, 1.25, 3)));
  CHECK(close(gan::generator_loss(of(Loss::hinge), o), -mean(-1.5, 0.25, 2)));
  for (const Loss loss : {Loss::wgan, Loss::wgan_gp}) {
    CHECK(close(gan::real_loss(of(loss), o), -mean(-1.5, 0.25, 2)));
    CHECK(close(gan::fake_loss(of(loss), o), mean(-1.5, 0.25, 2)));
    CHECK(close(gan::generator_loss(of(loss), o), -mean(-1.5, 0.25, 2)));
  }
  CHECK(close(gan::mean_score(of(Loss::hinge), o), mean(-1.5, 0.25, 2)));
  const double probability = mean(1 / (1 + std::exp(1.5)), 1 / (1 + std::exp(-0.25)), 1 / (1 + std::exp(-2.0)));
  for (const Loss loss : {Loss::bce, Loss::bce_saturating}) CHECK(close(gan::mean_score(of(loss), o), probability));
}

TEST_CASE("one-sided label smoothing, by hand: the label of real images only") {
  const V o = Tensor<double>::from({-1.5, 0.25, 2.0}, {3, 1});
  const auto softplus = [](double x) { return std::log1p(std::exp(x)); };
  double expected = 0;
  for (const double x : {-1.5, 0.25, 2.0}) expected += (0.9 * softplus(-x) + 0.1 * softplus(x)) / 3;
  for (const Loss loss : {Loss::bce, Loss::bce_saturating}) {
    const gan::Objective smooth{.loss = loss, .label_smoothing = 0.1};
    CHECK(std::fabs(gan::real_loss(smooth, o).item() - expected) <= 16 * 0x1p-53 * 3);
    CHECK(gan::fake_loss(smooth, o).item() == gan::fake_loss(of(loss), o).item());
    CHECK(gan::generator_loss(smooth, o).item() == gan::generator_loss(of(loss), o).item());
  }
}

TEST_CASE("G's gradient where D recognises every image, D(G(z)) = 1e-6: 1 of bce, 1e-6 of bce-saturating") {
  const V logits(Tensor<double>::full({4, 1}, std::log(1e-6 / (1 - 1e-6))), true);
  const auto slope = [&](Loss loss) { return array(grad(gan::generator_loss(of(loss), logits), {logits})[0]); };
  // Each element is a quarter of a sigmoid of 3 ulp; the logit's rounding moves the small one by 14 ulp.
  for (const double v : slope(Loss::bce)) CHECK(std::fabs(v + (1 - 1e-6) / 4) <= 4 * 0x1p-53);
  for (const double v : slope(Loss::bce_saturating)) CHECK(std::fabs(v + 1e-6 / 4) <= 20 * 0x1p-53 * 1e-6);
}

TEST_CASE("the relativistic losses, by hand") {
  const V difference = Tensor<double>::from({-1.5, 0.25, 2.0}, {3, 1});
  const auto softplus = [](double x) { return std::log1p(std::exp(x)); };
  const auto close = [&](Loss loss, double expected) {
    const double found = gan::relativistic_loss({.loss = loss, .relativistic = true}, difference).item();
    return std::fabs(found - expected) <= 12 * 0x1p-53 * (2 + expected);
  };
  CHECK(close(Loss::bce, (softplus(1.5) + softplus(-0.25) + softplus(-2)) / 3));
  CHECK(close(Loss::lsgan, (6.25 + 0.5625 + 1) / 6));
  CHECK(close(Loss::hinge, (2.5 + 0.75 + 0) / 3));
  const gan::Objective relativistic{.relativistic = true};
  CHECK(gan::mean_score(relativistic, difference).item() == 0.25);  // an output, not a probability
}

TEST_CASE("the slopes of all losses, against finite differences") {
  using Of = V (*)(const gan::Objective&, const V&);
  for (const Loss loss : all_losses)
    for (const Of f : {Of(&gan::real_loss<double>), Of(&gan::fake_loss<double>), Of(&gan::generator_loss<double>)})
      REQUIRE_NOTHROW(check_grads<double>([=](const std::vector<V>& x) { return f(of(loss), x[0]); },
                                          {Tensor<double>::from({-1.5, 0.25, 2.0}, {3, 1})}, {.order = 2}));
}

TEST_CASE("every objective trains both networks, and its losses stay finite") {
  for (const Loss loss : all_losses)
    for (const int critic_steps : {1, 2}) {
      models::Networks<float> networks = tiny_critic_networks(1);
      gan::AdversarialStep<float> step(networks, AdamHyper::gan(), AdamHyper::gan(),
                                       {.loss = loss, .critic_steps = critic_steps});
      step.measure_norms(true);
      Generator random(3);
      const auto g = snapshot(networks.generator.parameters()), d = snapshot(networks.discriminator.parameters());
      for (int i = 0; i < 3; ++i) {
        random.next_step();
        const auto r = step(tiny_images(1), random);
        CAPTURE(static_cast<int>(loss), critic_steps, i);
        CHECK(std::isfinite(r.loss_d.item()));
        CHECK(std::isfinite(r.loss_g.item()));
        CHECK((r.grad_norm_d.item() > 0 && r.grad_norm_g.item() > 0 && r.spectral_norm_d.item() > 0));
      }
      CHECK(step.discriminator_optimiser().steps() == static_cast<std::uint64_t>(3 * critic_steps));
      CHECK(step.generator_optimiser().steps() == 3);
      const auto g_after = snapshot(networks.generator.parameters()),
                 d_after = snapshot(networks.discriminator.parameters());
      for (std::size_t i = 0; i < g.size(); ++i) CHECK_FALSE(same_bits(g[i], g_after[i]));
      for (std::size_t i = 0; i < d.size(); ++i)  // where both slopes are 1 the output's bias has none
        if (d[i].rank() > 1) CHECK_FALSE(same_bits(d[i], d_after[i]));
    }
}

TEST_CASE("wgan keeps D's weights within the clip after each update, G's weights as they are") {
  const auto largest = [](const nn::Sequential<float>& model) {
    double most = 0;
    for (const Variable<float>& p : model.parameters())
      for (const double w : array(p)) most = std::max(most, std::fabs(w));
    return most;
  };
  models::Networks<float> networks = tiny_critic_networks(1);
  const double clip = static_cast<double>(0.05f);
  REQUIRE(largest(networks.discriminator) > clip);
  REQUIRE(largest(networks.generator) > clip);
  gan::AdversarialStep<float> step(networks, {.learning_rate = 0.1, .beta1 = 0.5}, {.learning_rate = 0.1, .beta1 = 0.5},
                                   {.loss = Loss::wgan, .weight_clip = 0.05});
  Generator random(3);
  for (int i = 0; i < 3; ++i) {
    random.next_step();
    step(tiny_images(1), random);
    CHECK(largest(networks.discriminator) == clip);
    CHECK(largest(networks.generator) > clip);
  }
}

TEST_CASE("a relativistic step: pairs of the same images in D's loss and, signs turned, in G's") {
  const AdamHyper standing{.learning_rate = 0, .beta1 = 0.5};
  for (const Loss loss : {Loss::bce, Loss::lsgan, Loss::hinge}) {
    const gan::Objective objective{.loss = loss, .relativistic = true};
    models::Networks<float> networks = tiny_critic_networks(1), same = tiny_critic_networks(1);
    gan::AdversarialStep<float> step(networks, standing, standing, objective);
    Generator random(3), again(3);
    const auto r = step(tiny_images(1), random);
    const Variable<float> z = random_normal<float>({8, models::latent_size}, again);
    const Variable<float> fake = same.discriminator(same.generator(z, nn::Pass::train(again))),
                          real = same.discriminator(tiny_images(1));
    CHECK(r.loss_d.item() == gan::relativistic_loss(objective, real - fake).item());
    CHECK(r.loss_g.item() == gan::relativistic_loss(objective, fake - real).item());
    CHECK(r.d_real.item() == ops::mean(real).item());
    CHECK(r.d_fake.item() == ops::mean(fake).item());
  }
}

TEST_CASE("R1 and R2 are terms of D's loss, in proportion to their weights and to penalty_every, in the steps that "
          "take them") {
  const auto discriminator_loss = [](const gan::Objective& objective, bool penalise) {
    models::Networks<float> networks = tiny_critic_networks(1);
    gan::AdversarialStep<float> step(networks, AdamHyper::gan(), AdamHyper::gan(), objective);
    step.penalise(penalise);
    Generator random(3);
    return static_cast<double>(step(tiny_images(1), random).loss_d.item());
  };
  for (const Loss loss : {Loss::bce, Loss::hinge}) {
    const double none = discriminator_loss({.loss = loss}, true);
    const auto added = [&](const gan::Objective& o) { return discriminator_loss(o, true) - none; };
    const double r1 = added({.loss = loss, .r1 = 1}), r2 = added({.loss = loss, .r2 = 1});
    CHECK(r1 > 1e-3);
    CHECK(r2 > 1e-3);
    CHECK(r1 != r2);
    // Rounded: each product, and each sum of at most three terms, none above none + 8 (r1 + r2).
    const double rounding = 8 * 0x1p-24 * (none + 8 * (r1 + r2));
    CHECK(std::fabs(added({.loss = loss, .r1 = 4}) - 4 * r1) <= 5 * rounding);
    CHECK(std::fabs(added({.loss = loss, .r1 = 1, .penalty_every = 8}) - 8 * r1) <= 9 * rounding);
    CHECK(std::fabs(added({.loss = loss, .r1 = 1, .r2 = 2}) - (r1 + 2 * r2)) <= 4 * rounding);
    CHECK(discriminator_loss({.loss = loss, .r1 = 1, .r2 = 2, .penalty_every = 8}, false) == none);
  }
}

TEST_CASE("wgan-gp's critic loss holds the penalty, in proportion to its weight") {
  const auto critic_loss = [](double weight) {
    models::Networks<float> networks = tiny_critic_networks(1);
    gan::AdversarialStep<float> step(networks, AdamHyper::gan(), AdamHyper::gan(),
                                     {.loss = Loss::wgan_gp, .penalty_weight = weight});
    Generator random(3);
    return static_cast<double>(step(tiny_images(1), random).loss_d.item());
  };
  const double none = critic_loss(0), ten = critic_loss(10), twenty = critic_loss(20);
  CHECK(ten > none);
  // none + weight * penalty: two roundings, of the product and of the sum; two of twice `ten`; one of `none`.
  CHECK(std::fabs((twenty - ten) - (ten - none)) <= 7 * 0x1p-24 * (std::fabs(none) + (twenty - none)));
}

TEST_CASE("an objective that cannot work is refused") {
  models::Networks<float> with_statistics = tiny_networks(1), fine = tiny_critic_networks(1);
  using Step = gan::AdversarialStep<float>;
  CHECK(contains(error_of([&] { Step(with_statistics, {}, {}, {.loss = Loss::wgan_gp}); }), "has batch norm"));
  CHECK(contains(error_of([&] { Step(with_statistics, {}, {}, {.r1 = 1}); }), "has batch norm"));
  CHECK(contains(error_of([&] { Step(with_statistics, {}, {}, {.r2 = 1}); }), "has batch norm"));
  CHECK_NOTHROW(Step(with_statistics, {}, {}, {.loss = Loss::wgan}));
  CHECK(contains(error_of([&] { Step(fine, {}, {}, {.r1 = -1}); }), "weight of R1 -1"));
  CHECK(contains(error_of([&] { Step(fine, {}, {}, {.r2 = HUGE_VAL}); }), "weight of R2 inf"));
  CHECK(contains(error_of([&] { Step(fine, {}, {}, {.r1 = 1, .penalty_every = 0}); }), "a penalty every 0 steps"));
  for (const Loss loss : {Loss::bce_saturating, Loss::wgan, Loss::wgan_gp})
    CHECK(contains(error_of([&] { Step(fine, {}, {}, {.loss = loss, .relativistic = true}); }),
                   "expected bce, lsgan or hinge"));
  CHECK(contains(error_of([&] { Step(fine, {}, {}, {.relativistic = true, .label_smoothing = 0.1}); }),
                 "label smoothing 0.1 of a relativistic loss"));
  CHECK(contains(error_of([&] { Step(fine, {}, {}, {.critic_steps = 0}); }), "0 critic steps"));
  CHECK(contains(error_of([&] { Step(fine, {}, {}, {.penalty_weight = -1}); }), "penalty weight -1"));
  CHECK(contains(error_of([&] { Step(fine, {}, {}, {.weight_clip = 0}); }), "weight clip 0"));
  CHECK(contains(error_of([&] { Step(fine, {}, {}, {.label_smoothing = 0.5}); }), "label smoothing 0.5"));
  CHECK(
      error_of([&] { Step(fine, {}, {}, {.loss = Loss::hinge, .label_smoothing = 0.1}); }) ==
      "AdversarialStep: label smoothing 0.1 with the loss hinge, which has no labels; expected bce or bce-saturating");
  Step three(fine, {}, {}, {.critic_steps = 3});
  Generator random(1);
  CHECK(contains(error_of([&] { three(tiny_images(1), random); }), "8 real images for 3 critic steps"));
  CHECK(error_of([] { gan::loss_from_name("mse"); }) ==
        "loss: 'mse' is unknown; there are bce, bce-saturating, lsgan, hinge, wgan and wgan-gp");
  for (const Loss loss : all_losses)
    CHECK(gan::loss_from_name(gan::loss_names[static_cast<std::size_t>(loss)]) == loss);
}
