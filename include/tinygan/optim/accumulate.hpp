// Gradient accumulation: the mean gradient of several batches in one update.
#pragma once

#include <utility>
#include <vector>

#include <tinygan/autograd/grad.hpp>
#include <tinygan/ops/cast.hpp>
#include <tinygan/ops/pointwise.hpp>
#include <tinygan/optim/distinct.hpp>

namespace tinygan::optim {

/// Divides the gradients that `count` calls of backward() accumulated by `count`, in place. Throws Error unless
/// count >= 1, and if a parameter has no gradient.
template <class T>
void average_grads(const std::vector<Variable<T>>& parameters, int count) {
  check(count >= 1, "average_grads", "count is ", count, ", expected at least 1");
  for (const Variable<T>& g : detail::accumulated_grads("average_grads", parameters)) {
    kernels<T>(g.device())
        .unary(UnaryOp::affine, g.size(), kernel_scalar<T>(1.0 / count), kernel_scalar<T>(0), g.value().data(),
               g.value().data(), Stream{});
    g.value().bump_version();
  }
}

/// The mean of the gradients of several calls of grad(), summed in fp32 where T is bfloat16.
template <class T = float>
class GradAccumulator {
 public:
  /// Adds the gradients of one batch. Throws Error if one is empty, or if number or shapes differ from the batches
  /// before.
  void add(const std::vector<Variable<T>>& grads);

  /// The mean of the batches, which are then forgotten. Throws Error if there was none.
  std::vector<Variable<T>> mean();

  /// Batches since the last mean().
  int count() const { return count_; }

 private:
  using Wide = wide_t<T>;

  std::vector<Variable<Wide>> sums_;
  int count_ = 0;
};

template <class T>
void GradAccumulator<T>::add(const std::vector<Variable<T>>& grads) {
  const char* const op = "GradAccumulator";
  check(count_ == 0 || grads.size() == sums_.size(), op, grads.size(), " gradients, expected ", sums_.size(),
        " as in the batches before");
  for (std::size_t i = 0; i < grads.size(); ++i) {
    check(grads[i].defined(), op, "gradient ", i, " is empty, expected a variable with a value");
    check(count_ == 0 || grads[i].shape() == sums_[i].shape(), op, "gradient ", i, " has shape ", grads[i].shape(),
          ", expected ", count_ == 0 ? Shape{} : sums_[i].shape(), " as in the batches before");
  }
  const NoGrad no_grad;
  if (count_ == 0) sums_.clear();
  for (std::size_t i = 0; i < grads.size(); ++i) {
    const Variable<Wide> g = cast<Wide>(grads[i]);
    if (count_ == 0) sums_.push_back(g);
    else sums_[i] = sums_[i] + g;
  }
  ++count_;
}

template <class T>
std::vector<Variable<T>> GradAccumulator<T>::mean() {
  check(count_ >= 1, "GradAccumulator", "no gradients were added since the last mean()");
  const NoGrad no_grad;
  std::vector<Variable<T>> means;
  for (Variable<Wide>& sum : sums_) means.push_back(cast<T>(std::exchange(sum, {}) / static_cast<double>(count_)));
  sums_.clear();
  count_ = 0;
  return means;
}

}  // namespace tinygan::optim
