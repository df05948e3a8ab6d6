// Losses: scalars to minimise, and the accuracy of a classifier.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <limits>
#include <ranges>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include <tinygan/ops/extrema.hpp>
#include <tinygan/ops/indexing.hpp>
#include <tinygan/ops/softmax.hpp>

namespace tinygan::nn {

/// What a loss does with its terms, one for each element or row: their mean, their sum, or the terms as they are.
enum class Reduction { mean, sum, none };

namespace detail {

/// The terms of a loss reduced.
template <class T>
Variable<T> reduce_terms(const Variable<T>& terms, Reduction reduction) {
  switch (reduction) {
    case Reduction::none: return terms;
    case Reduction::sum: return ops::sum(terms);
    default: return ops::mean(terms);
  }
}

template <class T>
void check_target(const char* op, const Variable<T>& prediction, const Variable<T>& target) {
  ops::detail::check_input(op, "prediction", prediction);
  ops::detail::check_input(op, "target", target);
  check(prediction.shape() == target.shape(), op, "prediction ", prediction.shape(), " and target ", target.shape(),
        " differ in shape");
}

/// Throws Error on a target outside [0, max]. In device memory targets are checked in an AnomalyScope only: reading
/// them makes the host wait for the device in every step.
template <class T>
void check_probabilities(const char* op, const Variable<T>& target, double max) {
  const bool on_host = backend(target.device()).host_memory;
  if (!on_host && !detecting_anomalies()) return;
  const std::vector<T> copy = on_host ? std::vector<T>() : target.value().to_vector();
  const std::span<const T> values = on_host ? target.value().host() : std::span<const T>(copy);
  const auto bad =
      std::find_if(values.begin(), values.end(), [&](T t) { return !(t >= T(0) && static_cast<double>(t) <= max); });
  if (bad != values.end())
    fail(op, "target ", static_cast<double>(*bad), " at element ", bad - values.begin(), " of ", target.shape(),
         max == 1 ? ", expected 0 to 1" : ", expected at least 0");
}

}  // namespace detail

/// mean of t softplus(-x) + (1-t) softplus(x), the cross-entropy of t against sigmoid(x): finite for any finite logit,
/// with a relative error of a few roundings. Throws Error on a shape mismatch, as do all losses, and on targets outside
/// [0,1]; those in GPU memory are checked in an AnomalyScope only.
template <class T>
Variable<T> bce_with_logits(const Variable<T>& logits, const std::type_identity_t<Variable<T>>& target,
                            Reduction reduction = Reduction::mean) {
  detail::check_target("bce_with_logits", logits, target);
  detail::check_probabilities("bce_with_logits", target, 1);
  return detail::reduce_terms(target * ops::softplus(-logits) + (1 - target) * ops::softplus(logits), reduction);
}

/// For one label of all logits: softplus(-x) for 1, softplus(x) for 0. Throws Error unless 0 <= label <= 1.
template <class T>
Variable<T> bce_with_logits(const Variable<T>& logits, double label, Reduction reduction = Reduction::mean) {
  ops::detail::check_input("bce_with_logits", "prediction", logits);
  check(label >= 0 && label <= 1, "bce_with_logits", "label ", label, ", expected 0 to 1");
  if (label == 0) return detail::reduce_terms(ops::softplus(logits), reduction);
  if (label == 1) return detail::reduce_terms(ops::softplus(-logits), reduction);
  return detail::reduce_terms(ops::softplus(-logits) * label + ops::softplus(logits) * (1 - label), reduction);
}

/// mean of -(t ln p + (1-t) ln(1-p)), p clamped to [eps, 1-eps] as Keras does (eps 1e-7), and below 1 where 1-eps
/// rounds to 1. Throws Error unless 0 < eps < 0.5, and on targets outside [0,1] as bce_with_logits does.
template <class T>
Variable<T> binary_cross_entropy(const Variable<T>& probability, const std::type_identity_t<Variable<T>>& target,
                                 double epsilon = 1e-7, Reduction reduction = Reduction::mean) {
  detail::check_target("binary_cross_entropy", probability, target);
  detail::check_probabilities("binary_cross_entropy", target, 1);
  check(epsilon > 0 && epsilon < 0.5, "binary_cross_entropy", "epsilon ", epsilon, ", expected above 0 and below 0.5");
  constexpr double below_one =
      1 - (std::is_same_v<T, bfloat16> ? 0x1p-8 : double{std::numeric_limits<T>::epsilon()} / 2);
  const Variable<T> p = ops::clamp(probability, epsilon, std::min(1 - epsilon, below_one));
  return -detail::reduce_terms(target * ops::log(p) + (1 - target) * ops::log(1 - p), reduction);
}

/// mean of (x - t)^2.
template <class T>
Variable<T> mean_squared_error(const Variable<T>& prediction, const std::type_identity_t<Variable<T>>& target,
                               Reduction reduction = Reduction::mean) {
  detail::check_target("mean_squared_error", prediction, target);
  return detail::reduce_terms(ops::square(prediction - target), reduction);
}

/// Class labels: a vector, span or array of integers.
template <class R>
concept Labels = std::ranges::contiguous_range<R> && std::integral<std::ranges::range_value_t<R>>;

/// Rows of the identity: y(i, labels[i]) = 1. Throws Error on a label outside [0, classes).
template <class T>
Tensor<T> one_hot(const Labels auto& labels, index_t classes, Device device = Device::cpu()) {
  const auto count = static_cast<index_t>(std::ranges::size(labels));
  check(count > 0 && classes >= 1, "one_hot", count, " labels of ", classes, " classes, expected at least 1 of each");
  std::vector<T> rows(static_cast<std::size_t>(count * classes), T(0));
  index_t row = 0;
  for (const auto label : labels) {
    check(std::cmp_greater_equal(label, 0) && std::cmp_less(label, classes), "one_hot", "label ", +label, " of row ",
          row, ", expected 0 to ", classes - 1);
    rows[static_cast<std::size_t>(row++ * classes + static_cast<index_t>(label))] = T(1);
  }
  return Tensor<T>::from(rows, {count, classes}, device);
}

/// The same for labels in a tensor of any shape (..), on its device: y(.., classes). Throws Error on a label outside
/// [0, classes); of labels in GPU memory in an AnomalyScope only, their rows are 0 otherwise.
template <class T>
Tensor<T> one_hot(const Tensor<std::int32_t>& labels, index_t classes) {
  check(labels.defined() && classes >= 1, "one_hot", labels.defined() ? "" : "no labels, ", classes,
        " classes, expected at least 1");
  ops::detail::check_indices("one_hot", labels, classes, labels.device());
  std::vector<index_t> extents(labels.shape().begin(), labels.shape().end());
  extents.push_back(classes);
  Tensor<T> rows(Shape(extents), labels.device());
  const Tensor<T> ones = Tensor<T>::full(labels.shape(), T(1), labels.device());
  const IndexDims d{labels.size(), classes, 1, 1, IndexDims::Indices::each};
  kernels<T>(labels.device()).scatter_add(d, labels.data(), ones.data(), rows.data(), Stream{});
  return rows;
}

/// mean over rows of -sum t log_softmax(x) along the last axis; t are probabilities, e.g. from one_hot. Throws Error on
/// a scalar, and on targets below 0 or NaN as bce_with_logits does.
template <class T>
Variable<T> softmax_cross_entropy(const Variable<T>& logits, const std::type_identity_t<Variable<T>>& target,
                                  Reduction reduction = Reduction::mean) {
  detail::check_target("softmax_cross_entropy", logits, target);
  check(logits.rank() >= 1, "softmax_cross_entropy", "a scalar has no axis of classes");
  detail::check_probabilities("softmax_cross_entropy", target, std::numeric_limits<double>::infinity());
  const Variable<T> terms = target * ops::log_softmax(logits);
  if (reduction == Reduction::none) return -ops::sum(terms, {-1});
  const index_t rows = reduction == Reduction::sum ? 1 : logits.size() / logits.shape()[-1];
  return ops::sum(terms) * (-1 / static_cast<double>(rows));
}

/// For integer labels: mean over rows of -log_softmax(x)(i, labels[i]), logits (N, classes). Throws Error on another
/// shape and on a label outside [0, classes).
template <class T>
Variable<T> softmax_cross_entropy(const Variable<T>& logits, const Labels auto& labels,
                                  Reduction reduction = Reduction::mean) {
  ops::detail::check_input("softmax_cross_entropy", "prediction", logits);
  check(logits.rank() == 2 && std::cmp_equal(logits.shape()[0], std::ranges::size(labels)), "softmax_cross_entropy",
        "prediction ", logits.shape(), " for ", std::ranges::size(labels), " labels, expected (labels, classes)");
  return softmax_cross_entropy(logits, Variable<T>(one_hot<T>(labels, logits.shape()[1], logits.device())), reduction);
}

/// For labels (..) in a tensor on the device of logits (.., classes): -log_softmax(x)[.., label], without a row of
/// probabilities for each. Throws Error on another shape or device, and on a label outside [0, classes) as take does.
template <class T>
Variable<T> softmax_cross_entropy(const Variable<T>& logits, const Tensor<std::int32_t>& labels,
                                  Reduction reduction = Reduction::mean) {
  constexpr const char* op = "softmax_cross_entropy";
  ops::detail::check_input(op, "prediction", logits);
  check(labels.defined(), op, "the labels are empty, expected a tensor of them");
  check(logits.rank() == labels.rank() + 1, op, "prediction ", logits.shape(), " for labels ", labels.shape(),
        ", expected (.., classes) for (..)");
  std::vector<index_t> extents(labels.shape().begin(), labels.shape().end());
  extents.push_back(1);
  const Variable<T> selected = ops::take_along_axis(ops::log_softmax(logits), labels.reshape(Shape(extents)), -1);
  return detail::reduce_terms(-ops::reshape(selected, labels.shape()), reduction);
}

/// The share of rows of logits (.., classes) whose largest element is at the label (..), the first of equal ones. Reads
/// the device. Throws Error on another shape or device.
template <class T>
double accuracy(const Variable<T>& logits, const Tensor<std::int32_t>& labels) {
  const Tensor<std::int32_t> best = ops::argmax(logits, -1);
  check(labels.defined() && labels.shape() == best.shape(), "accuracy", "prediction ", logits.shape(), " for labels ",
        labels.defined() ? labels.shape() : Shape{}, ", expected (.., classes) for (..)");
  const std::vector<std::int32_t> found = best.to_vector(), expected = labels.to_vector();
  index_t correct = 0;
  for (std::size_t i = 0; i < found.size(); ++i) correct += found[i] == expected[i];
  return static_cast<double>(correct) / static_cast<double>(best.size());
}

/// The same for a vector, span or array of labels, logits (N, classes).
template <class T>
double accuracy(const Variable<T>& logits, const Labels auto& labels) {
  std::vector<std::int32_t> list;
  for (const auto label : labels) list.push_back(static_cast<std::int32_t>(label));
  return accuracy(logits, Tensor<std::int32_t>::from(list, {static_cast<index_t>(list.size())}));
}

}  // namespace tinygan::nn
