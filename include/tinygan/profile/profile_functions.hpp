// The functions of profile/profile.hpp.
#pragma once

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <locale>
#include <map>
#include <mutex>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <tinygan/backend/device_backend.hpp>
#include <tinygan/base/fork.hpp>
#include <tinygan/base/version.hpp>
#include <tinygan/cpu/isa.hpp>
#include <tinygan/cpu/peak.hpp>
#include <tinygan/profile/profile.hpp>
#include <tinygan/tensor/kernels.hpp>

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

TINYGAN_FUNC void begin_kernel(KernelCall& call) {
  Session& s = session();
  ThreadState& t = thread_state();
  if (t.capturing) {
    ++t.captured.kernels;
    t.captured.flops += call.work.flops;
    t.captured.bytes += call.work.bytes;
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
  if (!s.running || call.session != s.number) return;
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

TINYGAN_FUNC std::int64_t begin_scope(std::string_view name) {
  Session& s = session();
  if (const TimerBackend* r = ranges()) r->begin_range(std::string(name).c_str());
  thread_state().recent_count = 0;
  const std::lock_guard lock(s.mutex);
  return now(s);
}

TINYGAN_FUNC void end_scope(std::string_view name, SliceKind kind, std::int64_t begin) {
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
}

inline constexpr Recorder functions{.begin = &begin_scope,
                                    .end = &end_scope,
                                    .op = &record_op,
                                    .begin_capture = &begin_capture,
                                    .end_capture = &end_capture,
                                    .replay = &record_replay};

// ---- Start and end --------------------------------------------------------------------------------------------------

[[gnu::visibility("default")]] inline constinit std::atomic<bool> waits_for_first_kernel{
    false};  ///< TINYGAN_PROFILE is set

/// Starts the profile of TINYGAN_PROFILE if it has not begun.
void start_armed();

template <class T>
const KernelTable<T>& observe(Device device, const KernelTable<T>& own) {
  if (waits_for_first_kernel.load(std::memory_order_acquire)) [[unlikely]]
    start_armed();
  thread_state().device_index = device.index;
  const auto table = [&]<DeviceType Type>() -> const KernelTable<T>& {
    own_table<T, Type>.store(&own, std::memory_order_relaxed);
    return observed_table<T, Type>();
  };
  if constexpr (!std::is_same_v<T, double>) {  // of double there are kernels on the CPU alone
    if (device.type == DeviceType::cuda) return table.template operator()<DeviceType::cuda>();
    if (device.type == DeviceType::emulated) return table.template operator()<DeviceType::emulated>();
  }
  return device.type == DeviceType::cpu ? table.template operator()<DeviceType::cpu>() : own;
}

template <class T>
void set_hook(bool on) {
  auto& hook = tinygan::detail::table_hook<T>;
  if (on == (hook.observe.exchange(on ? &observe<T> : nullptr) != nullptr)) return;
  hook.users.fetch_add(on ? 1 : -1);
}

TINYGAN_FUNC void set_hooks(bool on) {
  set_hook<float>(on);
  set_hook<double>(on);
  set_hook<bfloat16>(on);
}

/// The peak that TINYGAN_PEAK gives. Throws Error on anything but two positive numbers with a comma between.
TINYGAN_FUNC std::optional<Peak> peak_of_environment() {
  const char* const value = std::getenv("TINYGAN_PEAK");
  if (!value) return {};
  std::istringstream in(value);
  in.imbue(std::locale::classic());
  Peak peak;
  char comma = 0;
  in >> peak.gflops >> comma >> peak.gbytes;
  check(!in.fail() && in.peek() == EOF && comma == ',' && peak.gflops > 0 && peak.gbytes > 0, "TINYGAN_PEAK", "'",
        value, "', expected GFLOP/s and GB/s as in 3000,40");
  peak.gflops_double = peak.gflops / 2;
  return peak;
}

/// The file's text goes to it. Throws Error if it cannot.
TINYGAN_FUNC void write_file(const Session& s, bool empty) {
  errno = 0;
  std::ofstream out(s.file, std::ios::binary | std::ios::trunc);
  std::map<std::string, Peak> peaks;
  std::map<std::string, std::string> facts{{"tinygan", version_text},
                                           {"cpu", text(cpu::isa_name(cpu::isa()), ", ", cpu::threads(), " threads")}};
  const bool gpu = s.trace.saw(DeviceType::cuda);
  const auto add_peak = [&](const std::string& device, const Peak& peak, const char* source) {
    peaks[device] = peak;
    facts["peak of " + device] = text(peak.gflops, " GFLOP/s, ", peak.gbytes, " GB/s, ", source);
  };
  if (s.cpu) add_peak("cpu", *s.cpu, "measured");
  if (s.given && !gpu) add_peak("cpu", *s.given, "given");
  if (s.given && gpu)
    for (const auto& [device, queue] : s.queues)
      if (device.first == DeviceType::cuda) add_peak(text(Device{device.first, device.second}), *s.given, "given");
  if (!empty && out) s.trace.write(out, peaks, facts);
  out.flush();
  if (!out) fail(s.caller, "cannot write ", s.file, errno ? ": " : "", errno ? std::strerror(errno) : "");
}

/// With the mutex held.
TINYGAN_FUNC void begin_session(Session& s, const char* caller, const std::string& file, const Options& options) {
  check(!s.running, caller, "a profile is being recorded already, to ", s.file);
  static const bool survives_fork =
      tinygan::detail::at_fork([] { session().mutex.lock(); }, [] { session().mutex.unlock(); });
  (void)survives_fork;
  s.file = file;
  s.caller = caller;
  s.given = options.peak ? options.peak : peak_of_environment();
  write_file(s, true);
  s.cpu.reset();
  if (!s.given)
    s.cpu = Peak{cpu::fma_peak<float>(50, 100'000) * 1e-9, cpu::fma_peak<double>(50, 100'000) * 1e-9,
                 cpu::copy_bandwidth() * 1e-9};
  s.trace.clear();
  ++s.number;
  s.process = tinygan::detail::fork_count();
  s.start = std::chrono::steady_clock::now();
  s.running = true;
  set_hooks(true);
  recorder.store(&functions, std::memory_order_release);
}

/// With the mutex held.
TINYGAN_FUNC void end_session(Session& s) {
  recorder.store(nullptr, std::memory_order_release);
  set_hooks(false);
  s.running = false;
}

TINYGAN_FUNC void start_armed() {
  Session& s = session();
  const std::lock_guard lock(s.mutex);
  if (!waits_for_first_kernel.load(std::memory_order_relaxed)) return;
  const char* const file = std::getenv("TINYGAN_PROFILE");
  check(file && *file, "TINYGAN_PROFILE", "is empty, expected the name of a file");
  begin_session(s, "TINYGAN_PROFILE", file, {});
  waits_for_first_kernel.store(false, std::memory_order_release);
  std::atexit([] {
    Session& only = session();
    const std::lock_guard at_exit_lock(only.mutex);
    if (!only.running || only.process != tinygan::detail::fork_count())
      return;  // a child leaves its parent's file alone
    try {
      resolve_all(only);
      write_file(only, false);
    } catch (const Error&) {  // nobody is left to catch it
    }
  });
}

TINYGAN_FUNC bool arm() {
  if (!std::getenv("TINYGAN_PROFILE")) return false;
  static const bool once = [] {  // of all files that include the header
    session();
    waits_for_first_kernel.store(true);
    set_hooks(true);
    return true;
  }();
  return once;
}

}  // namespace tinygan::profile::detail

namespace tinygan::profile {

TINYGAN_FUNC void start(const std::string& file, const Options& options) {
  if (detail::waits_for_first_kernel.load(std::memory_order_acquire)) detail::start_armed();
  detail::Session& s = detail::session();
  const std::lock_guard lock(s.mutex);
  detail::begin_session(s, "profile::start", file, options);
}

TINYGAN_FUNC void flush() {
  detail::Session& s = detail::session();
  const std::lock_guard lock(s.mutex);
  check(s.running, "profile::flush", "no profile is being recorded");
  detail::resolve_all(s);
  detail::write_file(s, false);
}

TINYGAN_FUNC void stop() {
  detail::Session& s = detail::session();
  const std::lock_guard lock(s.mutex);
  check(s.running, "profile::stop", "no profile is being recorded");
  detail::end_session(s);
  detail::resolve_all(s);
  detail::write_file(s, false);
  detail::end_queues(s);
}

}  // namespace tinygan::profile

#endif
