// Fibers for AddressSanitizer and ThreadSanitizer; empty without them.
//
// Source: the fiber interfaces of compiler-rt, <sanitizer/common_interface_defs.h> and <sanitizer/tsan_interface.h>.
#pragma once

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__)
#define TINYGAN_EMULATE_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TINYGAN_EMULATE_ASAN 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define TINYGAN_EMULATE_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TINYGAN_EMULATE_TSAN 1
#endif
#endif
#ifndef TINYGAN_EMULATE_ASAN
#define TINYGAN_EMULATE_ASAN 0
#endif
#ifndef TINYGAN_EMULATE_TSAN
#define TINYGAN_EMULATE_TSAN 0
#endif

#if TINYGAN_EMULATE_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if TINYGAN_EMULATE_TSAN
extern "C" {
void __tsan_acquire(void*);
void __tsan_release(void*);
void* __tsan_get_current_fiber();
void* __tsan_create_fiber(unsigned);
void __tsan_destroy_fiber(void*);
void __tsan_switch_to_fiber(void*, unsigned);
void AnnotateBenignRaceSized(const char* file, int line, const volatile void* address, unsigned long size,
                             const char* what);
}
#endif

// The emulation itself is not instrumented: it passes one thread's data to another as the hardware would.
#if TINYGAN_EMULATE_TSAN && defined(__clang__)  // clang's no_sanitize keeps the calls at entry and exit
#define TINYGAN_NO_SANITIZE __attribute__((disable_sanitizer_instrumentation, noinline))
#elif TINYGAN_EMULATE_TSAN
#define TINYGAN_NO_SANITIZE __attribute__((no_sanitize("thread"), noinline))
#elif TINYGAN_EMULATE_ASAN
#define TINYGAN_NO_SANITIZE __attribute__((no_sanitize("address"), noinline))
#else
#define TINYGAN_NO_SANITIZE
#endif

namespace tinygan::cuda {
namespace {
namespace emulate {

inline constexpr bool asan = TINYGAN_EMULATE_ASAN, tsan = TINYGAN_EMULATE_TSAN;

/// Poisons or unpoisons [data, data + bytes) for AddressSanitizer.
inline void forbid([[maybe_unused]] void* data, [[maybe_unused]] std::size_t bytes) {
#if TINYGAN_EMULATE_ASAN
  __asan_poison_memory_region(data, bytes);
#endif
}
inline void allow([[maybe_unused]] void* data, [[maybe_unused]] std::size_t bytes) {
#if TINYGAN_EMULATE_ASAN
  __asan_unpoison_memory_region(data, bytes);
#endif
}

/// Silences ThreadSanitizer about the stacks: fibers exchange operands through them, and stacks are reused.
inline void ignore_races([[maybe_unused]] void* data, [[maybe_unused]] std::size_t bytes) {
#if TINYGAN_EMULATE_TSAN
  AnnotateBenignRaceSized(__FILE__, __LINE__, data, bytes, "stack of an emulated CUDA thread");
#endif
}

/// Everything before publish(tag) happens before everything after observe(tag).
inline void publish([[maybe_unused]] void* tag) {
#if TINYGAN_EMULATE_TSAN
  __tsan_release(tag);
#endif
}
inline void observe([[maybe_unused]] void* tag) {
#if TINYGAN_EMULATE_TSAN
  __tsan_acquire(tag);
#endif
}

}  // namespace emulate
}  // namespace
}  // namespace tinygan::cuda
