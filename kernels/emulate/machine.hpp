// Machine: runs a grid of CUDA thread blocks on one CPU thread, one fiber per CUDA thread
// (docs/kernels/emulated-device.md).
//
// Blocks run one after the other. Within a block each warp runs until all its lanes wait or have exited, then the next
// warp. When no thread can run, either all wait at one barrier, which then opens, or a rule of CUDA is broken
// (diagnosis.hpp): Error, thrown out of launch(). Everything is deterministic.
#pragma once

#include <algorithm>
#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tinygan/base/error.hpp>

#include "diagnosis.hpp"
#include "order.hpp"
#include "shared_memory.hpp"
#include "thread.hpp"

namespace tinygan::cuda {
namespace {
namespace emulate {

/// State for the sanitizers: AddressSanitizer's view of the scheduler's stack, ThreadSanitizer's fibers, and tags,
/// addresses that stand for an order of events.
struct SanitizerState {
  static constexpr unsigned fiber_count = 1031;  // prime: threads of one index in two blocks differ
  static constexpr unsigned tag_count = 4096;

  const void* scheduler_stack = nullptr;
  std::size_t scheduler_stack_bytes = 0;
  void* scheduler = nullptr;
  void* fibers[tsan ? fiber_count : 1] = {};
  char tags[tag_count] = {}, start = 0, exit = 0;
};

class Machine {
 public:
  static constexpr unsigned max_threads = 1024;

  Machine() : threads_(std::make_unique<Thread[]>(max_threads)) {}
  ~Machine() {
#if TINYGAN_EMULATE_TSAN
    for (void* f : sanitizers_.fibers)
      if (f) __tsan_destroy_fiber(f);
#endif
  }
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  TINYGAN_NO_SANITIZE void run(const Grid& g);

  // ---- For the running thread ---------------------------------------------------------------------------------------

  TINYGAN_NO_SANITIZE Thread& current() { return *current_; }
  TINYGAN_NO_SANITIZE const SharedMemory& shared() const { return shared_; }
  TINYGAN_NO_SANITIZE PendingBulks& bulk_copies() { return bulk_copies_; }

  /// __syncthreads() at a line of source.
  TINYGAN_NO_SANITIZE void barrier(Place place);
  /// Waits for the lanes in `mask`; the last one executes `collective` for all.
  TINYGAN_NO_SANITIZE void warp_collective(unsigned mask, Collective collective, void* operand);
  TINYGAN_NO_SANITIZE void warp_barrier(unsigned mask);

  /// Waits until condition(argument), which other threads make true.
  TINYGAN_NO_SANITIZE void wait_until(bool (*condition)(const void*), const void* argument) {
    if (condition(argument)) return;
    current_->condition = condition;
    current_->condition_argument = argument;
    current_->state = State::at_wait;
    suspend();
  }

  /// Throws Error in the name of the running thread.
  template <class... What>
  [[noreturn]] void violation(std::string_view rule, const What&... what) {
    fail_thread(*grid_, *current_, rule, what...);
  }

 private:
  static constexpr unsigned stacks_per_chunk = 32;

  TINYGAN_NO_SANITIZE static void entry();
  TINYGAN_NO_SANITIZE void run_block();
  TINYGAN_NO_SANITIZE void run_warp(unsigned first, unsigned last, bool backward);
  TINYGAN_NO_SANITIZE void resume(Thread& t);
  TINYGAN_NO_SANITIZE void suspend();
  TINYGAN_NO_SANITIZE void run_thread();
  TINYGAN_NO_SANITIZE bool wake_waiting();
  TINYGAN_NO_SANITIZE void open_barrier();
  TINYGAN_NO_SANITIZE void abandon();
  Fiber* new_fiber();
  char* tag(unsigned a, unsigned b) {
    return &sanitizers_.tags[(serial_ * 31 + a * 127 + b) % SanitizerState::tag_count];
  }

