// Instruction sets of the CPU backend: chosen at run time by function attributes, so a build needs no -m flag.
//
// A kernel body is a generic lambda taking the instruction set as a tag, marked always_inline; dispatch() inlines it
// into a wrapper compiled for that set. Bodies and everything they call must be always_inline and pass vectors by
// reference only: a vector argument's ABI depends on the caller's target.
#pragma once

#include <atomic>
#include <cstdlib>
#include <string_view>

#include <tinygan/base/error.hpp>
#include <tinygan/base/outline.hpp>

/// Marks a function or lambda whose code must land inside an instruction set's wrapper.
#define TINYGAN_INLINE inline __attribute__((always_inline))
#define TINYGAN_INLINE_LAMBDA __attribute__((always_inline))

namespace tinygan::cpu {

enum class Isa { portable, avx2, avx512, neon };

/// Tags: the vector width in bytes.
struct Portable {
  static constexpr Isa isa = Isa::portable;
  static constexpr int bytes = 16;
};
struct Avx2 {
  static constexpr Isa isa = Isa::avx2;
  static constexpr int bytes = 32;
};
struct Avx512 {
  static constexpr Isa isa = Isa::avx512;
  static constexpr int bytes = 64;
};
/// 64-bit ARM: every such processor has it. The portable set compiles to the same instructions, but its kernels are cut
/// for 16 registers without FMA. SVE would bring wider vectors, not more FMAs a cycle: Neoverse V1 (Graviton 3) has 2
/// SVE units of 256 bits, which are its 4 NEON units of 128; V2 (Graviton 4, Grace) has 4 of 128 bits for either.
/// Source: NVIDIA, "Grace CPU Benchmarking Guide", section on SVE and NEON.
struct Neon {
  static constexpr Isa isa = Isa::neon;
  static constexpr int bytes = 16;
};

inline const char* isa_name(Isa isa) {
  constexpr const char* names[] = {"portable", "AVX2", "AVX-512", "NEON"};
  return names[static_cast<int>(isa)];
}

/// The best instruction set of this processor.
Isa detect_isa();

/// Whether this processor has an instruction set.
inline bool has_isa(Isa isa) {
  const Isa best = detect_isa();
  return isa == Isa::portable || isa == best || (isa == Isa::avx2 && best == Isa::avx512);
}

namespace detail {

/// TINYGAN_CPU_ISA=portable|avx2|avx512|neon lowers the choice; one that the processor lacks is an error.
Isa initial_isa();

/// -1 before the first use. A static local with an initialiser would be locked in a child of fork() that another
/// thread's first use came between.
[[gnu::visibility("default")]] inline constinit std::atomic<int> current_isa{-1};

}  // namespace detail

/// The instruction set in use. Throws Error on a bad TINYGAN_CPU_ISA.
inline Isa isa() {
  int set = detail::current_isa.load(std::memory_order_relaxed);
  if (set < 0) {
    const int initial = static_cast<int>(detail::initial_isa());
    if (detail::current_isa.compare_exchange_strong(set, initial, std::memory_order_relaxed)) set = initial;
  }
  return static_cast<Isa>(set);
}

/// Chooses another one, for tests and measurements. Throws Error if the processor lacks it.
inline void set_isa(Isa isa) {
  check(has_isa(isa), "set_isa", "this processor has no ", isa_name(isa));
  detail::current_isa.store(static_cast<int>(isa), std::memory_order_relaxed);
}

namespace detail {

template <class Body>
void run_portable(const Body& body) {
  body(Portable{});
}
#if defined(__x86_64__)
// The upper halves of the registers are cleared in the source: g++ does it by itself from -O2 on only, and code for SSE that meets
// them in use, the caller's and the C library's, is several times slower.
template <class Body>
__attribute__((target("avx2,fma"))) void run_avx2(const Body& body) {
  body(Avx2{});
  __builtin_ia32_vzeroupper();
}
template <class Body>
__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma"))) void run_avx512(const Body& body) {
  body(Avx512{});
  __builtin_ia32_vzeroupper();
}
#elif defined(__aarch64__)
template <class Body>
void run_neon(const Body& body) {
  body(Neon{});
}
#endif

}  // namespace detail

/// Runs body(tag), compiled for the instruction set in use.
template <class Body>
void dispatch(const Body& body) {
#if defined(__x86_64__)
  switch (isa()) {
    case Isa::avx512: return detail::run_avx512(body);
    case Isa::avx2: return detail::run_avx2(body);
    case Isa::neon:
    case Isa::portable: break;
  }
#elif defined(__aarch64__)
  if (isa() == Isa::neon) return detail::run_neon(body);
#endif
  detail::run_portable(body);
}

}  // namespace tinygan::cpu

#ifdef TINYGAN_FUNC

namespace tinygan::cpu {

TINYGAN_FUNC Isa detect_isa() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
    return Isa::avx512;
  if (avx2) return Isa::avx2;
  return Isa::portable;
#elif defined(__aarch64__)
  return Isa::neon;
#else
  return Isa::portable;
#endif
}

}  // namespace tinygan::cpu

namespace tinygan::cpu::detail {

TINYGAN_FUNC Isa initial_isa() {
  const Isa best = detect_isa();
  const char* wish = std::getenv("TINYGAN_CPU_ISA");
  if (!wish) return best;
  const std::string_view name = wish;
  constexpr std::string_view names[] = {"portable", "avx2", "avx512", "neon"};  // by Isa
  for (int i = 0; i < 4; ++i) {
    if (name != names[i]) continue;
    const auto isa = static_cast<Isa>(i);
    check(has_isa(isa), "TINYGAN_CPU_ISA", "'", name, "', but this processor has no ", isa_name(isa), "; its best is ",
          isa_name(best));
    return isa;
  }
  fail("TINYGAN_CPU_ISA", "'", name, "', expected portable, avx2, avx512 or neon");
}

}  // namespace tinygan::cpu::detail

#endif
