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
/// instruction set is the one in use. A million steps last some 10 ms.
template <class T>
double fma_peak(int repetitions = 10, index_t steps = 1'000'000) {
  double best = 0;
  std::vector<double> sink(static_cast<std::size_t>(threads()));
  std::vector<double> flops(sink.size());
  for (int repetition = 0; repetition < repetitions; ++repetition) {
    const double start = detail::seconds_now();
    const auto chunks = static_cast<index_t>(sink.size());
    parallel_chunks(chunks, [&](index_t chunk, int) {
      dispatch([&]<class Arch>(Arch) TINYGAN_INLINE_LAMBDA {
        // At least latency 4 times 2 units, and all of AVX2's 16 registers; NEON: times 4 units.
        constexpr int chains = Arch::isa == Isa::neon ? 24 : 12;
        Vec<T, Arch> acc[chains], factor = Vec<T, Arch>{} + T(0.999), term = Vec<T, Arch>{} + T(1e-3);
        for (int i = 0; i < chains; ++i) acc[i] = Vec<T, Arch>{} + static_cast<T>(i);
        for (index_t step = 0; step < steps; ++step)
#pragma GCC unroll 24
          for (int i = 0; i < chains; ++i) {
#if defined(__aarch64__)
            // Written out: NEON adds to the sum's own register, so that acc * factor + term needs copies of the term.
            Vec<T, Arch> sum = acc[i];
            if constexpr (sizeof(T) == 4) asm("fmla %0.4s, %1.4s, %2.4s" : "+w"(sum) : "w"(factor), "w"(term));
            else asm("fmla %0.2d, %1.2d, %2.2d" : "+w"(sum) : "w"(factor), "w"(term));
            acc[i] = sum;
#else
            acc[i] = acc[i] * factor + term;
#endif
          }
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

/// Bytes/s read and written by a copy of 128 MiB, cut among all threads of the pool: the best of its pieces of 8 MiB, so
/// that a moment without the processor does not count.
inline double copy_bandwidth() {
  constexpr index_t pieces = 16, piece = index_t{8} << 20, grain = index_t{1} << 18;
  const std::vector<std::byte> from(static_cast<std::size_t>(pieces * piece), std::byte{1});
  std::vector<std::byte> to(from.size());
  double best = 0;
  for (index_t first = 0; first < pieces * piece; first += piece) {
    const double start = detail::seconds_now();
    parallel_for(piece, grain, [&](index_t begin, index_t end) {
      std::memcpy(to.data() + first + begin, from.data() + first + begin, static_cast<std::size_t>(end - begin));
    });
    best = std::max(best, 2 * static_cast<double>(piece) / (detail::seconds_now() - start));
  }
  return best;
}

}  // namespace tinygan::cpu
