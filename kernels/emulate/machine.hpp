// Machine: runs a grid of CUDA thread blocks on one CPU thread, one fiber per CUDA thread
// (docs/kernels/emulated-device.md).
//
// Blocks run one after the other. Within a block each warp runs until all its lanes wait or have exited, then the next;
// when nobody can run, either everybody waits at one and the same barrier, which then opens, or a rule of CUDA is
// broken. A broken rule throws Error, naming kernel, place of launch, block, thread and rule, out of launch().
// Everything is deterministic.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tinygan/base/error.hpp>

#include "fiber.hpp"
#include "order.hpp"

namespace tinygan::cuda {
namespace {

/// Extents of a grid or block, or a place in one.
struct dim3 {
  unsigned x = 1, y = 1, z = 1;
};

// CUDA's built-in variables: set whenever a thread goes on.
inline constinit thread_local dim3 threadIdx{0, 0, 0}, blockIdx{0, 0, 0}, blockDim{}, gridDim{};

namespace emulate {

/// A line of source.
struct Place {
  const char* file = nullptr;
  int line = 0;
};

inline std::string text_of(const dim3& d) { return text('(', d.x, ',', d.y, ',', d.z, ')'); }
inline std::string text_of(const Place& p) {
  const std::string_view file = p.file;
  return text(file.substr(file.find_last_of('/') + 1), ':', p.line);
}

/// What a violation names, and the sizes of a grid.
struct Grid {
  std::string (*kernel_name)() = nullptr;
  Place launched;
  dim3 grid, block;
  std::size_t shared_bytes = 0;
  void (*body)(const void*) = nullptr;  // runs the kernel for the current thread
  const void* arguments = nullptr;
};

/// What the lanes named in `mask` do together, done by the last of them to arrive; brought[lane] is null elsewhere.
using Combine = void (*)(void* const (&brought)[32], unsigned mask);

/// A copy in flight (cp.async): its bytes are held here until the thread waits for its group.
struct PendingCopy {
  void* to;
  unsigned char bytes[16];
  unsigned size, group;
};

/// A thread's copies in flight, oldest first. Threads of other blocks have used the same memory: not watched, and given back
/// at the end only, as ThreadSanitizer watches what is given back all the same.
class PendingCopies {
 public:
  PendingCopies() = default;
  ~PendingCopies() {
    while (memories_ > 0) std::free(memory_[--memories_]);
  }
  PendingCopies(const PendingCopies&) = delete;
  PendingCopies& operator=(const PendingCopies&) = delete;

  TINYGAN_UNWATCHED void clear() { first_ = end_ = groups_ = 0; }
  TINYGAN_UNWATCHED void close_group() { ++groups_; }
  TINYGAN_UNWATCHED void start(PendingCopy copy) {
    if (end_ == room_) {
      room_ = 2 * room_ + 16;
      void* const larger = std::malloc(room_ * sizeof(PendingCopy));
      if (!larger || memories_ == most_memories) std::abort();  // of a few kilobytes
      memory_[memories_++] = larger;
      const PendingCopy* const before = at_;
      at_ = static_cast<PendingCopy*>(larger);
      for (unsigned i = 0; i < end_; ++i) at_[i] = before[i];
    }
    copy.group = groups_;
    at_[end_++] = copy;
  }
  /// The oldest, unless it is among the `latest` groups or in none yet.
  TINYGAN_UNWATCHED bool take(unsigned latest, PendingCopy& copy) {
    if (first_ == end_ || at_[first_].group + latest >= groups_) return false;
    copy = at_[first_++];
    if (first_ == end_) first_ = end_ = 0;
    return true;
  }

 private:
  static constexpr unsigned most_memories = 16;
  PendingCopy* at_ = nullptr;
  unsigned first_ = 0, end_ = 0, room_ = 0, groups_ = 0;
  void* memory_[most_memories];  // the latest is in use
  unsigned memories_ = 0;
};

/// A tensor copy in flight (TMA): done when somebody waits at its mbarrier. `fill` writes the bytes.
struct PendingBulk {
  void* barrier;
  void* to;
  void (*fill)(const PendingBulk&);
  const void* map;
  int at[4];
};

/// A warpgroup product in flight (wgmma): done when its thread waits for its group.
struct PendingProduct {
  void* accumulator;
  std::uint64_t a, b;  // descriptors
  void (*multiply)(const PendingProduct* const (&lanes)[32], unsigned warp);
  unsigned group;
};

enum class State : unsigned char { unstarted, ready, at_barrier, at_warp, at_wait, exited };

/// One CUDA thread of the running block.
struct Thread {
  dim3 at;
  unsigned id = 0;
  State state = State::unstarted;
  Fiber* fiber = nullptr;
  Place barrier;              // at_barrier: which one
  unsigned mask = 0;          // at_warp: with whom,
  Combine combine = nullptr;  // to do what,
  void* brought = nullptr;    // bringing what
  bool (*arrived)(const void*) = nullptr;  // at_wait: for what to become true
  const void* awaited = nullptr;
  unsigned barriers = 0, warp_syncs = 0, product_groups = 0;
  PendingCopies copies;
  static constexpr unsigned most_products = 16;
  PendingProduct products[most_products];  // arrays: other threads look in, and ThreadSanitizer watches vectors
  unsigned product_count = 0;
  void* watched = nullptr;  // ThreadSanitizer's fiber

