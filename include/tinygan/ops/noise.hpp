// Additive noise: normal numbers of a standard deviation that may fall over the training steps.
#pragma once

#include <cmath>

#include <tinygan/autograd/grad.hpp>
#include <tinygan/backend/rate_schedule.hpp>
#include <tinygan/ops/inputs.hpp>
#include <tinygan/tensor/random.hpp>

namespace tinygan::ops {

/// y = x + stddev schedule(t) z, z standard normal, drawn in one kernel with the sum. t is the generator's step, from 0 at
/// its first next_step(), read on the device: a captured step has the noise of its own step. The gradient is the
/// identity. Throws Error unless stddev is finite and at least 0, and the generator lives on x's device.
template <class T>
Variable<T> add_noise(const Variable<T>& x, double stddev, const RateSchedule& schedule, Generator& generator) {
  detail::check_input("add_noise", "input", x);
  check(std::isfinite(stddev) && stddev >= 0, "add_noise", "standard deviation ", stddev,
        ", expected a finite number of at least 0");
  check(generator.device() == x.device(), "add_noise", "generator on ", generator.device(), ", input on ", x.device());
  if (stddev == 0) return x;
  Tensor<T> y(x.shape(), x.device());
  const RandomDraw draw = generator.next();
  kernels<T>(x.device())
      .add_noise(x.size(), draw.key, kernel_scalar<T>(stddev), schedule, x.value().data(), y.data(), Stream{});
  return record<T>("add_noise", y, {x}, [](const Backward<T>& c) { return std::vector{Variable<T>(c.g)}; });
}

}  // namespace tinygan::ops
