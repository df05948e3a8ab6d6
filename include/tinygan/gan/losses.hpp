// The adversarial losses, from logits.
#pragma once

#include <tinygan/nn/losses.hpp>

namespace tinygan::gan {

/// D's loss on real images, mean softplus(-D(x)): label 1, or `real_label` for one-sided label smoothing.
/// Source: Goodfellow et al. 2014, Algorithm 1; Salimans et al. 2016 for the smoothing.
template <class T>
Variable<T> real_loss(const Variable<T>& logits, double real_label = 1) {
  return nn::bce_with_logits(logits, real_label);
}

/// D's loss on generated images, mean softplus(D(G(z))): label 0.
template <class T>
Variable<T> fake_loss(const Variable<T>& logits) {
  return nn::bce_with_logits(logits, 0);
}

/// G's loss, the non-saturating mean softplus(-D(G(z))): label 1. Its gradient does not vanish where D(G(z)) is near 0.
/// Source: Goodfellow et al. 2014, section 3.
template <class T>
Variable<T> generator_loss(const Variable<T>& logits) {
  return nn::bce_with_logits(logits, 1);
}

/// G's loss of the minimax game, mean log(1 - sigmoid(D(G(z)))) = -mean softplus(D(G(z))). Its gradient with respect to
/// a logit is -sigmoid(D(G(z))) / N: it vanishes where D recognises the generated images.
/// Source: Goodfellow et al. 2014, equation 1.
template <class T>
Variable<T> saturating_generator_loss(const Variable<T>& logits) {
  return -nn::bce_with_logits(logits, 0);
}

}  // namespace tinygan::gan