  unsigned lane() const { return id % 32; }
};

/// What the sanitizers want kept.
struct Watchers {
  static constexpr unsigned fiber_count = 1031;  // prime: threads of one index in two blocks differ
  static constexpr unsigned tag_count = 4096;

  const void* scheduler_stack = nullptr;  // AddressSanitizer
  std::size_t scheduler_stack_bytes = 0;
  void* scheduler = nullptr;  // ThreadSanitizer: its fibers,
  void* fibers[tsan ? fiber_count : 1] = {};
  char tags[tag_count] = {}, start = 0, exit = 0;  // addresses that stand for an order of events,
  std::vector<void*> used_shared;                  // and the shared memory of blocks that have run
};

class Machine {
 public:
  static constexpr unsigned max_threads = 1024;
  static constexpr std::size_t max_shared_bytes = 232448;  // 227 KiB, what a Hopper block can have

  Machine() : threads_(std::make_unique<Thread[]>(max_threads)) {}
  ~Machine() {
    std::free(shared_);
#if TINYGAN_EMULATE_TSAN
    for (void* f : watchers_.fibers)
      if (f) __tsan_destroy_fiber(f);
#endif
  }
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  TINYGAN_UNWATCHED void run(const Grid& g);

  // ---- for the thread that runs -------------------------------------------------------------------------------------

  TINYGAN_UNWATCHED Thread& current() { return *current_; }
  TINYGAN_UNWATCHED std::byte* shared() const { return base_; }
  TINYGAN_UNWATCHED std::size_t shared_bytes() const { return grid_->shared_bytes; }
  TINYGAN_UNWATCHED void barrier(Place place);
  TINYGAN_UNWATCHED void together(unsigned mask, Combine combine, void* brought);
  TINYGAN_UNWATCHED void warp_barrier(unsigned mask);

  /// Waits until arrived(awaited), which what other threads do brings about.
  TINYGAN_UNWATCHED void wait_until(bool (*arrived)(const void*), const void* awaited) {
    if (arrived(awaited)) return;
    current_->arrived = arrived;
    current_->awaited = awaited;
    current_->state = State::at_wait;
    suspend();
  }

  TINYGAN_UNWATCHED void start_bulk(const PendingBulk& copy) {
    if (bulk_count_ == most_bulk_copies)
      violation("tensor copies", "more than ", most_bulk_copies, " are in flight, which is all this device keeps");
    bulk_copies_[bulk_count_++] = copy;
  }

  /// The copies bound for a barrier that somebody waits at arrive, in the order they were started.
  TINYGAN_UNWATCHED void finish_bulk(const void* barrier) {
    for (unsigned i = 0; i < bulk_count_;) {
      if (bulk_copies_[i].barrier != barrier) {
        ++i;
        continue;
      }
      const PendingBulk copy = bulk_copies_[i];
      --bulk_count_;
      for (unsigned k = i; k < bulk_count_; ++k) bulk_copies_[k] = bulk_copies_[k + 1];
      copy.fill(copy);
    }
  }

  /// Throws Error in the name of the running thread.
  template <class... What>
  [[noreturn]] void violation(std::string_view rule, const What&... what) {
    violation_of(*current_, rule, what...);
  }

 private:
  static constexpr std::size_t guard = 1024;  // bytes before and behind the shared memory; also its alignment
  static constexpr unsigned char guard_byte = 0xa5;
  static constexpr unsigned poison = 0xff;       // NaN as a float, -1 as an integer
  static constexpr unsigned stacks_per_chunk = 32;