  std::unique_ptr<Thread[]> threads_;
  std::vector<std::unique_ptr<Stacks>> stacks_;
  std::vector<std::unique_ptr<Fiber>> fibers_;
  std::vector<Fiber*> idle_;
  Context scheduler_{};
  const Grid* grid_ = nullptr;
  Thread* current_ = nullptr;
  unsigned count_ = 0, exited_ = 0;
  unsigned serial_ = 0;  // blocks run so far
  bool failed_ = false;
  std::exception_ptr error_;
  PendingBulks bulk_copies_;  // of the running block
  SharedMemory shared_;       // likewise
  SanitizerState sanitizers_;
};

/// The machine whose thread is running on this CPU thread, or null.
inline constinit thread_local Machine* machine = nullptr;

// ---- Fibers ---------------------------------------------------------------------------------------------------------

/// The code of every fiber: one CUDA thread after the other.
TINYGAN_NO_SANITIZE void Machine::entry() {
#if TINYGAN_EMULATE_ASAN
  __sanitizer_finish_switch_fiber(nullptr, &machine->sanitizers_.scheduler_stack,
                                  &machine->sanitizers_.scheduler_stack_bytes);
#endif
  for (;;) {
    machine->run_thread();
    machine->suspend();
  }
}

TINYGAN_NO_SANITIZE void Machine::run_thread() {
  observe(&sanitizers_.start);
  try {
    grid_->body(grid_->arguments);
  } catch (...) {
    error_ = std::current_exception();
    failed_ = true;
  }
  current_->state = State::exited;
  ++exited_;
}

TINYGAN_NO_SANITIZE void Machine::suspend() {
  Fiber& fiber = *current_->fiber;
  publish(&sanitizers_.exit);  // for all that runs after this launch, even if the thread never resumes
#if TINYGAN_EMULATE_ASAN
  __sanitizer_start_switch_fiber(&fiber.fake_stack, sanitizers_.scheduler_stack, sanitizers_.scheduler_stack_bytes);
#endif
#if TINYGAN_EMULATE_TSAN
  __tsan_switch_to_fiber(sanitizers_.scheduler, 1);  // 1: the switch itself orders nothing
#endif
  jump(fiber.context, scheduler_);
#if TINYGAN_EMULATE_ASAN
  __sanitizer_finish_switch_fiber(fiber.fake_stack, &sanitizers_.scheduler_stack, &sanitizers_.scheduler_stack_bytes);
#endif
}

TINYGAN_NO_SANITIZE void Machine::resume(Thread& t) {
  if (t.state == State::unstarted) {
    t.state = State::ready;
    if (idle_.empty()) idle_.push_back(new_fiber());
    t.fiber = idle_.back();
    idle_.pop_back();
    if (!t.fiber->started) prepare(t.fiber->context, t.fiber->stack, t.fiber->stack_bytes, &entry);
    t.fiber->started = true;
#if TINYGAN_EMULATE_TSAN
    void*& fiber = sanitizers_.fibers[(serial_ * count_ + t.id) % SanitizerState::fiber_count];
    if (!fiber) fiber = __tsan_create_fiber(0);
    t.tsan_fiber = fiber;
#endif
  }
  current_ = &t;
  threadIdx = t.at;
#if TINYGAN_EMULATE_ASAN
  void* fake_stack = nullptr;
  __sanitizer_start_switch_fiber(&fake_stack, t.fiber->stack, t.fiber->stack_bytes);
#endif
#if TINYGAN_EMULATE_TSAN
  __tsan_switch_to_fiber(t.tsan_fiber, 1);
#endif
  jump(scheduler_, t.fiber->context);
#if TINYGAN_EMULATE_ASAN
  __sanitizer_finish_switch_fiber(fake_stack, nullptr, nullptr);
#endif
  if (t.state == State::exited) idle_.push_back(t.fiber);
  if (failed_) {
    failed_ = false;
    observe(&sanitizers_.exit);
    std::rethrow_exception(std::exchange(error_, nullptr));
  }
}

// ---- Waiting --------------------------------------------------------------------------------------------------------

TINYGAN_NO_SANITIZE void Machine::barrier(Place place) {
  Thread& me = *current_;
  char* const here = tag(0, me.barriers++);
  me.barrier = place;
  me.state = State::at_barrier;
  publish(here);
  suspend();
  observe(here);
}

TINYGAN_NO_SANITIZE void Machine::warp_collective(unsigned mask, Collective collective, void* operand) {
  Thread& me = *current_;
  if (!(mask >> me.lane() & 1u))
    violation("warp mask", "the mask ", std::to_string(mask), " does not name the calling lane");
  me.mask = mask;
  me.collective = collective;
  me.operand = operand;
  me.state = State::at_warp;
  Thread* const warp = &me - me.lane();
  void* operands[32] = {};
  for (unsigned lane = 0; lane < 32; ++lane) {
    if (!(mask >> lane & 1u)) continue;
    const Thread& t = warp[lane];
    const bool here =
        me.id - me.lane() + lane < count_ && t.state == State::at_warp && t.mask == mask && t.collective == collective;
    if (!here) return suspend();
    operands[lane] = t.operand;
  }
  if (collective) collective(operands, mask);
  for (unsigned lane = 0; lane < 32; ++lane)
    if (mask >> lane & 1u) warp[lane].state = State::ready;
}

TINYGAN_NO_SANITIZE void Machine::warp_barrier(unsigned mask) {
  char* const here = tag(1 + current_->id / 32, current_->warp_syncs++);
  publish(here);
  warp_collective(mask, nullptr, nullptr);
  observe(here);
}

/// Where no thread can run: whether the condition of some has become true.
TINYGAN_NO_SANITIZE bool Machine::wake_waiting() {
  bool any = false;
  for (unsigned i = 0; i < count_; ++i) {
    Thread& t = threads_[i];
    if (t.state != State::at_wait || !t.condition(t.condition_argument)) continue;
    t.state = State::ready;
    any = true;
  }
  return any;
}

/// Where no thread can run: opens the barrier at which all wait. Throws Error if they do not.
TINYGAN_NO_SANITIZE void Machine::open_barrier() {
  check_common_barrier(*grid_, threads_.get(), count_);
  for (unsigned i = 0; i < count_; ++i)
    if (threads_[i].state == State::at_barrier) threads_[i].state = State::ready;
}

// ---- Blocks and grids -----------------------------------------------------------------------------------------------

TINYGAN_NO_SANITIZE void Machine::run_warp(unsigned first, unsigned last, bool backward) {
  for (bool ran = true; ran;) {
    ran = false;
    for (unsigned k = first; k < last; ++k) {
      Thread& t = threads_[backward ? first + last - 1 - k : k];
      if (t.state != State::unstarted && t.state != State::ready) continue;
      resume(t);
      ran = true;
    }
  }
}

TINYGAN_NO_SANITIZE void Machine::run_block() {
  const dim3 b = grid_->block;
  const bool backward = emulated::backward.load(std::memory_order_relaxed);
  count_ = b.x * b.y * b.z;
  exited_ = 0;
  ++serial_;
  for (unsigned i = 0; i < count_; ++i) {
    Thread& t = threads_[i];
    t.at = {i % b.x, i / b.x % b.y, i / (b.x * b.y)};
    t.id = i;
    t.state = State::unstarted;
    t.barriers = t.warp_syncs = 0;
    t.copies.clear();
    t.products.clear();
  }
  bulk_copies_.clear();
  shared_.allocate(grid_->shared_bytes);
  publish(&sanitizers_.start);
  const unsigned warps = (count_ + 31) / 32;
  for (;;) {
    for (unsigned k = 0; k < warps; ++k) {
      const unsigned warp = backward ? warps - 1 - k : k;
      run_warp(32 * warp, std::min(count_, 32 * warp + 32), backward);
    }
    if (exited_ == count_) break;
    if (!wake_waiting()) open_barrier();
  }
  check_exit(*grid_, threads_[0], bulk_copies_, shared_);
}

/// After a violation: discards the threads that still wait and resets their stacks.
TINYGAN_NO_SANITIZE void Machine::abandon() {
  for (unsigned i = 0; i < count_; ++i) {
    Thread& t = threads_[i];
    if (t.state == State::unstarted || t.state == State::exited) continue;
    allow(t.fiber->stack, t.fiber->stack_bytes);
    t.fiber->started = false;
    idle_.push_back(t.fiber);
  }
}

TINYGAN_NO_SANITIZE void Machine::run(const Grid& g) {
  check(machine == nullptr, "emulated device", "a kernel may not launch a kernel");
  grid_ = &g;
  machine = this;
  blockDim = g.block;
  gridDim = g.grid;
#if TINYGAN_EMULATE_TSAN
  sanitizers_.scheduler = __tsan_get_current_fiber();
#endif
  const bool backward = emulated::backward.load(std::memory_order_relaxed);
  const std::uint64_t blocks = std::uint64_t{g.grid.x} * g.grid.y * g.grid.z;
  std::exception_ptr failure;
  try {
    for (std::uint64_t k = 0; k < blocks; ++k) {
      const std::uint64_t i = backward ? blocks - 1 - k : k;
      blockIdx = {static_cast<unsigned>(i % g.grid.x), static_cast<unsigned>(i / g.grid.x % g.grid.y),
                  static_cast<unsigned>(i / g.grid.x / g.grid.y)};
      run_block();
    }
  } catch (...) {
    failure = std::current_exception();
    abandon();
  }
  observe(&sanitizers_.exit);
  shared_.free_used();
  machine = nullptr;
  if (failure) std::rethrow_exception(failure);
}

// ---- Stacks ---------------------------------------------------------------------------------------------------------

inline Fiber* Machine::new_fiber() {
  const std::size_t n = fibers_.size();
  if (n % stacks_per_chunk == 0) stacks_.push_back(std::make_unique<Stacks>(stacks_per_chunk));
  fibers_.push_back(std::make_unique<Fiber>());
  fibers_.back()->stack = stacks_.back()->at(n % stacks_per_chunk);
  fibers_.back()->stack_bytes = Stacks::bytes_of(n);
  return fibers_.back().get();
}

/// This CPU thread's machine.
inline Machine& my_machine() {
  static thread_local Machine m;
  return m;
}

}  // namespace emulate
}  // namespace
}  // namespace tinygan::cuda
