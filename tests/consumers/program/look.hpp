// The same look at the library, compiled into every part from inline functions and templates of the headers.
#pragma once

#include <tinygan/tinygan.hpp>

#include "parts.hpp"

static Seen look() {
  using namespace tinygan;
  Generator random(7);
  const Variable<float> x(random_normal<float>({2, 9, 9, 3}, random));
  const Variable<float> w(random_normal<float>({3, 3, 3, 8}, random), /*requires_grad=*/true);
  const ConvOptions options{.stride_h = 2, .stride_w = 2, .padding = Padding::same()};
  const Variable<float> y = ops::conv2d(x, w, conv_dims(x.shape(), w.shape(), options));
  const Variable<float> gradient = grad(ops::sum(ops::tanh(y)), {w})[0];
  return {&cpu::thread_pool(), &memory_pool(Device::cpu()), &default_generator(), &detail::backends(),
          cpu::threads(),      gradient.value().to_vector()};
}
