// Trace: slices of host threads and devices, written as trace-event JSON, which Perfetto and chrome://tracing read.
// Format: "Trace Event Format", Google, complete events ("ph":"X") with times in microseconds.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <map>
#include <ostream>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include <tinygan/backend/kernel_work.hpp>
#include <tinygan/base/device.hpp>
#include <tinygan/base/error.hpp>
#include <tinygan/base/outline.hpp>
#include <tinygan/base/precision.hpp>

namespace tinygan::profile {

/// The highest rates of a device. 0: unknown, then kernels have no share of it.
struct Peak {
  double gflops = 0;         ///< 1e9 FLOP/s, in float
  double gflops_double = 0;  ///< the same in double
  double gbytes = 0;         ///< 1e9 bytes/s, read and written
};

/// A piece of time in the trace.
struct Slice {
  /// What took the time; a launch is the host's part of a device's kernel, a graph the replay of a captured step.
  enum class Kind : std::uint8_t { kernel, launch, graph, op, backward, scope };

  Kind kind = Kind::scope;
  Device device{};  ///< of a kernel or graph: the track; all others are the host's
  bool on_device = false;
  int thread = 0;            ///< number of the host thread
  const char* name = "";     ///< a literal, or from Trace::keep
  const char* element = "";  ///< element type of a kernel
  Precision precision = Precision::fp32;
  std::int64_t begin = 0, end = 0;  ///< nanoseconds
  KernelWork work{};                ///< of an op: its shape alone, in extents
  index_t kernels = 0;              ///< of a graph
};

/// The slices of a profile, and the file that they become.
class Trace {
 public:
  static constexpr std::size_t max_slices = 500'000;  // some 100 MB in memory, and as a file

  /// Slices beyond max_slices are counted, not kept.
  void add(const Slice& slice);

  /// A copy of the name that lives as long as the trace.
  const char* keep(std::string_view name);

  /// Writes the file: slices, their shares of the peaks by device, and facts about the run.
  void write(std::ostream& out, const std::map<std::string, Peak>& peaks,
             const std::map<std::string, std::string>& facts) const;

  /// Forgets all slices.
  void clear();
  /// Whether there are slices of that type of device.
  bool saw(DeviceType type) const;

 private:
  std::deque<Slice> slices_;
  std::set<std::string, std::less<>> names_;
  std::size_t dropped_ = 0;
};

}  // namespace tinygan::profile

#ifdef TINYGAN_FUNC

namespace tinygan::profile::detail {

TINYGAN_FUNC std::string quoted(std::string_view s) {
  std::string out = "\"";
  for (const char c : s) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) < 0x20) {
      char code[8];
      std::snprintf(code, sizeof code, "\\u%04x", static_cast<unsigned>(c));
      out += code;
    } else {
      out += c;
    }
  }
  return out + '"';
}

/// A number as JSON.
TINYGAN_FUNC std::string number(double x, int digits) {
  char text[40];
  const auto end = std::to_chars(text, text + sizeof text, x, std::chars_format::general, digits);
  return {text, end.ptr};
}

/// Nanoseconds as microseconds with all their digits, so that slices that touch do not overlap.
TINYGAN_FUNC std::string microseconds(std::int64_t ns) {
  const std::string part = std::to_string(1000 + ns % 1000);
  return std::to_string(ns / 1000) + '.' + part.substr(1);
}

/// The process of a track: 1 for the host, one for each other device.
TINYGAN_FUNC int process_of(const Slice& s) {
  return s.on_device ? 2 + static_cast<int>(s.device.type) + device_type_count * s.device.index : 1;
}

/// max(FLOPs/peak, bytes/bandwidth) over the time.
TINYGAN_FUNC double share_of_peak(const Slice& s, const Peak& peak) {
  const double gflops = std::string_view(s.element) == "double" ? peak.gflops_double : peak.gflops;
  const auto ns = static_cast<double>(std::max<std::int64_t>(s.end - s.begin, 1));
  return std::max(gflops > 0 ? s.work.flops / gflops : 0, peak.gbytes > 0 ? s.work.bytes / peak.gbytes : 0) / ns;
}

