// What a profile knows: the slices so far, the queues of devices whose times are still to come, the calling thread.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <tinygan/backend/device_backend.hpp>
#include <tinygan/base/fork.hpp>
#include <tinygan/base/outline.hpp>
#include <tinygan/profile/scope.hpp>
#include <tinygan/profile/trace.hpp>

#ifdef TINYGAN_FUNC

namespace tinygan::profile::detail {

/// Slices whose times are marks in a device's queue.
struct DeviceQueue {
  struct Pending {
    Slice slice;
    void *begin, *end;
  };

  void* base = nullptr;  ///< a mark at base_time
  std::int64_t base_time = 0;
  std::vector<Pending> pending;
};

/// The profile of the program. It is never destroyed: kernels may run until the end.
struct Session {
  std::mutex mutex;          // guards all of it
  std::uint64_t number = 0;  ///< of this profile, counted from 1
  bool running = false;
  std::string file, caller;
  std::optional<Peak> given, cpu;
  std::uint32_t process = 0;  ///< by forks
  std::chrono::steady_clock::time_point start;
  Trace trace;
  std::map<std::pair<DeviceType, int>, DeviceQueue> queues;
  int threads = 0;
};

[[gnu::visibility("default")]] TINYGAN_FUNC Session& session() {
  static Session& only = *new Session;
  return only;
}

/// What a profile knows of the calling thread.
struct ThreadState {
  /// A kernel since the last op or scope began or ended.
  struct Recent {
    std::int64_t begin;
    const void* output;
  };

  int number = -1;
  int device_index = 0;  ///< of the table that it got last
  bool capturing = false;
  KernelTotals captured;
  std::array<Recent, 8> recent{};
  std::size_t recent_count = 0;
};

[[gnu::visibility("default")]] TINYGAN_FUNC ThreadState& thread_state() {
  thread_local ThreadState state;
  return state;
}

/// Of the calling thread; with the mutex held.
TINYGAN_FUNC int thread_number(Session& s) {
  ThreadState& t = thread_state();
  if (t.number < 0) t.number = s.threads++;
  return t.number;
}

TINYGAN_FUNC std::int64_t now(const Session& s) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now() - s.start).count();
}

TINYGAN_FUNC const DeviceBackend& backend_of(DeviceType type) {
  return *tinygan::detail::backends()[static_cast<std::size_t>(type)].load(std::memory_order_acquire);
}

/// Ranges in the profiler of a GPU's vendor, around the calls that launch.
TINYGAN_FUNC const TimerBackend* ranges() {
  if (!has_backend(DeviceType::cuda)) return nullptr;
  const TimerBackend& timer = backend_of(DeviceType::cuda).timer;
  return timer.begin_range ? &timer : nullptr;
}

// ---- Times of a device's queue ------------------------------------------------------------------------------------

/// Takes the times of what the device was given so far. With the mutex held.
TINYGAN_FUNC void resolve(Session& s, DeviceType type, DeviceQueue& queue) {
  const TimerBackend& timer = backend_of(type).timer;
  for (DeviceQueue::Pending& p : queue.pending) {
    const auto since_base = [&](void* mark) {
      return queue.base_time + static_cast<std::int64_t>(1e9 * timer.seconds(queue.base, mark));
    };
    p.slice.begin = since_base(p.begin);
    p.slice.end = std::max(p.slice.begin, since_base(p.end));
    s.trace.add(p.slice);
  }
  // The last mark is the next base: times from it are short, and a timer may count in float.
  for (std::size_t i = 0; i < queue.pending.size(); ++i) {
    timer.release(queue.pending[i].begin);
    if (i + 1 < queue.pending.size()) timer.release(queue.pending[i].end);
  }
  if (queue.pending.empty()) return;
  timer.release(std::exchange(queue.base, queue.pending.back().end));
  queue.base_time = queue.pending.back().slice.end;
  queue.pending.clear();
}

TINYGAN_FUNC void resolve_all(Session& s) {
  for (auto& [device, queue] : s.queues) resolve(s, device.first, queue);
}

/// Releases all marks. With the mutex held and nothing pending.
TINYGAN_FUNC void end_queues(Session& s) {
  for (auto& [device, queue] : s.queues)
    if (queue.base) backend_of(device.first).timer.release(queue.base);
  s.queues.clear();
}

/// The queue of a device, whose clock is set to the host's at its first use. With the mutex held.
TINYGAN_FUNC DeviceQueue& queue_of(Session& s, Device device) {
  DeviceQueue& queue = s.queues[{device.type, device.index}];
  if (queue.base) return queue;
  const DeviceBackend& b = backend_of(device.type);
  b.synchronize(device.index);
  queue.base = b.timer.mark(device.index);
  b.synchronize(device.index);
  queue.base_time = now(s);
  // Before the device's own clean-up, which its first use registered: later its marks have no times.
  static const bool at_end = std::atexit([] {
                               Session& only = session();
                               const std::lock_guard lock(only.mutex);
                               if (only.running && only.process == tinygan::detail::fork_count()) try {
                                   resolve_all(only);
                                 } catch (const Error&) {  // the device failed; the host's slices are still written
                                 }
                             }) == 0;
  (void)at_end;
  return queue;
}

TINYGAN_FUNC void add_pending(Session& s, Device device, const Slice& slice, void* begin) {
  constexpr std::size_t batch = 4096;  // rare: taking times waits for the device
  DeviceQueue& queue = queue_of(s, device);
  queue.pending.push_back({slice, begin, backend_of(device.type).timer.mark(device.index)});
  if (queue.pending.size() >= batch) resolve(s, device.type, queue);
}

}  // namespace tinygan::profile::detail

#endif
