// SGD with momentum over all parameters. Cost: param, grad, m read, param, m written: 20 bytes a float parameter.
#pragma once

#include <cstdint>

#include <tinygan/backend/optimiser_arguments.hpp>
#include <tinygan/base/stream.hpp>
#include <tinygan/cpu/optimiser.hpp>

namespace tinygan::cpu {

template <class T>
void sgd(const SgdHyper& h, int count, const ParameterSlot<T>* slots, const std::uint64_t* step, Stream) {
  const auto rate = static_cast<T>(h.rate(static_cast<double>(*step))), momentum = static_cast<T>(h.momentum);
  const auto decay = static_cast<T>(h.weight_decay);
  // p -= rate (along_g g + along_m m)
  const T along_g = h.nesterov ? T(1) : T(0), along_m = h.nesterov ? momentum : T(1);
  detail::for_segments(count, slots, [&](index_t, const ParameterSlot<T>& s, index_t i, index_t n) {
    map<T>(n, {s.param + i, s.m + i}, {s.param + i, s.grad + i, s.m + i},
           [=](auto isa, const auto& a, auto& b) TINYGAN_INLINE_LAMBDA {
             using V = Vec<T, decltype(isa)>;
             const V g = a[1] + decay * a[0];
             const V m = momentum * a[2] + g;
             b[0] = a[0] - rate * (along_g * g + along_m * m);
             b[1] = m;
           });
  });
}

}  // namespace tinygan::cpu
