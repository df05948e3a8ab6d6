// Random kernels: uniform, normal, Bernoulli, integers, dropout and noise from Philox4x32-10 (backend/philox.hpp).
//
// Element i uses word i % 4 of the block with counter (i / 4, draw, step) and key `seed`; as a float,
//   u_i = uniform01(word_i), and normals by Box-Muller from the pairs (words 0, 1) and (2, 3) of a block:
//   r = sqrt(-2 ln uniform01_open(even word)), a = 2 pi uniform01(odd word): even element r cos a, odd element r sin a.
// Double takes the same u or z, converted. Words are the same on every instruction set; what is computed from them may
// differ in the last bit where products fuse with sums. An element is a function of its number, so the same bits come
// out at any thread count. Numbers are made 1024 at a time into a buffer in L1; dropout needs the words only, and reads
// them from registers. Cost: about 100 vector operations per 32 words, so dropout keeps up with memory.
// Source: Salmon, Moraes, Dror, Shaw, SC 2011; Box and Muller, 1958.
#pragma once

#include <tinygan/backend/philox.hpp>
#include <tinygan/backend/rate_schedule.hpp>
#include <tinygan/base/stream.hpp>
#include <tinygan/cpu/map.hpp>
#include <tinygan/cpu/math.hpp>
#include <tinygan/cpu/pointwise.hpp>

