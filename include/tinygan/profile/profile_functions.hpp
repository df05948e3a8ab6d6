// The functions of profile/profile.hpp: how a profile starts and ends.
#pragma once

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <locale>
#include <map>
#include <mutex>
#include <optional>
#include <sstream>
#include <string>

#include <tinygan/base/version.hpp>
#include <tinygan/cpu/isa.hpp>
#include <tinygan/cpu/peak.hpp>
#include <tinygan/profile/profile.hpp>
#include <tinygan/profile/record.hpp>
#include <tinygan/profile/session.hpp>

#ifdef TINYGAN_FUNC

namespace tinygan::profile::detail {

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
    } catch (const Error& e) {  // nobody is left to catch it
      std::fprintf(stderr, "%s\n", e.what());
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
