// Dropout: the mask is a function of the draw, so it is drawn again in the backward pass instead of stored.
#pragma once

#include <tinygan/autograd/grad.hpp>
#include <tinygan/ops/inputs.hpp>
#include <tinygan/tensor/random.hpp>

namespace tinygan::ops {

namespace detail {

template <class T>
Variable<T> dropout(const Variable<T>& x, double rate, const RandomDraw& draw) {
  Tensor<T> y(x.shape(), x.device());
  kernels<T>(x.device()).dropout(x.size(), draw.key, kernel_scalar<T>(rate), x.value().data(), y.data(), Stream{});
  const SavedTensor step("the generator's step", draw.step);  // another step would draw another mask
  return record<T>("dropout", y, {x}, [rate, key = draw.key, step](const Backward<T>& c) {
    return std::vector{dropout(c.g, rate, {key, step.get()})};
  });
}

}  // namespace detail

/// y = 0 with probability rate, else x / (1 - rate). Source: Srivastava et al. 2014 (inverted form). Throws Error
/// unless 0 <= rate < 1 and the generator lives on x's device.
template <class T>
Variable<T> dropout(const Variable<T>& x, double rate, Generator& generator) {
  detail::check_input("dropout", "input", x);
  check(rate >= 0 && rate < 1, "dropout", "rate ", rate, ", expected at least 0 and below 1");
  check(generator.device() == x.device(), "dropout", "generator on ", generator.device(), ", input on ", x.device());
  return rate == 0 ? x : detail::dropout(x, rate, generator.next());
}

}  // namespace tinygan::ops