namespace tinygan::cpu {

namespace detail {

inline constexpr index_t random_buffer = 1024;  // elements; a multiple of what one round of any instruction set makes

/// The even and the odd elements of two vectors taken as one.
template <class V, std::size_t... K>
TINYGAN_INLINE void deinterleave(const V& low, const V& high, V& even, V& odd, std::index_sequence<K...>) {
  even = __builtin_shufflevector(low, high, (static_cast<int>(K) * 2)...);
  odd = __builtin_shufflevector(low, high, (static_cast<int>(K) * 2 + 1)...);
}

template <class V, std::size_t... K>
TINYGAN_INLINE void count_up(V& v, std::index_sequence<K...>) {
  v = V{K...};
}

/// product = the lower 32 bits of each lane times k. On x86 clang finds its instruction in the general expression;
/// g++ (12 to 14) does not, and would take twice as long. On ARM g++ 12 and clang 14 take each lane through the integer
/// registers. (-Wpsabi speaks of calls; these builtins are single instructions.)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpsabi"
template <class Arch>
TINYGAN_INLINE void multiply_low_halves(const Vec<std::uint64_t, Arch>& a, std::uint64_t k,
                                        Vec<std::uint64_t, Arch>& product) {
#if defined(__x86_64__) && !defined(__clang__)
  const auto x = reinterpret_cast<Vec<int, Arch>>(a),
             y = reinterpret_cast<Vec<int, Arch>>(Vec<std::uint64_t, Arch>{} + k);
  if constexpr (Arch::isa == Isa::avx512)
    product =
        reinterpret_cast<Vec<std::uint64_t, Arch>>(__builtin_ia32_pmuludq512_mask(x, y, Vec<long long, Arch>{}, 0xff));
  else if constexpr (Arch::isa == Isa::avx2)
    product = reinterpret_cast<Vec<std::uint64_t, Arch>>(__builtin_ia32_pmuludq256(x, y));
  else product = reinterpret_cast<Vec<std::uint64_t, Arch>>(__builtin_ia32_pmuludq128(x, y));
#elif defined(__aarch64__)
  const Vec<std::uint32_t, Arch> factor = Vec<std::uint32_t, Arch>{} + static_cast<std::uint32_t>(k);
  asm("xtn %0.2s, %1.2d\n\tumull %0.2d, %0.2s, %2.2s" : "=&w"(product) : "w"(a), "w"(factor));
#else
  product = (a & 0xffffffffu) * k;
#endif
}
#pragma GCC diagnostic pop

/// Constants of the blocks of one draw: the upper counter words and the key of each round, one copy per lane.
template <class Arch>
struct PhiloxDraw {
  static constexpr int rounds = 10;
  using V = Vec<std::uint64_t, Arch>;
  V draw, step, key[rounds][2];
};

template <class Arch>
TINYGAN_INLINE void set_up(PhiloxDraw<Arch>& d, const RandomKey& key, std::uint64_t step) {
  using V = typename PhiloxDraw<Arch>::V;
  constexpr std::uint64_t low = 0xffffffffu;
  d.draw = V{} + std::uint64_t{key.draw};
  d.step = V{} + (step & low);
  for (int round = 0; round < PhiloxDraw<Arch>::rounds; ++round) {
    const auto r = static_cast<std::uint64_t>(round);
    d.key[round][0] = V{} + ((key.seed + r * 0x9E3779B9u) & low);
    d.key[round][1] = V{} + (((key.seed >> 32) + r * 0xBB67AE85u) & low);
  }
}

/// The words of blocks block .. block + lanes-1 in order, in two vectors. One block per 64-bit lane, its words in the
/// lower halves, because a 32 x 32 -> 64 bit product is what the hardware has for such lanes.
template <class Arch>
TINYGAN_INLINE void philox_words(const PhiloxDraw<Arch>& d, std::uint64_t block, Vec<std::uint32_t, Arch>& first,
                                 Vec<std::uint32_t, Arch>& second) {
  using V = Vec<std::uint64_t, Arch>;
  using Lanes = std::make_index_sequence<static_cast<std::size_t>(lanes<std::uint64_t, Arch>)>;
  constexpr std::uint64_t low = 0xffffffffu;
  V c0;
  count_up(c0, Lanes{});
  c0 += block;
  V c1 = c0 >> 32, c2 = d.draw, c3 = d.step;
  for (int r = 0; r < PhiloxDraw<Arch>::rounds; ++r) {
    V a, b;
    multiply_low_halves<Arch>(c0, 0xD2511F53u, a);
    multiply_low_halves<Arch>(c2, 0xCD9E8D57u, b);
    c0 = (b >> 32) ^ c1 ^ d.key[r][0];
    c2 = (a >> 32) ^ c3 ^ d.key[r][1];
    c1 = b;  // of which the lower half counts
    c3 = a;
  }
  V front, back;
  interleave(V((c0 & low) | c1 << 32), V((c2 & low) | c3 << 32), front, back, Lanes{});
  first = reinterpret_cast<Vec<std::uint32_t, Arch>>(front);
  second = reinterpret_cast<Vec<std::uint32_t, Arch>>(back);
}

/// y = u of the words w.
template <class Arch>
TINYGAN_INLINE void to_uniform(const Vec<std::uint32_t, Arch>& w, std::uint32_t plus, Vec<float, Arch>& y) {
  const auto whole = reinterpret_cast<Vec<std::int32_t, Arch>>((w >> 8) + plus);
  y = __builtin_convertvector(whole, Vec<float, Arch>) * 0x1p-24f;
}

/// Elements begin .. of a draw, at least n <= random_buffer of them, into y; begin is a multiple of 4.
inline void random_floats(bool normal, index_t begin, index_t n, const RandomKey& key, std::uint64_t step, float* y) {
  dispatch([&](auto isa) TINYGAN_INLINE_LAMBDA {
    using Arch = decltype(isa);
    using V = Vec<float, Arch>;
    using Lanes = std::make_index_sequence<static_cast<std::size_t>(lanes<float, Arch>)>;
    constexpr index_t L = lanes<float, Arch>;
    PhiloxDraw<Arch> draw;
    set_up(draw, key, step);
    for (index_t i = 0; i < n; i += 2 * L) {
      Vec<std::uint32_t, Arch> first, second;
      philox_words<Arch>(draw, static_cast<std::uint64_t>((begin + i) / 4), first, second);
      V a, b;
      if (normal) {
        Vec<std::uint32_t, Arch> even, odd;
        V u, turn, minus_log, radius, sine, cosine;
        deinterleave(first, second, even, odd, Lanes{});
        to_uniform<Arch>(even, 1, u);
        to_uniform<Arch>(odd, 0, turn);
        math::log<float, Arch>(u, minus_log);
        math::sqrt<float, Arch>(-2.0f * minus_log, radius);
        math::sincos_turns<Arch>(turn, sine, cosine);
        interleave(V(radius * cosine), V(radius * sine), a, b, Lanes{});
      } else {
        to_uniform<Arch>(first, 0, a);
        to_uniform<Arch>(second, 0, b);
      }
      *vec<float, Arch>(y + i) = a;
      *vec<float, Arch>(y + i + L) = b;
    }
  });
}

/// Dropout of elements [begin, end), begin a multiple of 4. u < rate is w >> 8 < limit = ceil(rate 2^24), so the words
/// need no conversion and no buffer, and making them overlaps with waiting for x.
template <class T>
void dropout_run(index_t begin, index_t end, const RandomKey& key, std::int32_t limit, T scale, const T* x, T* y) {
  const std::uint64_t step = key.step ? *key.step : 0;
  dispatch([&](auto isa) TINYGAN_INLINE_LAMBDA {
    using Arch = decltype(isa);
    constexpr index_t L = lanes<std::uint32_t, Arch>;
    PhiloxDraw<Arch> draw;
    set_up(draw, key, step);
    for (index_t i = begin; i < end; i += 2 * L) {
      Vec<std::uint32_t, Arch> w[2];
      philox_words<Arch>(draw, static_cast<std::uint64_t>(i / 4), w[0], w[1]);
      Vec<std::int32_t, Arch> k[2] = {reinterpret_cast<Vec<std::int32_t, Arch>>(w[0] >> 8),
                                      reinterpret_cast<Vec<std::int32_t, Arch>>(w[1] >> 8)};
      if (sizeof(T) == sizeof(float) && i + 2 * L <= end) {
        for (int h = 0; h < 2; ++h) {
          const Vec<T, Arch> kept = scale * *vec<T, Arch>(x + i + h * L);
          if constexpr (sizeof(T) == sizeof(float)) *vec<T, Arch>(y + i + h * L) = k[h] < limit ? Vec<T, Arch>{} : kept;
        }
      } else {
        std::int32_t lane[2 * L];
        std::memcpy(lane, k, sizeof lane);
        for (index_t j = 0; j < std::min(2 * L, end - i); ++j) y[i + j] = lane[j] < limit ? T(0) : scale * x[i + j];
      }
    }
  });
}

/// f(begin, n, u) for stretches of a draw: u[i] belongs to element begin + i.
template <class T, class F>
void for_random(bool normal, index_t n, const RandomKey& key, const F& f) {
  const std::uint64_t step = key.step ? *key.step : 0;
  parallel_for(n, chunk_elements, [&](index_t begin, index_t end) {
    alignas(64) float numbers[random_buffer];
    for (index_t i = begin; i < end; i += random_buffer) {
      const index_t count = std::min(random_buffer, end - i);
      random_floats(normal, i, count, key, step, numbers);
      if constexpr (std::is_same_v<T, float>) {
        f(i, count, static_cast<const float*>(numbers));
      } else {
        T converted[random_buffer];
        std::copy_n(numbers, count, converted);
        f(i, count, static_cast<const T*>(converted));
      }
    }
  });
}

/// y = shift + scale times a uniform or normal number.
template <class T>
void random_affine(bool normal, index_t n, const RandomKey& key, T scale, T shift, T* y) {
  for_random<T>(normal, n, key, [&](index_t i, index_t count, const T* number) {
    unary_run(UnaryOp::affine, count, scale, shift, number, y + i);
  });
}

}  // namespace detail

template <class T>
void random_uniform(index_t n, const RandomKey& key, T low, T high, T* y, Stream) {
  detail::random_affine(false, n, key, high - low, low, y);
}

template <class T>
void random_normal(index_t n, const RandomKey& key, T mean, T stddev, T* y, Stream) {
  detail::random_affine(true, n, key, stddev, mean, y);
}

template <class T>
void random_bernoulli(index_t n, const RandomKey& key, T p, T* y, Stream) {
  T limit[detail::random_buffer];
  std::fill_n(limit, detail::random_buffer, p);
  detail::for_random<T>(false, n, key, [&](index_t i, index_t count, const T* u) {
    detail::binary_run(BinaryOp::greater, count, T(0), limit, u, y + i);
  });
}

inline void random_integers(index_t n, const RandomKey& key, std::int32_t low, std::int32_t high, std::int32_t* y,
                            Stream) {
  const std::uint64_t step = key.step ? *key.step : 0;
  for (index_t i = 0; i < n; i += 4) {  // a few per image: scalar code on one thread
    const PhiloxBlock word = philox4x32(philox_counter(static_cast<std::uint64_t>(i / 4), key.draw, step), key.seed);
    for (index_t k = i; k < std::min(n, i + 4); ++k)
      y[k] = random_integer(word[static_cast<std::size_t>(k - i)], low, high);
  }
}

template <class T>
void dropout(index_t n, const RandomKey& key, T rate, const T* x, T* y, Stream) {
  const T scale = T(1) / (T(1) - rate);
  const auto limit = static_cast<std::int32_t>(__builtin_ceil(static_cast<double>(rate) * 0x1p24));
  parallel_for(n, chunk_elements,
               [&](index_t begin, index_t end) { detail::dropout_run(begin, end, key, limit, scale, x, y); });
}

template <class T>
void add_noise(index_t n, const RandomKey& key, T stddev, const RateSchedule& schedule, const T* x, T* y, Stream) {
  const std::uint64_t step = key.step ? *key.step : 0;
  const T scale = static_cast<T>(static_cast<double>(stddev) * schedule.at(static_cast<double>(step) - 1));
  detail::for_random<T>(true, n, key, [&](index_t i, index_t count, const T* z) {
    for (index_t k = 0; k < count; ++k) y[i + k] = x[i + k] + scale * z[k];
  });
}

}  // namespace tinygan::cpu
