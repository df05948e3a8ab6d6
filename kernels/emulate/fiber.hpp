// Fiber: a stack of its own and the point at which its code was suspended.
//
// On x86-64 a switch saves the six callee-saved registers of the System V ABI and exchanges the stack pointer, some 5
// ns; elsewhere ucontext does it, which also saves the signal mask by a system call. Stacks come from one mapping, each
// above a page that may not be touched, and cost physical memory only as far as they were used.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>

#if !defined(__x86_64__)
#include <ucontext.h>
#endif

#include <tinygan/base/error.hpp>

#include "sanitizer.hpp"

namespace tinygan::cuda {
namespace {
namespace emulate {

#if defined(__x86_64__)

using Context = void*;  // the stack pointer, everything else being on the stack

[[gnu::naked, gnu::noinline]] TINYGAN_NO_SANITIZE void exchange_stacks(Context* /*save: rdi*/, Context /*load: rsi*/) {
  asm("pushq %rbp\n\t"
      "pushq %rbx\n\t"
      "pushq %r12\n\t"
      "pushq %r13\n\t"
      "pushq %r14\n\t"
      "pushq %r15\n\t"
      "movq %rsp, (%rdi)\n\t"
      "movq %rsi, %rsp\n\t"
      "popq %r15\n\t"
      "popq %r14\n\t"
      "popq %r13\n\t"
      "popq %r12\n\t"
      "popq %rbx\n\t"
      "popq %rbp\n\t"
      "ret");
}

/// Suspends the running code in `from` and resumes `to`.
TINYGAN_NO_SANITIZE void jump(Context& from, Context& to) { exchange_stacks(&from, to); }

/// A context that will begin with entry(), which must not return.
TINYGAN_NO_SANITIZE void prepare(Context& context, void* stack, std::size_t bytes, void (*entry)()) {
  auto* top = reinterpret_cast<std::uintptr_t*>(static_cast<std::byte*>(stack) + bytes);
  *--top = 0;                                        // a return address of entry(): rsp is as after a call
  *--top = reinterpret_cast<std::uintptr_t>(entry);  // where exchange_stacks() returns to
  for (int saved = 0; saved < 6; ++saved) *--top = 0;
  context = top;
}

#else

using Context = ucontext_t;

TINYGAN_NO_SANITIZE void jump(Context& from, Context& to) { swapcontext(&from, &to); }

TINYGAN_NO_SANITIZE void prepare(Context& context, void* stack, std::size_t bytes, void (*entry)()) {
  getcontext(&context);
  context.uc_stack.ss_sp = stack;
  context.uc_stack.ss_size = bytes;
  context.uc_link = nullptr;
  makecontext(&context, entry, 0);
}

#endif

struct Fiber {
  Context context{};
  void* stack = nullptr;
  std::size_t stack_bytes = 0;
  void* fake_stack = nullptr;  // AddressSanitizer's
  bool started = false;        // its context is a suspended entry(), ready for another thread
};

/// A mapping with room for `count` stacks; owns it.
class Stacks {
 public:
  static constexpr std::size_t bytes = asan || tsan ? std::size_t{512} << 10 : std::size_t{128} << 10;  // of one stack

  explicit Stacks(std::size_t count) : page_(static_cast<std::size_t>(sysconf(_SC_PAGESIZE))), size_(count * stride()) {
    memory_ = mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    check(memory_ != MAP_FAILED, "emulated device", "the system has no address space for ", count, " stacks");
    for (std::size_t i = 0; i < count; ++i) mprotect(static_cast<std::byte*>(memory_) + i * stride(), page_, PROT_NONE);
    ignore_races(memory_, size_);
  }
  ~Stacks() { munmap(memory_, size_); }
  Stacks(const Stacks&) = delete;
  Stacks& operator=(const Stacks&) = delete;

  void* at(std::size_t i) const { return static_cast<std::byte*>(memory_) + i * stride() + page_; }
  /// Stacks end at different offsets within a page, or their busy ends would compete for the same few cache lines.
  static std::size_t bytes_of(std::size_t i) { return bytes - i % 16 * 256; }

 private:
  std::size_t stride() const { return bytes + page_; }

  std::size_t page_, size_;
  void* memory_;
};

}  // namespace emulate
}  // namespace
}  // namespace tinygan::cuda
