// Objective: the adversarial loss and its parameters.
#pragma once

#include <array>
#include <cmath>
#include <string_view>

#include <tinygan/gan/losses.hpp>
#include <tinygan/gan/penalties.hpp>

namespace tinygan::gan {

/// With o = D(.) the discriminator's output, means over the batch:
///   bce      D: softplus(-o_real) + softplus(o_fake)          G: softplus(-o_fake)      Goodfellow et al. 2014
///   lsgan    D: (o_real - 1)^2 / 2 + o_fake^2 / 2             G: (o_fake - 1)^2 / 2     Mao et al. 2017
///   hinge    D: relu(1 - o_real) + relu(1 + o_fake)           G: -o_fake                Lim & Ye 2017
///   wgan-gp  D: -o_real + o_fake + weight * penalty           G: -o_fake                Gulrajani et al. 2017
enum class Loss { bce, lsgan, hinge, wgan_gp };

inline constexpr std::array loss_names{"bce", "lsgan", "hinge", "wgan-gp"};

/// Throws Error on a name that is none of loss_names.
inline Loss loss_from_name(std::string_view name) {
  for (std::size_t i = 0; i < loss_names.size(); ++i)
    if (name == loss_names[i]) return static_cast<Loss>(i);
  fail("loss", "'", name, "' is unknown; there are bce, lsgan, hinge and wgan-gp");
}

struct Objective {
  Loss loss = Loss::bce;
  double penalty_weight = 10;  ///< of wgan-gp's gradient penalty
  int critic_steps = 1;        ///< updates of D per update of G, each on other images; 5 is usual for wgan-gp
};

/// D's loss on real images.
template <class T>
Variable<T> real_loss(Loss loss, const Variable<T>& output) {
  switch (loss) {
    case Loss::bce: return real_loss(output);
    case Loss::lsgan: return ops::mean(ops::square(output - 1)) * 0.5;
    case Loss::hinge: return ops::mean(ops::relu(1 - output));
    case Loss::wgan_gp: break;
  }
  return -ops::mean(output);
}

/// D's loss on generated images, without wgan-gp's penalty.
template <class T>
Variable<T> fake_loss(Loss loss, const Variable<T>& output) {
  switch (loss) {
    case Loss::bce: return fake_loss(output);
    case Loss::lsgan: return ops::mean(ops::square(output)) * 0.5;
    case Loss::hinge: return ops::mean(ops::relu(1 + output));
    case Loss::wgan_gp: break;
  }
  return ops::mean(output);
}

/// G's loss.
template <class T>
Variable<T> generator_loss(Loss loss, const Variable<T>& output) {
  switch (loss) {
    case Loss::bce: return generator_loss(output);
    case Loss::lsgan: return ops::mean(ops::square(output - 1)) * 0.5;
    case Loss::hinge:
    case Loss::wgan_gp: break;
  }
  return -ops::mean(output);
}

/// Mean score of a batch: the mean probability of being real for bce, the mean output of D for the others.
template <class T>
Variable<T> mean_score(Loss loss, const Variable<T>& output) {
  return ops::mean(loss == Loss::bce ? ops::sigmoid(output) : output);
}

}  // namespace tinygan::gan
