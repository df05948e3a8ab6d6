// What is recorded while a profile runs: kernels, ops, scopes, replays of graphs.
#pragma once

#include <functional>
#include <string_view>
#include <utility>

#include <tinygan/profile/observed_kernels.hpp>
#include <tinygan/profile/session.hpp>
#include <tinygan/tensor/kernels.hpp>

#ifdef TINYGAN_FUNC

namespace tinygan::profile::detail {

// ---- Kernels ------------------------------------------------------------------------------------------------------

/// The slice of a kernel or graph on its device, and of its launch on the host where the two differ.
TINYGAN_FUNC void add_on_device(Session& s, Slice slice, Device device, void* mark) {
  slice.device = device;
  slice.thread = thread_number(s);
  slice.end = now(s);
  if (device.type == DeviceType::cpu) return s.trace.add(slice);
  Slice launch = slice;
  launch.kind = Slice::Kind::launch;
  s.trace.add(launch);
  slice.on_device = true;
  if (mark) add_pending(s, device, slice, mark);
  else s.trace.add(slice);
}

/// Of a kernel whose profile ended while it ran.
TINYGAN_FUNC void release_mark(DeviceType type, void* mark) {
  if (mark) backend_of(type).timer.release(mark);
}

TINYGAN_FUNC void begin_kernel(KernelCall& call) {
  Session& s = session();
  ThreadState& t = thread_state();
  if (t.capturing) {
    t.captured.add(call.work.flops, call.work.bytes);
    return;
  }
  if (!recording()) return;
  const std::lock_guard lock(s.mutex);
  if (!s.running) return;
  call.session = s.number;
  if (const TimerBackend* r = ranges()) r->begin_range(call.name);
  const Device device{call.type, t.device_index};
  if (backend_of(call.type).timer.supported()) {
    queue_of(s, device);
    call.mark = backend_of(call.type).timer.mark(device.index);
  }
  call.begin = now(s);
}

TINYGAN_FUNC void end_kernel(KernelCall& call) {
  if (call.session == 0) return;
  Session& s = session();
  ThreadState& t = thread_state();
  const Device device{call.type, t.device_index};
  const std::lock_guard lock(s.mutex);
  if (const TimerBackend* r = ranges()) r->end_range();
  if (!s.running || call.session != s.number) return release_mark(call.type, call.mark);
  Slice slice;
  slice.kind = Slice::Kind::kernel;
  slice.name = call.name;
  slice.element = call.element;
  if (std::string_view(call.element) == "float") slice.precision = precision(device);
  slice.begin = call.begin;
  slice.work = call.work;
  add_on_device(s, slice, device, call.mark);
  if (t.recent_count == t.recent.size()) {
    std::move(t.recent.begin() + 1, t.recent.end(), t.recent.begin());
    --t.recent_count;
  }
  t.recent[t.recent_count++] = {call.begin, call.output};
}

// ---- Scopes, ops, graphs --------------------------------------------------------------------------------------------

TINYGAN_FUNC std::int64_t begin_scope(const char* name) {
  Session& s = session();
  if (const TimerBackend* r = ranges()) r->begin_range(name);
  thread_state().recent_count = 0;
  const std::lock_guard lock(s.mutex);
  return now(s);
}

TINYGAN_FUNC void end_scope(const char* name, SliceKind kind, std::int64_t begin) {
  Session& s = session();
  if (const TimerBackend* r = ranges()) r->end_range();
  thread_state().recent_count = 0;
  const std::lock_guard lock(s.mutex);
  if (!s.running) return;
  Slice slice;
  slice.kind = kind == SliceKind::backward ? Slice::Kind::backward : Slice::Kind::scope;
  slice.name = s.trace.keep(name);
  slice.thread = thread_number(s);
  slice.begin = begin;
  slice.end = now(s);
  s.trace.add(slice);
}

/// The op's slice begins with the first of the kernels that wrote its value: those of the thread since its last op, but
/// for what ran before them.
TINYGAN_FUNC void record_op(const char* name, const void* data, std::size_t bytes, const Shape& shape) {
  Session& s = session();
  ThreadState& t = thread_state();
  std::size_t first = std::exchange(t.recent_count, 0);
  const auto wrote = [&](const ThreadState::Recent& kernel) {
    return !std::less<>{}(kernel.output, data) &&
           std::less<>{}(kernel.output, static_cast<const void*>(static_cast<const std::byte*>(data) + bytes));
  };
  const std::size_t count = first;
  while (first > 0 && wrote(t.recent[first - 1])) --first;
  if (first == count) return;
  const std::lock_guard lock(s.mutex);
  if (!s.running) return;
  Slice slice;
  slice.kind = Slice::Kind::op;
  slice.name = name;
  slice.thread = thread_number(s);
  slice.begin = t.recent[first].begin;
  slice.end = now(s);
  slice.work.count = static_cast<std::size_t>(shape.rank());
  for (int axis = 0; axis < shape.rank(); ++axis) slice.work.extents[static_cast<std::size_t>(axis)] = shape[axis];
  s.trace.add(slice);
}

TINYGAN_FUNC void begin_capture() {
  ThreadState& t = thread_state();
  t.capturing = true;
  t.captured = {};
}

TINYGAN_FUNC KernelTotals end_capture() {
  ThreadState& t = thread_state();
  t.capturing = false;
  return t.captured;
}

TINYGAN_FUNC void record_replay(Device device, const KernelTotals& totals, const std::function<void()>& launch) {
  Session& s = session();
  const TimerBackend& timer = backend_of(device.type).timer;
  Slice slice;
  slice.kind = Slice::Kind::graph;
  slice.name = "replay of a captured step";
  slice.kernels = totals.kernels;
  slice.work.flops = totals.flops;
  slice.work.bytes = totals.bytes;
  void* mark = nullptr;
  std::uint64_t number = 0;
  {
    const std::lock_guard lock(s.mutex);
    if (s.running && timer.supported()) {
      queue_of(s, device);
      mark = timer.mark(device.index);
    }
    slice.begin = now(s);
    number = s.number;
  }
  launch();
  const std::lock_guard lock(s.mutex);
  if (s.running && s.number == number) add_on_device(s, slice, device, mark);
  else release_mark(device.type, mark);
}

inline constexpr Recorder functions{.begin = &begin_scope,
                                    .end = &end_scope,
                                    .op = &record_op,
                                    .begin_capture = &begin_capture,
                                    .end_capture = &end_capture,
                                    .replay = &record_replay};

}  // namespace tinygan::profile::detail

#endif