  TINYGAN_UNWATCHED static void entry();
  TINYGAN_UNWATCHED void run_block();
  TINYGAN_UNWATCHED void run_warp(unsigned first, unsigned last, bool backward);
  TINYGAN_UNWATCHED void resume(Thread& t);
  TINYGAN_UNWATCHED void suspend();
  TINYGAN_UNWATCHED void live();
  TINYGAN_UNWATCHED bool wake();
  TINYGAN_UNWATCHED void open_barrier();
  TINYGAN_UNWATCHED void abandon();
  [[noreturn]] void explain_stall(const Thread& t);
  Fiber* new_fiber();
  TINYGAN_UNWATCHED void allocate_shared(std::size_t bytes);
  TINYGAN_UNWATCHED void check_guards();
  char* tag(unsigned a, unsigned b) { return &watchers_.tags[(serial_ * 31 + a * 127 + b) % Watchers::tag_count]; }

  template <class... What>
  [[noreturn]] void violation_of(const Thread& t, std::string_view rule, const What&... what) const {
    fail(text("kernel ", grid_->kernel_name(), ", launched at ", text_of(grid_->launched), ", block ",
              text_of(blockIdx), ", thread ", text_of(t.at)),
         rule, ": ", what...);
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
  static constexpr unsigned most_bulk_copies = 64;
  PendingBulk bulk_copies_[most_bulk_copies];  // of the running block
  unsigned bulk_count_ = 0;

  void* shared_ = nullptr;
  std::byte* base_ = nullptr;
  std::size_t capacity_ = 0;

  Watchers watchers_;
};

/// The machine whose thread is running on this CPU thread, or null.
inline constinit thread_local Machine* machine = nullptr;

// ---- A thread's life ------------------------------------------------------------------------------------------------

/// The code of every fiber: one CUDA thread after the other.
TINYGAN_UNWATCHED void Machine::entry() {
#if TINYGAN_EMULATE_ASAN
  __sanitizer_finish_switch_fiber(nullptr, &machine->watchers_.scheduler_stack,
                                  &machine->watchers_.scheduler_stack_bytes);
#endif
  for (;;) {
    machine->live();
    machine->suspend();
  }
}

TINYGAN_UNWATCHED void Machine::live() {
  observe(&watchers_.start);
  try {
    grid_->body(grid_->arguments);
  } catch (...) {
    error_ = std::current_exception();
    failed_ = true;
  }
  current_->state = State::exited;
  ++exited_;
}

TINYGAN_UNWATCHED void Machine::suspend() {
  Fiber& fiber = *current_->fiber;
  publish(&watchers_.exit);  // for whoever runs after this launch, even if the thread never goes on
#if TINYGAN_EMULATE_ASAN
  __sanitizer_start_switch_fiber(&fiber.fake_stack, watchers_.scheduler_stack, watchers_.scheduler_stack_bytes);
#endif
#if TINYGAN_EMULATE_TSAN
  __tsan_switch_to_fiber(watchers_.scheduler, 1);  // 1: the switch itself orders nothing
#endif
  jump(fiber.context, scheduler_);
#if TINYGAN_EMULATE_ASAN
  __sanitizer_finish_switch_fiber(fiber.fake_stack, &watchers_.scheduler_stack, &watchers_.scheduler_stack_bytes);
#endif
}

TINYGAN_UNWATCHED void Machine::resume(Thread& t) {
  if (t.state == State::unstarted) {
    t.state = State::ready;
    if (idle_.empty()) idle_.push_back(new_fiber());
    t.fiber = idle_.back();
    idle_.pop_back();
    if (!t.fiber->started) prepare(t.fiber->context, t.fiber->stack, t.fiber->stack_bytes, &entry);
    t.fiber->started = true;
#if TINYGAN_EMULATE_TSAN
    void*& watched = watchers_.fibers[(serial_ * count_ + t.id) % Watchers::fiber_count];
    if (!watched) watched = __tsan_create_fiber(0);
    t.watched = watched;
#endif
  }
  current_ = &t;
  threadIdx = t.at;
#if TINYGAN_EMULATE_ASAN
  void* fake_stack = nullptr;
  __sanitizer_start_switch_fiber(&fake_stack, t.fiber->stack, t.fiber->stack_bytes);
#endif
#if TINYGAN_EMULATE_TSAN
  __tsan_switch_to_fiber(t.watched, 1);
#endif
  jump(scheduler_, t.fiber->context);
#if TINYGAN_EMULATE_ASAN
  __sanitizer_finish_switch_fiber(fake_stack, nullptr, nullptr);
#endif
  if (t.state == State::exited) idle_.push_back(t.fiber);
  if (failed_) {
    failed_ = false;
    observe(&watchers_.exit);
    std::rethrow_exception(std::exchange(error_, nullptr));
  }
}

// ---- Waiting --------------------------------------------------------------------------------------------------------

TINYGAN_UNWATCHED void Machine::barrier(Place place) {
  Thread& me = *current_;
  char* const here = tag(0, me.barriers++);
  me.barrier = place;
  me.state = State::at_barrier;
  publish(here);
  suspend();
  observe(here);
}

TINYGAN_UNWATCHED void Machine::together(unsigned mask, Combine combine, void* brought) {
  Thread& me = *current_;
  if (!(mask >> me.lane() & 1u))
    violation("warp mask", "the mask ", std::to_string(mask), " does not name the calling lane");
  me.mask = mask;
  me.combine = combine;
  me.brought = brought;
  me.state = State::at_warp;
  Thread* const warp = &me - me.lane();
  void* all[32] = {};
  for (unsigned lane = 0; lane < 32; ++lane) {
    if (!(mask >> lane & 1u)) continue;
    const Thread& t = warp[lane];
    const bool here =
        me.id - me.lane() + lane < count_ && t.state == State::at_warp && t.mask == mask && t.combine == combine;
    if (!here) return suspend();
    all[lane] = t.brought;
  }
  if (combine) combine(all, mask);
  for (unsigned lane = 0; lane < 32; ++lane)
    if (mask >> lane & 1u) warp[lane].state = State::ready;
}

TINYGAN_UNWATCHED void Machine::warp_barrier(unsigned mask) {
  char* const here = tag(1 + current_->id / 32, current_->warp_syncs++);
  publish(here);
  together(mask, nullptr, nullptr);
  observe(here);
}

/// Nobody can run: whether the wait of some is over meanwhile.
TINYGAN_UNWATCHED bool Machine::wake() {
  bool any = false;
  for (unsigned i = 0; i < count_; ++i) {
    Thread& t = threads_[i];
    if (t.state != State::at_wait || !t.arrived(t.awaited)) continue;
    t.state = State::ready;
    any = true;
  }
  return any;
}

/// Nobody can run: opens the barrier at which everybody waits, or says what is wrong.
TINYGAN_UNWATCHED void Machine::open_barrier() {
  const Thread* first = nullptr;
  for (unsigned i = 0; i < count_; ++i) {
    const Thread& t = threads_[i];
    if (t.state == State::at_wait)
      violation_of(t, "deadlock", "it waits for a phase of an mbarrier that nobody completes");
    if (t.state == State::at_warp) explain_stall(t);
    if (t.state != State::at_barrier) continue;
    if (first && (first->barrier.line != t.barrier.line || std::strcmp(first->barrier.file, t.barrier.file) != 0))
      violation_of(t, "barrier divergence", "it waits at __syncthreads() in ", text_of(t.barrier), ", thread ",
                   text_of(first->at), " at the one in ", text_of(first->barrier));
    if (!first) first = &t;
  }
  for (unsigned i = 0; i < count_; ++i)
    if (threads_[i].state == State::at_barrier) threads_[i].state = State::ready;
}

/// Which lane a thread waits for in vain, and why.
inline void Machine::explain_stall(const Thread& t) {
  const unsigned warp = t.id - t.lane();
  for (unsigned lane = 0; lane < 32; ++lane) {
    if (!(t.mask >> lane & 1u)) continue;
    if (warp + lane >= count_)
      violation_of(t, "exited lane", "its warp collective names lane ", lane, ", which the block does not have");
    const Thread& other = threads_[warp + lane];
    if (other.state == State::exited)
      violation_of(t, "exited lane", "its warp collective names lane ", lane, ", which has exited");
    if (other.state == State::at_barrier)
      violation_of(t, "deadlock", "it waits in a warp collective for lane ", lane,
                   ", which waits at __syncthreads() in ", text_of(other.barrier));
    if (other.state == State::at_wait)
      violation_of(t, "deadlock", "it waits in a warp collective for lane ", lane, ", which waits at an mbarrier");
    if (other.mask != t.mask)
      violation_of(t, "warp mask", "its warp collective has mask ", t.mask, ", that of lane ", lane, " has ",
                   other.mask);
    if (other.combine != t.combine)
      violation_of(t, "deadlock", "lane ", lane, " of its warp waits in another collective");
  }
  violation_of(t, "deadlock", "its warp collective never completes");
}

// ---- Blocks and grids -----------------------------------------------------------------------------------------------

TINYGAN_UNWATCHED void Machine::run_warp(unsigned first, unsigned last, bool backward) {
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

TINYGAN_UNWATCHED void Machine::run_block() {
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
    t.barriers = t.warp_syncs = t.product_groups = 0;
    t.copies.clear();
    t.product_count = 0;
  }
  bulk_count_ = 0;
  allocate_shared(grid_->shared_bytes);
  publish(&watchers_.start);
  const unsigned warps = (count_ + 31) / 32;
  for (;;) {
    for (unsigned k = 0; k < warps; ++k) {
      const unsigned warp = backward ? warps - 1 - k : k;
      run_warp(32 * warp, std::min(count_, 32 * warp + 32), backward);
    }
    if (exited_ == count_) break;
    if (!wake()) open_barrier();
  }
  if (bulk_count_ > 0)
    violation_of(threads_[0], "unfinished copy", "the block has exited, nobody waited for a tensor copy of it");
  check_guards();
}

/// After a violation: the threads that still wait are forgotten, their stacks used again from the top.
TINYGAN_UNWATCHED void Machine::abandon() {
  for (unsigned i = 0; i < count_; ++i) {
    Thread& t = threads_[i];
    if (t.state == State::unstarted || t.state == State::exited) continue;
    allow(t.fiber->stack, t.fiber->stack_bytes);
    t.fiber->started = false;
    idle_.push_back(t.fiber);
  }
}

TINYGAN_UNWATCHED void Machine::run(const Grid& g) {
  check(machine == nullptr, "emulated device", "a kernel may not launch a kernel");
  grid_ = &g;
  machine = this;
  blockDim = g.block;
  gridDim = g.grid;
#if TINYGAN_EMULATE_TSAN
  watchers_.scheduler = __tsan_get_current_fiber();
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
  observe(&watchers_.exit);
  for (void* p : watchers_.used_shared) std::free(p);
  watchers_.used_shared.clear();
  machine = nullptr;
  if (failure) std::rethrow_exception(failure);
}

// ---- Memory ---------------------------------------------------------------------------------------------------------

inline Fiber* Machine::new_fiber() {
  const std::size_t n = fibers_.size();
  if (n % stacks_per_chunk == 0) stacks_.push_back(std::make_unique<Stacks>(stacks_per_chunk));
  fibers_.push_back(std::make_unique<Fiber>());
  fibers_.back()->stack = stacks_.back()->at(n % stacks_per_chunk);
  fibers_.back()->stack_bytes = Stacks::bytes_of(n);
  return fibers_.back().get();
}

/// Poisoned shared memory between two guards. ThreadSanitizer knows memory by its address: there each block has its own.
TINYGAN_UNWATCHED void Machine::allocate_shared(std::size_t bytes) {
  const std::size_t needed = guard + (bytes + 2 * guard - 1) / guard * guard;
  if (tsan || needed > capacity_) {
    if (tsan && shared_) watchers_.used_shared.push_back(shared_);
    if (!tsan) std::free(shared_);
    shared_ = std::aligned_alloc(guard, needed);
    check(shared_ != nullptr, "emulated device", "no memory for ", bytes, " bytes of shared memory");
    capacity_ = needed;
  }
  auto* const memory = static_cast<std::byte*>(shared_);
  base_ = memory + guard;
  allow(memory, needed);
  std::memset(memory, guard_byte, guard);
  std::memset(base_, static_cast<int>(poison), bytes);
  std::memset(base_ + bytes, guard_byte, needed - guard - bytes);
  forbid(memory, guard);
  forbid(base_ + bytes, needed - guard - bytes);
}

TINYGAN_UNWATCHED void Machine::check_guards() {
  const std::size_t bytes = grid_->shared_bytes;
  const std::size_t behind = (bytes + 2 * guard - 1) / guard * guard - bytes;
  allow(base_ - guard, guard);
  allow(base_ + bytes, behind);
  for (std::size_t i = 0; i < guard; ++i)
    if (base_[static_cast<std::ptrdiff_t>(i) - static_cast<std::ptrdiff_t>(guard)] != std::byte{guard_byte})
      violation_of(threads_[0], "shared memory overrun", "some thread of this block wrote ", guard - i,
                   " bytes before its shared memory");
  for (std::size_t i = 0; i < behind; ++i)
    if (base_[bytes + i] != std::byte{guard_byte})
      violation_of(threads_[0], "shared memory overrun", "some thread of this block wrote at byte ", bytes + i, " of ",
                   bytes, " bytes of shared memory");
}

/// This CPU thread's machine.
inline Machine& my_machine() {
  static thread_local Machine m;
  return m;
}

}  // namespace emulate
}  // namespace
}  // namespace tinygan::cuda
