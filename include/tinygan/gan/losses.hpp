// The adversarial losses, from logits.
#pragma once

#include <tinygan/nn/losses.hpp>

namespace tinygan::gan {

/// What D minimises: mean softplus(-D(x)) for real images, labelled 1 (or `real_label` for one-sided smoothing).
/// Source: Goodfellow et al. 2014, Algorithm 1; Salimans et al. 2016 for the smoothing.
template <class T>
Variable<T> real_loss(const Variable<T>& logits, double real_label = 1) {
  return nn::bce_with_logits(logits, real_label);
}

/// What D minimises for generated images, labelled 0: mean softplus(D(G(z))).
template <class T>
Variable<T> fake_loss(const Variable<T>& logits) {
  return nn::bce_with_logits(logits, 0);
}

/// What G minimises: the non-saturating mean softplus(-D(G(z))), its images labelled 1. Its gradient does not vanish where D
/// is sure. Source: Goodfellow et al. 2014, section 3.
template <class T>
Variable<T> generator_loss(const Variable<T>& logits) {
  return nn::bce_with_logits(logits, 1);
}

}  // namespace tinygan::gan
