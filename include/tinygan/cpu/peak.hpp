// What this machine can do at most, measured: FLOP/s of multiply-adds in registers, bytes/s of a copy in memory.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <vector>

#include <tinygan/cpu/simd.hpp>
#include <tinygan/cpu/thread_pool.hpp>

namespace tinygan::cpu {

namespace detail {

inline double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace detail

/// FLOP/s of independent multiply-adds in registers, all threads of the pool at once, best of `repetitions`; the
/// instruction set is the one in use. A repetition lasts some 10 ms.
template <class T>
double fma_peak(int repetitions = 10) {
  constexpr int chains = 12;  // at least latency 4 times 2 units, and all of AVX2's 16 registers
  constexpr index_t steps = 1'000'000;
  double best = 0;
  std::vector<double> sink(static_cast<std::size_t>(threads()));
  std::vector<double> flops(sink.size());
  for (int repetition = 0; repetition < repetitions; ++repetition) {
    const double start = detail::seconds_now();
    const auto chunks = static_cast<index_t>(sink.size());
    parallel_chunks(chunks, [&](index_t chunk, int) {
      dispatch([&]<class Arch>(Arch) TINYGAN_INLINE_LAMBDA {
        Vec<T, Arch> acc[chains], factor = Vec<T, Arch>{} + T(0.999), term = Vec<T, Arch>{} + T(1e-3);
        for (int i = 0; i < chains; ++i) acc[i] = Vec<T, Arch>{} + static_cast<T>(i);
        for (index_t step = 0; step < steps; ++step)
#pragma GCC unroll 12
          for (int i = 0; i < chains; ++i) acc[i] = acc[i] * factor + term;
        for (int i = 0; i < chains; ++i) sink[static_cast<std::size_t>(chunk)] += static_cast<double>(acc[i][0]);
        flops[static_cast<std::size_t>(chunk)] = 2.0 * chains * lanes<T, Arch> * static_cast<double>(steps);
      });
    });
    double total = 0;
    for (double f : flops) total += f;
    best = std::max(best, total / (detail::seconds_now() - start));
  }
  return best;
}

/// Bytes/s read and written by a copy of 64 MiB, cut among all threads of the pool, best of `repetitions`.
inline double copy_bandwidth(int repetitions = 10) {
  constexpr std::size_t bytes = std::size_t{64} << 20;
  const std::vector<std::byte> from(bytes, std::byte{1});
  std::vector<std::byte> to(bytes);
  double best = 0;
  for (int repetition = 0; repetition < repetitions; ++repetition) {
    const double start = detail::seconds_now();
    parallel_for(static_cast<index_t>(bytes), index_t{1} << 20, [&](index_t begin, index_t end) {
      std::memcpy(to.data() + begin, from.data() + begin, static_cast<std::size_t>(end - begin));
    });
    best = std::max(best, 2 * static_cast<double>(bytes) / (detail::seconds_now() - start));
  }
  return best;
}

}  // namespace tinygan::cpu
