// Losses: scalars to minimise, means over all elements.
#pragma once

#include <tinygan/ops/softmax.hpp>

namespace tinygan::nn {

namespace detail {

template <class T>
void check_target(const char* op, const Variable<T>& prediction, const Variable<T>& target) {
  check(prediction.shape() == target.shape(), op, "prediction ", prediction.shape(), " and target ", target.shape(),
        " differ in shape");
}

}  // namespace detail

/// mean of softplus(x) - t x, the cross-entropy of t against sigmoid(x), finite for any logit. Throws Error on a shape
/// mismatch, as do all losses.
template <class T>
Variable<T> bce_with_logits(const Variable<T>& logits, const Variable<T>& target) {
  detail::check_target("bce_with_logits", logits, target);
  return ops::mean(ops::softplus(logits) - target * logits);
}

/// The same for one label: softplus(-x) for 1, softplus(x) for 0. Throws Error unless 0 <= label <= 1.
template <class T>
Variable<T> bce_with_logits(const Variable<T>& logits, wide_t<T> label) {
  check(label >= 0 && label <= 1, "bce_with_logits", "label ", label, ", expected 0 to 1");
  if (label == 0) return ops::mean(ops::softplus(logits));
  if (label == 1) return ops::mean(ops::softplus(-logits));
  return ops::mean(ops::softplus(logits) - logits * label);
}

/// mean of -(t ln p + (1-t) ln(1-p)), p clamped to [eps, 1-eps] as Keras does (eps 1e-7).
template <class T>
Variable<T> binary_cross_entropy(const Variable<T>& probability, const Variable<T>& target, wide_t<T> epsilon = wide_t<T>(1e-7)) {
  detail::check_target("binary_cross_entropy", probability, target);
  const Variable<T> p = ops::clamp(probability, epsilon, 1 - epsilon);
  return -ops::mean(target * ops::log(p) + (1 - target) * ops::log(1 - p));
}

/// mean of (x - t)^2.
template <class T>
Variable<T> mean_squared_error(const Variable<T>& prediction, const Variable<T>& target) {
  detail::check_target("mean_squared_error", prediction, target);
  return ops::mean(ops::square(prediction - target));
}

/// Rows of the identity: y(i, labels[i]) = 1. Throws Error on a label outside [0, classes).
template <class T>
Tensor<T> one_hot(std::span<const int> labels, index_t classes, Device device = Device::cpu()) {
  std::vector<T> rows(labels.size() * static_cast<std::size_t>(classes), T(0));
  for (std::size_t i = 0; i < labels.size(); ++i) {
    check(labels[i] >= 0 && labels[i] < classes, "one_hot", "label ", labels[i], " of row ", i, ", expected 0 to ", classes - 1);
    rows[i * static_cast<std::size_t>(classes) + static_cast<std::size_t>(labels[i])] = T(1);
  }
  return Tensor<T>::from(rows, {static_cast<index_t>(labels.size()), classes}, device);
}

/// mean over rows of -sum t log_softmax(x) along the last axis; t are probabilities, e.g. from one_hot.
template <class T>
Variable<T> softmax_cross_entropy(const Variable<T>& logits, const Variable<T>& target) {
  detail::check_target("softmax_cross_entropy", logits, target);
  const auto rows = static_cast<wide_t<T>>(logits.size() / logits.shape()[-1]);
  return ops::sum(target * ops::log_softmax(logits)) * (T(-1) / rows);
}

}  // namespace tinygan::nn
