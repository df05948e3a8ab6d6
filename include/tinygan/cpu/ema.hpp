// Exponential moving average of a tensor.
#pragma once

#include <tinygan/base/stream.hpp>
#include <tinygan/cpu/map.hpp>

namespace tinygan::cpu {

template <class T>
void ema(index_t n, T decay, const T* x, T* average, Stream) {
  parallel_for(n, chunk_elements, [&](index_t begin, index_t end) {
    map<T>(end - begin, {average + begin}, {average + begin, x + begin},
           [decay](auto, const auto& a, auto& b)
               TINYGAN_INLINE_LAMBDA { b[0] = decay * a[0] + (T(1) - decay) * a[1]; });
  });
}

}  // namespace tinygan::cpu
