// Diagnosis: which rule of CUDA is broken, when a thread breaks one or no thread of a block can run.
#pragma once

#include <cstddef>
#include <cstring>
#include <string_view>

#include <tinygan/base/error.hpp>

#include "shared_memory.hpp"
#include "thread.hpp"

namespace tinygan::cuda {
namespace {
namespace emulate {

/// Throws Error naming kernel, place of launch, block, thread and rule.
template <class... What>
[[noreturn]] void fail_thread(const Grid& g, const Thread& t, std::string_view rule, const What&... what) {
  fail(text("kernel ", g.kernel_name(), ", launched at ", text_of(g.launched), ", block ", text_of(blockIdx),
            ", thread ", text_of(t.at)),
       rule, ": ", what...);
}

/// Throws Error naming the lane that `t` waits for in vain in a warp collective, and why.
[[noreturn]] inline void fail_stalled_collective(const Grid& g, const Thread* threads, unsigned count,
                                                 const Thread& t) {
  const unsigned warp = t.id - t.lane();
  for (unsigned lane = 0; lane < 32; ++lane) {
    if (!(t.mask >> lane & 1u)) continue;
    if (warp + lane >= count)
      fail_thread(g, t, "exited lane", "its warp collective names lane ", lane, ", which the block does not have");
    const Thread& other = threads[warp + lane];
    if (other.state == State::exited)
      fail_thread(g, t, "exited lane", "its warp collective names lane ", lane, ", which has exited");
    if (other.state == State::at_barrier)
      fail_thread(g, t, "deadlock", "it waits in a warp collective for lane ", lane,
                  ", which waits at __syncthreads() in ", text_of(other.barrier));
    if (other.state == State::at_wait)
      fail_thread(g, t, "deadlock", "it waits in a warp collective for lane ", lane, ", which waits at an mbarrier");
    if (other.mask != t.mask)
      fail_thread(g, t, "warp mask", "its warp collective has mask ", t.mask, ", that of lane ", lane, " has ",
                  other.mask);
    if (other.collective != t.collective)
      fail_thread(g, t, "deadlock", "lane ", lane, " of its warp waits in another collective");
  }
  fail_thread(g, t, "deadlock", "its warp collective never completes");
}

/// Where no thread can run: throws Error unless all that have not exited wait at the same __syncthreads().
TINYGAN_NO_SANITIZE void check_common_barrier(const Grid& g, const Thread* threads, unsigned count) {
  const Thread* first = nullptr;
  for (unsigned i = 0; i < count; ++i) {
    const Thread& t = threads[i];
    if (t.state == State::at_wait)
      fail_thread(g, t, "deadlock", "it waits for a phase of an mbarrier that no thread completes");
    if (t.state == State::at_warp) fail_stalled_collective(g, threads, count, t);
    if (t.state != State::at_barrier) continue;
    if (first && (first->barrier.line != t.barrier.line || std::strcmp(first->barrier.file, t.barrier.file) != 0))
      fail_thread(g, t, "barrier divergence", "it waits at __syncthreads() in ", text_of(t.barrier), ", thread ",
                  text_of(first->at), " at the one in ", text_of(first->barrier));
    if (!first) first = &t;
  }
}

/// After a block: throws Error if a tensor copy is unfinished or a guard of shared memory overwritten.
TINYGAN_NO_SANITIZE void check_exit(const Grid& g, const Thread& t, const PendingBulks& copies,
                                    const SharedMemory& shared) {
  if (copies.count() > 0)
    fail_thread(g, t, "unfinished copy", "the block has exited, and no thread waited for a tensor copy of it");
  const std::ptrdiff_t overrun = shared.overrun();
  if (overrun == SharedMemory::intact) return;
  if (overrun < 0)
    fail_thread(g, t, "shared memory overrun", "some thread of this block wrote ", -overrun,
                " bytes before its shared memory");
  fail_thread(g, t, "shared memory overrun", "some thread of this block wrote at byte ", overrun, " of ",
              g.shared_bytes, " bytes of shared memory");
}

}  // namespace emulate
}  // namespace
}  // namespace tinygan::cuda
