// Checks of hyper-parameters, and the kernels that take them.
#pragma once

#include <cmath>
#include <cstdint>

#include <tinygan/optim/schedule.hpp>
#include <tinygan/tensor/kernels.hpp>

namespace tinygan::optim {

namespace detail {

inline void check_finite(const char* op, const char* what, double value, bool positive = false) {
  check(std::isfinite(value) && (positive ? value > 0 : value >= 0), op, what, " is ", value, ", expected a finite ",
        positive ? "positive" : "non-negative", " number");
}

inline void check_share(const char* op, const char* what, double value) {
  check(value >= 0 && value < 1, op, what, " is ", value, ", expected at least 0 and below 1");
}

}  // namespace detail

/// Throws Error on a NaN, infinite or out-of-range hyper-parameter.
inline void check_hyper(const char* op, const AdamHyper& h) {
  detail::check_finite(op, "learning rate", h.learning_rate);
  detail::check_finite(op, "epsilon", h.epsilon, true);
  detail::check_finite(op, "weight decay", h.weight_decay);
  detail::check_share(op, "beta1", h.beta1);
  detail::check_share(op, "beta2", h.beta2);
  check_schedule(op, h.schedule);
}
/// The same of SGD: finite non-negative rates, a momentum in [0, 1).
inline void check_hyper(const char* op, const SgdHyper& h) {
  detail::check_finite(op, "learning rate", h.learning_rate);
  detail::check_finite(op, "weight decay", h.weight_decay);
  detail::check_share(op, "momentum", h.momentum);
  check_schedule(op, h.schedule);
}

/// The kernel of an optimiser: an update of `count` parameters with these hyper-parameters.
template <class T>
void run_kernel(const KernelTable<T>& k, const AdamHyper& h, int count, const ParameterSlot<T>* slots,
                const std::uint64_t* step) {
  k.adam(h, count, slots, step, Stream{});
}
/// The update of SGD.
template <class T>
void run_kernel(const KernelTable<T>& k, const SgdHyper& h, int count, const ParameterSlot<T>* slots,
                const std::uint64_t* step) {
  k.sgd(h, count, slots, step, Stream{});
}

}  // namespace tinygan::optim
