// One step of adversarial training.
#pragma once

#include <tinygan/gan/discriminator_view.hpp>
#include <tinygan/gan/objective.hpp>
#include <tinygan/gan/step_metrics.hpp>
#include <tinygan/models/networks.hpp>
#include <tinygan/ops/cast.hpp>
#include <tinygan/ops/norms.hpp>
#include <tinygan/optim/adam.hpp>
#include <tinygan/optim/clip.hpp>

namespace tinygan::gan {

/// The DCGAN step. D's update: a forward pass over real images and another over generated images, so that their batch
/// statistics do not mix; the generated images are detached from G. G's update: the updated D on the same generated
/// images, D's weights and running statistics unchanged. Two optimisers over disjoint parameters.
/// Sources: Goodfellow et al. 2014, Algorithm 1; Radford, Metz, Chintala 2015.
template <class T>
class AdversarialStep {
 public:
  using Wide = typename nn::Module<T>::Wide;  ///< of losses and other sums
  /// What one step returns, as tensors on the device.
  using Metrics = StepMetrics<Tensor<Wide>>;

  /// Throws Error like check_objective and DiscriminatorView, and on a gradient penalty with batch norm in D.
  AdversarialStep(models::Networks<T>& networks, const AdamHyper& generator_hyper, const AdamHyper& discriminator_hyper,
                  const Objective& objective = {}, const ViewOptions& view = {});

  /// critic_steps updates of D, then one update of G. `real` (N,28,28,1), in the networks' pixel range, is divided
  /// equally among the updates of D; each uses as many generated images. For conditional networks `labels` (N,K) are
  /// the classes of the real images, one-hot, and the generated images are of the same classes. Throws Error unless
  /// critic_steps divides N, and on another number of labels.
  Metrics operator()(const Tensor<T>& real, Generator& random, const Tensor<Wide>& labels = {});

  /// Whether the next steps measure gradient norms, one more pass over the gradients, and D's spectral norm.
  void measure_norms(bool on) { measure_norms_ = on; }

  /// Whether the next steps take the objective's gradient penalties, penalty_every times each; on at first. Whoever
  /// sets penalty_every turns it on for one of so many steps.
  void penalise(bool on) { penalise_ = on; }

  /// Shares a clock, which must tick once before each step, with the optimisers that update once per step: saves a
  /// launch each.
  void use_clock(const StepClock& clock);

  const Objective& objective() const { return objective_; }
  /// The optimiser of the generator, whose rate or state may be changed between steps.
  optim::Adam<T>& generator_optimiser() { return generator_optimiser_; }
  /// The optimiser of the discriminator, likewise.
  optim::Adam<T>& discriminator_optimiser() { return discriminator_optimiser_; }

 private:
  using Pass = nn::Pass;

  /// The pass of G and of D over the images whose labels are labels_.
  Pass training_pass(Generator& random) const {
    const Pass pass = Pass::train(random);
    return labels_.defined() ? pass.with_labels(Variable<Wide>(labels_)) : pass;
  }

  Variable<T> generate(index_t batch, Generator& random);

  /// D's output on its view of images (N,H,W,C). Every pass through D is one of these.
  Variable<T> discriminate(const Variable<T>& images, const Pass& pass) {
    return networks_->discriminator(view_(images, pass.generator("discriminate", images.device())), pass);
  }

  /// The same, for losses.
  Variable<Wide> output_of(const Variable<T>& images, const Pass& pass) {
    return cast<Wide>(discriminate(images, pass));
  }

  void update_discriminator(const Tensor<T>& real, const Variable<T>& fake, Generator& random, Metrics& metrics);

  void update_generator(const Tensor<T>& real, const Variable<T>& fake, Generator& random, Metrics& metrics);

  Tensor<Wide> score_of(const Variable<Wide>& output) const;

  /// A term of D's loss, and its gradients.
  struct Term {
    std::vector<Variable<T>> grads;
    Variable<Wide> loss;
  };

  Term differentiate(const Variable<Wide>& loss);

