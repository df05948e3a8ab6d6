// One step of adversarial training.
#pragma once

#include <tinygan/gan/losses.hpp>
#include <tinygan/gan/networks.hpp>
#include <tinygan/ops/norms.hpp>
#include <tinygan/optim/adam.hpp>
#include <tinygan/optim/clip.hpp>

namespace tinygan::gan {

/// What a step saw, scalars on the device: both losses, D's mean probability for real and for generated images before its
/// update, and, where they were asked for, the norms of both gradients.
template <class T>
struct StepReport {
  Tensor<T> loss_d, loss_g, d_real, d_fake, grad_norm_d, grad_norm_g;
};

/// The DCGAN step. D learns from a batch of real images labelled 1 and a batch of generated ones labelled 0, apart so that
/// batch statistics do not mix and detached so that G is left alone; then G learns to have the same images taken for real by
/// the updated D, whose weights and statistics are left alone. Two optimisers over disjoint parameters.
/// Sources: Goodfellow et al. 2014, Algorithm 1; Radford, Metz, Chintala 2015.
template <class T>
class AdversarialStep {
 public:
  AdversarialStep(Networks<T>& networks, const AdamHyper& generator_hyper, const AdamHyper& discriminator_hyper)
      : networks_(&networks),
        generator_optimiser_(networks.generator.parameters(), generator_hyper),
        discriminator_optimiser_(networks.discriminator.parameters(), discriminator_hyper) {}

  /// One update of D and one of G; real(N,28,28,1) in the networks' pixel range, as many latent vectors drawn.
  StepReport<T> operator()(const Tensor<T>& real, Generator& random) {
    StepReport<T> report;
    const Variable<T> z = random_normal<T>({real.extent(0), latent_size}, random);
    const Variable<T> fake = networks_->generator(z, Pass::train(random));
    update_discriminator(real, fake.detach(), random, report);
    update_generator(fake, random, report);
    return report;
  }

  /// Whether the next steps report gradient norms: one more pass over the gradients.
  void measure_norms(bool on) { measure_norms_ = on; }

  optim::Adam<T>& generator_optimiser() { return generator_optimiser_; }
  optim::Adam<T>& discriminator_optimiser() { return discriminator_optimiser_; }

 private:
  using Pass = nn::Pass;

  void update_discriminator(const Tensor<T>& real, const Variable<T>& fake, Generator& random, StepReport<T>& report) {
    nn::Sequential<T>& d = networks_->discriminator;
    // One batch after the other, each freed before the next: half the activations in memory at a time.
    const auto [real_grads, real_term] = half(d(real, Pass::train(random)), &real_loss_of_one, report.d_real);
    const auto [fake_grads, fake_term] = half(d(fake, Pass::train(random)), &fake_loss<T>, report.d_fake);
    const NoGrad no_grad;
    std::vector<Variable<T>> grads;
    for (std::size_t i = 0; i < real_grads.size(); ++i) grads.push_back(real_grads[i] + fake_grads[i]);
    report.loss_d = (real_term + fake_term).value();
    if (measure_norms_) report.grad_norm_d = optim::global_norm(grads);
    discriminator_optimiser_.step(grads);
  }

  void update_generator(const Variable<T>& fake, Generator& random, StepReport<T>& report) {
    const Variable<T> loss = generator_loss(networks_->discriminator(fake, Pass::train(random).frozen()));
    report.loss_g = loss.value();
    const std::vector<Variable<T>> grads = grad(loss, generator_optimiser_.parameters());
    if (measure_norms_) report.grad_norm_g = optim::global_norm(grads);
    generator_optimiser_.step(grads);
  }

  static Variable<T> real_loss_of_one(const Variable<T>& logits) { return real_loss(logits); }

  /// D's gradients and loss for one of the two batches, and its mean probability.
  std::pair<std::vector<Variable<T>>, Variable<T>> half(const Variable<T>& logits, Variable<T> (*loss_of)(const Variable<T>&),
                                                        Tensor<T>& probability) {
    {
      const NoGrad no_grad;
      probability = ops::mean(ops::sigmoid(logits)).value();
    }
    const Variable<T> loss = loss_of(logits);
    return {grad(loss, discriminator_optimiser_.parameters()), loss.detach()};
  }

  Networks<T>* networks_;
  optim::Adam<T> generator_optimiser_, discriminator_optimiser_;
  bool measure_norms_ = false;
};

}  // namespace tinygan::gan
