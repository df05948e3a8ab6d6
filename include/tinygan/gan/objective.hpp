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

struct Objective {
  Loss loss = Loss::bce;
  double label_smoothing = 0;  ///< one-sided: the label of real images is 1 - label_smoothing. Salimans et al. 2016
  double weight_clip = 0.01;   ///< of wgan: D's parameters are clamped to [-c, c] after each update
  double penalty_weight = 10;  ///< of wgan-gp's gradient penalty
  int critic_steps = 1;        ///< updates of D per update of G, each on other images; 5 is usual for wgan and wgan-gp
};

/// Throws Error, naming `op`, on a value out of range and on an option that the loss does not have.
inline void check_objective(const char* op, const Objective& o) {
  check(o.critic_steps >= 1, op, o.critic_steps, " critic steps, expected at least 1");
  check(std::isfinite(o.penalty_weight) && o.penalty_weight >= 0, op, "penalty weight ", o.penalty_weight,
        ", expected a finite number of at least 0");
  check(std::isfinite(o.weight_clip) && o.weight_clip > 0, op, "weight clip ", o.weight_clip,
        ", expected a finite number above 0");
  check(o.label_smoothing >= 0 && o.label_smoothing < 0.5, op, "label smoothing ", o.label_smoothing,
        ", expected at least 0 and below 0.5");
  check(o.label_smoothing == 0 || uses_cross_entropy(o.loss), op, "label smoothing ", o.label_smoothing,
        " with the loss ", loss_names[static_cast<std::size_t>(o.loss)],
        ", which has no labels; expected bce or bce-saturating");
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

/// Mean score of a batch: the mean probability of being real for cross entropy, the mean output of D for the others.
template <class T>
Variable<T> mean_score(const Objective& o, const Variable<T>& output) {
  return ops::mean(uses_cross_entropy(o.loss) ? ops::sigmoid(output) : output);
}

}  // namespace tinygan::gan
