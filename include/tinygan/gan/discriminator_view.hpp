// The discriminator's view: the one transform through which it sees images, real and generated alike.
#pragma once

#include <cmath>

#include <tinygan/gan/diff_augment.hpp>
#include <tinygan/ops/noise.hpp>
#include <tinygan/optim/schedule.hpp>

namespace tinygan::gan {

/// What is done to real and generated images before the discriminator sees them.
struct ViewOptions {
  DiffAugment augment{};
  double noise = 0;            ///< standard deviation of the instance noise
  RateSchedule noise_decay{};  ///< its factor, over the generator's steps
};

/// y = diff_augment(x) + noise decay(t) n, n standard normal: DiffAugment, then instance noise. Drawn anew in every
/// call, differentiable; x itself, without a draw or a launch, if every option is off.
/// Source: Arjovsky & Bottou 2017, section 3; Sonderby et al. 2017.
template <class T>
class DiscriminatorView {
 public:
  /// Throws Error on a negative or infinite standard deviation, and on a schedule that is not valid.
  explicit DiscriminatorView(const ViewOptions& options = {});

  /// The view of images (N,H,W,C).
  Variable<T> operator()(const Variable<T>& images, Generator& random) const;

 private:
  ViewOptions options_;
};

template <class T>
DiscriminatorView<T>::DiscriminatorView(const ViewOptions& options) : options_(options) {
  check(std::isfinite(options.noise) && options.noise >= 0, "DiscriminatorView", "standard deviation ", options.noise,
        " of the noise, expected a finite number of at least 0");
  optim::check_schedule("DiscriminatorView", options.noise_decay);
}

template <class T>
Variable<T> DiscriminatorView<T>::operator()(const Variable<T>& images, Generator& random) const {
  const Variable<T> y = diff_augment(options_.augment, images, random);
  return options_.noise == 0 ? y : ops::add_noise(y, options_.noise, options_.noise_decay, random);
}

}  // namespace tinygan::gan
