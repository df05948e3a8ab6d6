// Objective: the adversarial loss, its regularisation, and their parameters.
#pragma once

#include <array>
#include <cmath>
#include <string>
#include <string_view>

#include <tinygan/gan/losses.hpp>
#include <tinygan/gan/penalties.hpp>

namespace tinygan::gan {

/// With o = D(.) the discriminator's output, means over the batch:
///   bce             D: softplus(-o_real) + softplus(o_fake)        G: softplus(-o_fake)     Goodfellow et al. 2014
///   bce-saturating  D: the same                                    G: -softplus(o_fake)     the same, equation 1
///   lsgan           D: (o_real - 1)^2 / 2 + o_fake^2 / 2           G: (o_fake - 1)^2 / 2    Mao et al. 2017
///   hinge           D: relu(1 - o_real) + relu(1 + o_fake)         G: -o_fake               Lim & Ye 2017
///   wgan            D: -o_real + o_fake, |weights| <= c            G: -o_fake               Arjovsky et al. 2017
///   wgan-gp         D: -o_real + o_fake + weight * penalty         G: -o_fake               Gulrajani et al. 2017
enum class Loss { bce, bce_saturating, lsgan, hinge, wgan, wgan_gp };

inline constexpr std::array loss_names{"bce", "bce-saturating", "lsgan", "hinge", "wgan", "wgan-gp"};

/// Throws Error on a name that is none of loss_names.
inline Loss loss_from_name(std::string_view name) {
  std::string known;
  for (std::size_t i = 0; i < loss_names.size(); ++i) {
    if (name == loss_names[i]) return static_cast<Loss>(i);
    known.append(i == 0 ? "" : i + 1 < loss_names.size() ? ", " : " and ").append(loss_names[i]);
  }
  fail("loss", "'", name, "' is unknown; there are ", known);
}

/// Whether D's output is a logit that is trained by cross entropy.
inline bool uses_cross_entropy(Loss loss) { return loss == Loss::bce || loss == Loss::bce_saturating; }

/// The loss of an adversarial training with its penalties and label smoothing.
struct Objective {
  Loss loss = Loss::bce;
  /// Relativistic pairing, of bce, lsgan and hinge: D minimises f(o_real - o_fake), G f(o_fake - o_real), where f(o_real)
  /// is the loss's term of real images. Jolicoeur-Martineau 2018; Huang et al. 2024 (R3GAN)
  bool relativistic = false;
  double label_smoothing = 0;  ///< one-sided: the label of real images is 1 - label_smoothing. Salimans et al. 2016
  double weight_clip = 0.01;   ///< of wgan: D's parameters are clamped to [-c, c] after each update
  double penalty_weight = 10;  ///< of wgan-gp's gradient penalty
  double r1 = 0, r2 = 0;       ///< weights of R1 and R2 in D's loss, with any loss
  int penalty_every = 1;  ///< lazy penalties: in one of so many steps, times so many. Karras et al. 2020 (StyleGAN2)
  int critic_steps = 1;   ///< updates of D per update of G, each on other images; 5 is usual for wgan and wgan-gp
};

/// Whether D's loss has a gradient penalty.
inline bool has_penalty(const Objective& o) { return o.loss == Loss::wgan_gp || o.r1 > 0 || o.r2 > 0; }

/// Whether D's output on one image is the logit of its being real: a relativistic output means something in pairs only.
inline bool scores_are_probabilities(const Objective& o) { return uses_cross_entropy(o.loss) && !o.relativistic; }

/// Throws Error, naming `op`, on a value out of range and on an option that the loss does not have.
inline void check_objective(const char* op, const Objective& o) {
  check(o.critic_steps >= 1, op, o.critic_steps, " critic steps, expected at least 1");
  const auto check_weight = [&](const char* what, double weight) {
    check(std::isfinite(weight) && weight >= 0, op, what, ' ', weight, ", expected a finite number of at least 0");
  };
  check_weight("penalty weight", o.penalty_weight);
  check_weight("weight of R1", o.r1);
  check_weight("weight of R2", o.r2);
  check(o.penalty_every >= 1, op, "a penalty every ", o.penalty_every, " steps, expected at least 1");
  check(std::isfinite(o.weight_clip) && o.weight_clip > 0, op, "weight clip ", o.weight_clip,
        ", expected a finite number above 0");
  check(o.label_smoothing >= 0 && o.label_smoothing < 0.5, op, "label smoothing ", o.label_smoothing,
        ", expected at least 0 and below 0.5");
  check(o.label_smoothing == 0 || uses_cross_entropy(o.loss), op, "label smoothing ", o.label_smoothing,
        " with the loss ", loss_names[static_cast<std::size_t>(o.loss)],
        ", which has no labels; expected bce or bce-saturating");
  if (!o.relativistic) return;
  check(o.loss == Loss::bce || o.loss == Loss::lsgan || o.loss == Loss::hinge, op, "a relativistic ",
        loss_names[static_cast<std::size_t>(o.loss)], ", expected bce, lsgan or hinge");
  check(o.label_smoothing == 0, op, "label smoothing ", o.label_smoothing,
        " of a relativistic loss, whose pairs have no labels; expected 0");
}

/// D's loss on real images.
template <class T>
Variable<T> real_loss(const Objective& o, const Variable<T>& output) {
  switch (o.loss) {
    case Loss::bce:
    case Loss::bce_saturating: return real_loss(output, 1 - o.label_smoothing);
    case Loss::lsgan: return ops::mean(ops::square(output - 1)) * 0.5;
    case Loss::hinge: return ops::mean(ops::relu(1 - output));
    case Loss::wgan:
    case Loss::wgan_gp: break;
  }
  return -ops::mean(output);
}

/// D's loss on generated images, without penalties.
template <class T>
Variable<T> fake_loss(const Objective& o, const Variable<T>& output) {
  switch (o.loss) {
    case Loss::bce:
    case Loss::bce_saturating: return fake_loss(output);
    case Loss::lsgan: return ops::mean(ops::square(output)) * 0.5;
    case Loss::hinge: return ops::mean(ops::relu(1 + output));
    case Loss::wgan:
    case Loss::wgan_gp: break;
  }
  return ops::mean(output);
}

/// G's loss.
template <class T>
Variable<T> generator_loss(const Objective& o, const Variable<T>& output) {
  switch (o.loss) {
    case Loss::bce: return generator_loss(output);
    case Loss::bce_saturating: return saturating_generator_loss(output);
    case Loss::lsgan: return ops::mean(ops::square(output - 1)) * 0.5;
    case Loss::hinge:
    case Loss::wgan:
    case Loss::wgan_gp: break;
  }
  return -ops::mean(output);
}

/// The relativistic losses: D's of o_real - o_fake, G's of o_fake - o_real.
template <class T>
Variable<T> relativistic_loss(const Objective& o, const Variable<T>& difference) {
  return real_loss(o, difference);
}

/// Mean score of a batch: the mean probability of being real where scores_are_probabilities, else the mean output of D.
template <class T>
Variable<T> mean_score(const Objective& o, const Variable<T>& output) {
  return ops::mean(scores_are_probabilities(o) ? ops::sigmoid(output) : output);
}

}  // namespace tinygan::gan