TINYGAN_FUNC void append_arguments(std::string& out, const Slice& s, const std::map<std::string, Peak>& peaks) {
  const char* comma = "";
  const auto field = [&](std::string_view name, const std::string& value) {
    out += comma;
    out += quoted(name) + ':' + value;
    comma = ",";
  };
  const KernelWork& w = s.work;
  if (s.kind == Slice::Kind::op) {
    std::string shape;
    for (std::size_t i = 0; i < w.count; ++i) shape += (i ? "," : "") + std::to_string(w.extents[i]);
    return field("shape", '[' + shape + ']');
  }
  if (w.op) field("op", quoted(w.op));
  if (*s.element) field("type", quoted(s.element));
  if (s.precision != Precision::fp32) field("precision", quoted(name_of(s.precision)));
  if (s.kind == Slice::Kind::graph) field("kernels", std::to_string(s.kernels));
  for (std::size_t i = 0; i < w.count; ++i) field(w.names[i], std::to_string(w.extents[i]));
  if (s.kind != Slice::Kind::kernel && s.kind != Slice::Kind::graph) return;
  field("flops", number(w.flops, 15));
  field("bytes", number(w.bytes, 15));
  const auto ns = static_cast<double>(std::max<std::int64_t>(s.end - s.begin, 1));
  field("gflops_per_second", number(w.flops / ns, 4));
  field("gbytes_per_second", number(w.bytes / ns, 4));
  if (const auto peak = peaks.find(text(s.device)); peak != peaks.end())
    field("share_of_peak", number(share_of_peak(s, peak->second), 4));
}

}  // namespace tinygan::profile::detail

namespace tinygan::profile {

TINYGAN_FUNC void Trace::add(const Slice& slice) {
  if (slices_.size() < max_slices) slices_.push_back(slice);
  else ++dropped_;
}

TINYGAN_FUNC const char* Trace::keep(std::string_view name) {
  auto found = names_.find(name);
  if (found == names_.end()) found = names_.emplace(name).first;
  return found->c_str();
}

TINYGAN_FUNC bool Trace::saw(DeviceType type) const {
  return std::any_of(slices_.begin(), slices_.end(),
                     [&](const Slice& s) { return s.on_device && s.device.type == type; });
}

TINYGAN_FUNC void Trace::clear() {
  slices_.clear();
  names_.clear();
  dropped_ = 0;
}

TINYGAN_FUNC void Trace::write(std::ostream& out, const std::map<std::string, Peak>& peaks,
                               const std::map<std::string, std::string>& facts) const {
  constexpr const char* categories[] = {"kernel", "launch", "graph", "op", "backward", "scope"};
  out << "{\"displayTimeUnit\":\"ns\",\n\"otherData\":{";
  for (const auto& [name, value] : facts) out << detail::quoted(name) << ':' << detail::quoted(value) << ",\n";
  out << "\"slices beyond the limit\":" << std::to_string(dropped_) << "},\n\"traceEvents\":[\n";
  std::map<int, std::string> processes;
  std::set<std::pair<int, int>> threads;
  std::string line;
  const char* separator = "";
  for (const Slice& s : slices_) {
    const int process = detail::process_of(s);
    if (!processes.contains(process)) processes[process] = s.on_device ? text(s.device) : "host";
    threads.emplace(process, s.thread);
    const std::string name = s.kind == Slice::Kind::backward ? s.name + std::string(" backward") : s.name;
    line = "{\"ph\":\"X\",\"name\":" + detail::quoted(name) + ",\"cat\":\"" +
           categories[static_cast<std::size_t>(s.kind)] + "\",\"pid\":" + std::to_string(process) +
           ",\"tid\":" + std::to_string(s.thread) + ",\"ts\":" + detail::microseconds(s.begin) +
           ",\"dur\":" + detail::microseconds(s.end - s.begin) + ",\"args\":{";
    detail::append_arguments(line, s, peaks);
    out << separator << line << "}}";
    separator = ",\n";
  }
  const auto metadata = [&](int process, int thread, const char* what, const std::string& name) {
    out << separator
        << text("{\"ph\":\"M\",\"name\":\"", what, "\",\"pid\":", process, ",\"tid\":", thread,
                ",\"args\":{\"name\":", detail::quoted(name), "}}");
    separator = ",\n";
  };
  for (const auto& [process, name] : processes) metadata(process, 0, "process_name", name);
  for (const auto& [process, thread] : threads)
    metadata(process, thread, "thread_name", text(process == 1 ? "thread " : "of thread ", thread));
  out << "\n]}\n";
}

}  // namespace tinygan::profile

#endif
