// Adam over all parameters. Hyper-parameters are combined in double, once per call.
//
// Cost: param, grad, m, v read, param, m, v written: 28 bytes a float parameter.
// Source: Kingma and Ba, "Adam", 2015; Loshchilov and Hutter, "Decoupled Weight Decay Regularization", 2019.
#pragma once

#include <cstdint>

#include <tinygan/backend/optimiser_arguments.hpp>
#include <tinygan/base/stream.hpp>
#include <tinygan/cpu/math.hpp>
#include <tinygan/cpu/optimiser.hpp>

namespace tinygan::cpu {

template <class T>
void adam(const AdamHyper& h, int count, const ParameterSlot<T>* slots, const std::uint64_t* step, Stream) {
  const auto t = static_cast<double>(*step);
  const double correction1 = h.bias_correction ? 1 - __builtin_pow(h.beta1, t) : 1;
  const double root_correction2 = h.bias_correction ? __builtin_sqrt(1 - __builtin_pow(h.beta2, t)) : 1;
  const double learning_rate = h.rate(t);
  // Both forms are p -= rate m / (sqrt(v) root + epsilon).
  const auto rate = static_cast<T>(learning_rate * (h.epsilon_hat ? root_correction2 : 1) / correction1);
  const auto root = static_cast<T>(h.epsilon_hat ? 1 : 1 / root_correction2);
  const auto epsilon = static_cast<T>(h.epsilon), keep = static_cast<T>(1 - learning_rate * h.weight_decay);
  const auto b1 = static_cast<T>(h.beta1), a1 = static_cast<T>(1 - h.beta1);
  const auto b2 = static_cast<T>(h.beta2), a2 = static_cast<T>(1 - h.beta2);
  detail::for_segments(count, slots, [&](index_t, const ParameterSlot<T>& s, index_t i, index_t n) {
    map<T, Bound::arithmetic>(n, {s.param + i, s.m + i, s.v + i}, {s.param + i, s.grad + i, s.m + i, s.v + i},
                              [=](auto isa, const auto& a, auto& b) TINYGAN_INLINE_LAMBDA {
                                using V = Vec<T, decltype(isa)>;
                                const V m = b1 * a[2] + a1 * a[1];
                                const V v = b2 * a[3] + a2 * (a[1] * a[1]);
                                V deviation;
                                math::sqrt<T, decltype(isa)>(v, deviation);
                                b[0] = keep * a[0] - rate * m / (deviation * root + epsilon);
                                b[1] = m;
                                b[2] = v;
                              });
  });
}

}  // namespace tinygan::cpu