  /// The loss of a batch of real or of generated images, and its gradients. Sets the batch's mean score.
  Term batch_loss(const Variable<Wide>& output, Variable<Wide> (*loss_of)(const Objective&, const Variable<Wide>&),
                  Tensor<Wide>& score);

  /// The loss of pairs of a real and a generated image, and its gradients. Sets both mean scores.
  Term pair_loss(const Variable<Wide>& real, const Variable<Wide>& fake, Metrics& metrics);

  /// Appends the gradient penalties that the objective has.
  void add_penalties(std::vector<Term>& terms, const Tensor<T>& real, const Tensor<T>& fake, Generator& random);

  models::Networks<T>* networks_;
  Objective objective_;
  DiscriminatorView<T> view_;
  optim::Adam<T> generator_optimiser_, discriminator_optimiser_;
  Tensor<Wide> labels_;  // of the images of the current update, if any
  bool measure_norms_ = false, penalise_ = true;
};

template <class T>
AdversarialStep<T>::AdversarialStep(models::Networks<T>& networks, const AdamHyper& generator_hyper,
                                    const AdamHyper& discriminator_hyper, const Objective& objective,
                                    const ViewOptions& view)
    : networks_(&networks), objective_(objective), view_(view),
      generator_optimiser_(networks.generator.parameters(), generator_hyper),
      discriminator_optimiser_(networks.discriminator.parameters(), discriminator_hyper) {
  check_objective("AdversarialStep", objective);
  check(!has_penalty(objective) || !networks.discriminator.normalises_over_batch(), "AdversarialStep",
        "the discriminator has batch norm, expected none with a gradient penalty, which is per image");
}

template <class T>
auto AdversarialStep<T>::operator()(const Tensor<T>& real, Generator& random, const Tensor<Wide>& labels) -> Metrics {
  check(real.defined() && real.rank() >= 1, "AdversarialStep", "the batch of real images is ",
        real.defined() ? "a scalar" : "empty");
  const index_t steps = objective_.critic_steps, batch = real.extent(0) / steps;
  check(batch * steps == real.extent(0), "AdversarialStep", real.extent(0), " real images for ", steps,
        " critic steps, expected a multiple");
  check(!labels.defined() || (labels.rank() == 2 && labels.extent(0) == real.extent(0)), "AdversarialStep",
        labels.defined() ? text("labels ", labels.shape()) : "", " for ", real.extent(0),
        " real images, expected a row for each");
  const auto use_labels = [&](index_t i) {
    labels_ = labels.defined() ? labels.rows(i * batch, (i + 1) * batch) : Tensor<Wide>();
  };
  Metrics metrics;
  for (index_t i = 0; i + 1 < steps; ++i) {
    use_labels(i);
    Variable<T> fake;
    {
      const NoGrad no_grad;
      fake = generate(batch, random);
    }
    update_discriminator(real.rows(i * batch, (i + 1) * batch), fake, random, metrics);
  }
  use_labels(steps - 1);
  const Variable<T> fake = generate(batch, random);
  update_discriminator(real.rows((steps - 1) * batch, steps * batch), fake.detach(), random, metrics);
  update_generator(real.rows((steps - 1) * batch, steps * batch), fake, random, metrics);
  labels_ = {};
  return metrics;
}

template <class T>
void AdversarialStep<T>::use_clock(const StepClock& clock) {
  generator_optimiser_.use_clock(clock);
  if (objective_.critic_steps == 1) discriminator_optimiser_.use_clock(clock);
}

template <class T>
Variable<T> AdversarialStep<T>::generate(index_t batch, Generator& random) {
  const Variable<T> z = random_normal<T>({batch, models::latent_size}, random);
  return networks_->generator(z, training_pass(random));
}

template <class T>
void AdversarialStep<T>::update_discriminator(const Tensor<T>& real, const Variable<T>& fake, Generator& random,
                                              Metrics& metrics) {
  const auto output = [&](const Variable<T>& images) { return output_of(images, training_pass(random)); };
  std::vector<Term> terms;
  if (objective_.relativistic) {
    const Variable<Wide> of_real = output(real);
    terms.push_back(pair_loss(of_real, output(fake), metrics));
  } else {
    // Each batch is differentiated and freed before the next: half the activations in memory at a time.
    terms.push_back(batch_loss(output(real), &real_loss<Wide>, metrics.d_real));
    terms.push_back(batch_loss(output(fake), &fake_loss<Wide>, metrics.d_fake));
  }
  if (penalise_) add_penalties(terms, real, fake.value(), random);
  const NoGrad no_grad;
  Term sum = std::move(terms.front());
  for (std::size_t t = 1; t < terms.size(); ++t) {
    for (std::size_t i = 0; i < sum.grads.size(); ++i)
      sum.grads[i] = sum.grads[i] + std::exchange(terms[t].grads[i], {});
    sum.loss = sum.loss + terms[t].loss;
  }
  metrics.loss_d = sum.loss.value();
  if (measure_norms_) metrics.grad_norm_d = optim::global_norm(sum.grads);
  discriminator_optimiser_.step(sum.grads);
  if (objective_.loss == Loss::wgan) optim::clip_weights(discriminator_optimiser_.parameters(), objective_.weight_clip);
  if (measure_norms_) metrics.spectral_norm_d = nn::largest_spectral_norm(networks_->discriminator);
}

template <class T>
void AdversarialStep<T>::update_generator(const Tensor<T>& real, const Variable<T>& fake, Generator& random,
                                          Metrics& metrics) {
  const Pass pass = training_pass(random).frozen();
  const Variable<Wide> output = output_of(fake, pass);
  Variable<Wide> real_output;
  if (objective_.relativistic) {
    const NoGrad no_grad;
    real_output = output_of(real, pass);
  }
  const Variable<Wide> loss = objective_.relativistic ? relativistic_loss(objective_, output - real_output)
                                                      : generator_loss(objective_, output);
  metrics.loss_g = loss.value();
  const std::vector<Variable<T>> grads = grad(loss, generator_optimiser_.parameters());
  if (measure_norms_) metrics.grad_norm_g = optim::global_norm(grads);
  generator_optimiser_.step(grads);
}

template <class T>
auto AdversarialStep<T>::score_of(const Variable<Wide>& output) const -> Tensor<Wide> {
  const NoGrad no_grad;
  return mean_score(objective_, output).value();
}

template <class T>
auto AdversarialStep<T>::differentiate(const Variable<Wide>& loss) -> Term {
  return {grad(loss, discriminator_optimiser_.parameters()), loss.detach()};
}

template <class T>
auto AdversarialStep<T>::batch_loss(const Variable<Wide>& output,
                                    Variable<Wide> (*loss_of)(const Objective&, const Variable<Wide>&),
                                    Tensor<Wide>& score) -> Term {
  score = score_of(output);
  return differentiate(loss_of(objective_, output));
}

template <class T>
auto AdversarialStep<T>::pair_loss(const Variable<Wide>& real, const Variable<Wide>& fake, Metrics& metrics) -> Term {
  metrics.d_real = score_of(real);
  metrics.d_fake = score_of(fake);
  return differentiate(relativistic_loss(objective_, real - fake));
}

template <class T>
void AdversarialStep<T>::add_penalties(std::vector<Term>& terms, const Tensor<T>& real, const Tensor<T>& fake,
                                       Generator& random) {
  // Frozen: statistics and the vectors of spectral norm are those of the passes for the loss.
  const auto critic = [&](const Variable<T>& x) { return discriminate(x, training_pass(random).frozen()); };
  const auto add = [&](double weight, const Variable<Wide>& penalty) {
    terms.push_back(differentiate(penalty * (weight * objective_.penalty_every)));
  };
  if (objective_.loss == Loss::wgan_gp) add(objective_.penalty_weight, gradient_penalty<T>(critic, real, fake, random));
  if (objective_.r1 > 0) add(objective_.r1, r1_penalty<T>(critic, real));
  if (objective_.r2 > 0) add(objective_.r2, r2_penalty<T>(critic, fake));
}

}  // namespace tinygan::gan
