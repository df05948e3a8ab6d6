// CapturedStep: graph capture of a whole training step.
//
// A GPU runs the kernels of a small network faster than a CPU can launch them one by one. The first call runs the step
// eagerly; the second captures every launch (on a GPU in a CUDA graph) and replays it; every later call is one replay.
// A device without capture, such as the CPU, runs the step on each call.
//
// For a replay to equal a run of the step:
//   - the host reads nothing and copies nothing to the device: data, losses and counters stay in device memory
//     (MetricRing, DataLoader, StepClock); host code that must run for each step is registered with HostWork;
//   - values that change from step to step are in device memory: a replay repeats kernel arguments, such as the
//     learning rate, and runs no host code between the launches;
//   - shapes are fixed; weights, statistics, first and second moments are updated in place.
// A capture throws Error on a violation that it can detect (a host copy, a request for memory).
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include <tinygan/base/host_work.hpp>
#include <tinygan/base/outline.hpp>
#include <tinygan/profile/scope.hpp>
#include <tinygan/tensor/memory.hpp>

namespace tinygan::runtime {

/// Runs one step per call. Results equal those of eager steps, bit for bit.
/// Source: whole-iteration capture in CUDA graphs, e.g. Nguyen et al., "Accelerating PyTorch with CUDA Graphs", 2021.
class CapturedStep {
 public:
  /// Automatic captures where the device can; eager runs the step in every call.
  enum class Mode { automatic, eager };

  /// A call of this object calls `step` at most once, in the same thread. Mode::eager never captures.
  CapturedStep(Device device, std::function<void()> step, Mode mode = Mode::automatic);
  ~CapturedStep() { forget(); }
  CapturedStep(const CapturedStep&) = delete;
  CapturedStep& operator=(const CapturedStep&) = delete;

  /// Runs one step. Throws what the step throws, and Error if the step cannot be captured; then no kernel has run.
  void operator()();

  bool captured() const { return graph_ != nullptr; }

  /// Discards the recorded graph. Call after changing host-side state such as the learning rate.
  void forget();

 private:
  /// All replays share the temporaries of the capture. A graph-private pool keeps later allocations from overlapping
  /// them; the first run determines its size.
  void warm_up();

  void capture();

  Device device_;
  std::function<void()> step_;
  bool captures_;
  std::unique_ptr<GraphPrivatePool> memory_;
  HostWork host_work_;
  void* graph_ = nullptr;
  profile::KernelTotals kernels_;  ///< of the graph, where it was captured in a profile
};

}  // namespace tinygan::runtime

#ifdef TINYGAN_FUNC

namespace tinygan::runtime {

TINYGAN_CTOR CapturedStep::CapturedStep(Device device, std::function<void()> step, Mode mode)
    : device_(device), step_(std::move(step)),
      captures_(mode == Mode::automatic && backend(device).capture.supported()) {}

TINYGAN_FUNC void CapturedStep::operator()() {
  if (!captures_) return step_();
  if (!memory_) return warm_up();
  if (!graph_) capture();
  host_work_.repeat();
  profile::replay(device_, kernels_, [&] { backend(device_).capture.replay(graph_, device_.index); });
}

TINYGAN_FUNC void CapturedStep::forget() {
  if (graph_) backend(device_).capture.release(std::exchange(graph_, nullptr), device_.index);
}

TINYGAN_FUNC void CapturedStep::warm_up() {
  auto memory = std::make_unique<GraphPrivatePool>(device_);
  {
    const GraphPrivatePool::Scope scope(*memory);
    const HostWork::Scope work(host_work_, HostWork::Run::first);
    step_();
  }
  memory_ = std::move(memory);
}

TINYGAN_FUNC void CapturedStep::capture() {
  const CaptureBackend& c = backend(device_).capture;
  profile::CaptureScope profiled;
  c.begin(device_.index);
  try {
    const GraphPrivatePool::Scope scope(*memory_);
    const HostWork::Scope work(host_work_, HostWork::Run::captured);
    step_();
  } catch (...) {
    c.abandon(device_.index);
    throw;
  }
  kernels_ = profiled.end();
  graph_ = c.end(device_.index);
}

}  // namespace tinygan::runtime

#endif
