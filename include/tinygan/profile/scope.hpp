// Where the library tells a profile what it does: scopes, ops of the tape, captured graphs. Without a profile each is
// one load and one branch; profile/profile.hpp has what is behind them.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>

#include <tinygan/base/device.hpp>
#include <tinygan/base/shape.hpp>

namespace tinygan::profile {

/// The kernels of a captured graph, or of a count: their number, FLOPs and bytes.
struct KernelTotals {
  index_t kernels = 0;
  double flops = 0, bytes = 0;

  /// One kernel more.
  void add(double kernel_flops, double kernel_bytes) {
    ++kernels;
    flops += kernel_flops;
    bytes += kernel_bytes;
  }
};

enum class SliceKind { scope, backward };

namespace detail {

/// The profile that is recorded.
struct Recorder {
  std::int64_t (*begin)(const char* name);
  void (*end)(const char* name, SliceKind, std::int64_t begin);
  /// An op of the tape has its value: `bytes` of memory at `data`.
  void (*op)(const char* name, const void* data, std::size_t bytes, const Shape&);
  void (*begin_capture)();
  KernelTotals (*end_capture)();
  void (*replay)(Device, const KernelTotals&, const std::function<void()>& launch);
};

[[gnu::visibility("default")]] inline constinit std::atomic<const Recorder*> recorder{nullptr};

}  // namespace detail

/// Whether a profile is recorded.
inline bool recording() { return detail::recorder.load(std::memory_order_relaxed) != nullptr; }

/// A slice of the calling thread in the trace, from construction to destruction, around the ops and kernels between. On
/// a GPU it is an NVTX range as well. `name` must outlive it.
class Scope {
 public:
  explicit Scope(const char* name, SliceKind kind = SliceKind::scope)
      : recorder_(detail::recorder.load(std::memory_order_acquire)), name_(name), kind_(kind) {
    if (recorder_) [[unlikely]]
      begin_ = recorder_->begin(name_);
  }
  ~Scope() {
    if (recorder_) [[unlikely]]
      recorder_->end(name_, kind_, begin_);
  }
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;

 private:
  const detail::Recorder* recorder_;
  const char* name_;
  SliceKind kind_;
  std::int64_t begin_ = 0;
};

/// While it lives, the kernels of the calling thread are those of a graph: recorded, not run.
class CaptureScope {
 public:
  CaptureScope() : recorder_(detail::recorder.load(std::memory_order_acquire)) {
    if (recorder_) recorder_->begin_capture();
  }
  ~CaptureScope() { end(); }
  CaptureScope(const CaptureScope&) = delete;
  CaptureScope& operator=(const CaptureScope&) = delete;

  /// The graph's kernels; none without a profile.
  KernelTotals end() {
    const detail::Recorder* const r = std::exchange(recorder_, nullptr);
    return r ? r->end_capture() : KernelTotals{};
  }

 private:
  const detail::Recorder* recorder_;
};

/// launch(), which replays a graph of these kernels on a device: one slice.
template <class Launch>
void replay(Device device, const KernelTotals& totals, const Launch& launch) {
  if (const detail::Recorder* const r = detail::recorder.load(std::memory_order_acquire)) [[unlikely]]
    r->replay(device, totals, launch);
  else launch();
}

}  // namespace tinygan::profile
