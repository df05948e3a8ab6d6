// CapturedStep: a whole training step, written down once and replayed.
//
// A GPU runs the kernels of a small network faster than a CPU can start them one by one. The first call runs the step as it
// is written; the second writes down every launch (on a GPU a CUDA graph) and replays it; from then on the host only says
// "again". On the CPU each call just runs the step.
//
// What a step must keep to, so that a replay does what running it again would:
//   - nothing is read by the host, and nothing copied from it: data, losses and counters stay on the device (MetricRing,
//     DataLoader, Generator, Adam); what the host must do for each step is HostWork;
//   - what changes from step to step lies in the device's memory: a replay repeats arguments, such as the learning rate, and
//     never runs the host's code between the launches;
//   - shapes are fixed, and nothing that lives on is replaced: weights, statistics and moments are updated in place.
// A capture throws Error where a rule is broken that it can see (a host copy, a request for memory).
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include <tinygan/runtime/host_work.hpp>
#include <tinygan/tensor/memory.hpp>

namespace tinygan::runtime {

/// Takes a step on each call. Results equal those of running it each time, bit for bit.
/// Source: the capture of whole iterations in CUDA graphs, e.g. Nguyen et al., "Accelerating PyTorch with CUDA Graphs", 2021.
class CapturedStep {
 public:
  enum class Mode { automatic, eager };

  /// `step` is called at once or not at all per call of this object, always by its thread. Mode::eager never captures.
  CapturedStep(Device device, std::function<void()> step, Mode mode = Mode::automatic)
      : device_(device), step_(std::move(step)), captures_(mode == Mode::automatic && backend(device).capture.supported()) {}
  ~CapturedStep() { forget(); }
  CapturedStep(const CapturedStep&) = delete;
  CapturedStep& operator=(const CapturedStep&) = delete;

  /// Takes one step. Throws what the step throws, and Error where it cannot be captured; nothing of it has then run.
  void operator()() {
    if (!captures_) return step_();
    if (!memory_) return warm_up();
    host_work_.repeat();
    if (!graph_) capture();
    backend(device_).capture.replay(graph_, device_.index);
  }

  bool captured() const { return graph_ != nullptr; }

  /// Forgets what was written down: after a change of something that is no memory of the device's, such as a learning rate.
  void forget() {
    if (graph_) backend(device_).capture.release(std::exchange(graph_, nullptr), device_.index);
  }

 private:
  /// The temporaries of all replays are those of the capture. In memory of their own nothing that is made between two
  /// replays can come to lie on them; the first run finds out how much that is.
  void warm_up() {
    auto memory = std::make_unique<GraphPrivatePool>(device_);
    {
      const GraphPrivatePool::Scope scope(*memory);
      const HostWork::Scope work(host_work_, HostWork::Run::first);
      step_();
    }
    memory_ = std::move(memory);
  }

  void capture() {
    const CaptureBackend& c = backend(device_).capture;
    c.begin(device_.index);
    try {
      const GraphPrivatePool::Scope scope(*memory_);
      const HostWork::Scope work(host_work_, HostWork::Run::captured);
      step_();
    } catch (...) {
      c.abandon(device_.index);
      throw;
    }
    graph_ = c.end(device_.index);
  }

  Device device_;
  std::function<void()> step_;
  bool captures_;
  std::unique_ptr<GraphPrivatePool> memory_;
  HostWork host_work_;
  void* graph_ = nullptr;
};

}  // namespace tinygan::runtime
