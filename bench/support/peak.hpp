// The machine's FMA peak: the yardstick that every benchmark measures in the same run.
#pragma once

#include <algorithm>
#include <chrono>
#include <vector>

#include <tinygan/cpu/simd.hpp>
#include <tinygan/cpu/thread_pool.hpp>

namespace tinygan::bench {

inline double seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// FLOP/s of independent multiply-adds in registers, all threads of the pool at once, best of `repetitions`; the
/// instruction set is the one in use. A repetition lasts some 10 ms.
template <class T>
double fma_peak(int repetitions = 10) {
  constexpr int chains = 12;  // at least latency 4 times 2 units, and all of AVX2's 16 registers
  constexpr index_t steps = 1'000'000;
  double best = 0;
  std::vector<double> sink(static_cast<std::size_t>(cpu::threads()));
  std::vector<double> flops(sink.size());
  for (int repetition = 0; repetition < repetitions; ++repetition) {
    const double start = seconds();
    const auto threads = static_cast<index_t>(sink.size());
    cpu::parallel_chunks(threads, [&](index_t chunk, int) {
      cpu::dispatch([&]<class Arch>(Arch) TINYGAN_INLINE_LAMBDA {
        cpu::Vec<T, Arch> acc[chains], factor = cpu::Vec<T, Arch>{} + T(0.999), term = cpu::Vec<T, Arch>{} + T(1e-3);
        for (int i = 0; i < chains; ++i) acc[i] = cpu::Vec<T, Arch>{} + static_cast<T>(i);
        for (index_t step = 0; step < steps; ++step)
#pragma GCC unroll 12
          for (int i = 0; i < chains; ++i) acc[i] = acc[i] * factor + term;
        for (int i = 0; i < chains; ++i) sink[static_cast<std::size_t>(chunk)] += static_cast<double>(acc[i][0]);
        flops[static_cast<std::size_t>(chunk)] = 2.0 * chains * cpu::lanes<T, Arch> * static_cast<double>(steps);
      });
    });
    double total = 0;
    for (double f : flops) total += f;
    best = std::max(best, total / (seconds() - start));
  }
  return best;
}

}  // namespace tinygan::bench
