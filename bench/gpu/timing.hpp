// Times of calls on a GPU: captured in graphs, contestants in turn.
#pragma once

#include <cuda_runtime.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>
#include <vector>

#include "contestant.hpp"
#include "device.hpp"
#include "prediction.hpp"

namespace tinygan::bench::gpu {

class CudaEvent {
 public:
  CudaEvent() { check_cuda(cudaEventCreate(&event_), "cudaEventCreate"); }
  ~CudaEvent() { cudaEventDestroy(event_); }
  CudaEvent(const CudaEvent&) = delete;
  CudaEvent& operator=(const CudaEvent&) = delete;
  void record(cudaStream_t stream) const { check_cuda(cudaEventRecord(event_, stream), "cudaEventRecord"); }
  double seconds_since(const CudaEvent& start) const {
    float ms = 0;
    check_cuda(cudaEventSynchronize(event_), "cudaEventSynchronize");
    check_cuda(cudaEventElapsedTime(&ms, start.event_, event_), "cudaEventElapsedTime");
    return 1e-3 * static_cast<double>(ms);
  }

 private:
  cudaEvent_t event_ = nullptr;
};

/// Seconds of a call, once per graph that was launched.
class Times {
 public:
  void add(double seconds) { seconds_.push_back(seconds); }
  /// The value below which a share of the times lies, by nearest rank.
  double percentile(double share) const {
    std::vector<double> sorted = seconds_;
    std::sort(sorted.begin(), sorted.end());
    return sorted[static_cast<std::size_t>(std::lround(share * static_cast<double>(sorted.size() - 1)))];
  }
  double median() const { return percentile(0.5); }
  std::size_t count() const { return seconds_.size(); }

 private:
  std::vector<double> seconds_;
};

/// Calls of a contestant in a row, as one graph: so what is timed is the GPU and not the host that feeds it.
class CapturedCalls {
 public:
  /// `cold`: on one set after the other, else on set 0 again and again.
  CapturedCalls(const Contestant& c, int calls, bool cold) : calls_(calls) {
    const CudaStream& stream = bench_stream();
    cudaGraph_t graph = nullptr;
    check_cuda(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), "cudaStreamBeginCapture");
    try {
      for (int i = 0; i < calls; ++i) c.run(cold ? i % c.sets : 0, stream);
    } catch (...) {
      cudaStreamEndCapture(stream, &graph);
      if (graph) cudaGraphDestroy(graph);
      cudaGetLastError();  // of a capture that was spoilt
      throw;
    }
    check_cuda(cudaStreamEndCapture(stream, &graph), "cudaStreamEndCapture");
    const cudaError_t made = cudaGraphInstantiate(&graph_, graph, 0);
    cudaGraphDestroy(graph);
    check_cuda(made, "cudaGraphInstantiate");
  }
  ~CapturedCalls() { cudaGraphExecDestroy(graph_); }
  CapturedCalls(const CapturedCalls&) = delete;
  CapturedCalls& operator=(const CapturedCalls&) = delete;

  /// Launches the graph and waits: seconds of one call.
  double time() const {
    const CudaStream& stream = bench_stream();
    begin_.record(stream);
    check_cuda(cudaGraphLaunch(graph_, stream), "cudaGraphLaunch");
    end_.record(stream);
    return end_.seconds_since(begin_) / calls_;
  }

 private:
  int calls_;
  cudaGraphExec_t graph_ = nullptr;
  CudaEvent begin_, end_;
};

/// Seconds of one call that no graph holds, and what it takes to launch it.
inline double time_of_call(const Contestant& c) {
  const CudaStream& stream = bench_stream();
  const CudaEvent begin, end;
  begin.record(stream);
  c.run(0, stream);
  end.record(stream);
  return end.seconds_since(begin);
}

struct HotCold {
  Times hot, cold;
};

/// Times of the contestants in turn, A B A B, after a warm-up round, until each was timed for `seconds` cold and as
/// long hot, and at least least_rounds times. A cold graph goes through every set.
inline std::vector<HotCold> measure(const std::vector<Contestant>& contestants, double seconds) {
  std::vector<std::unique_ptr<CapturedCalls>> hot, cold;
  for (const Contestant& c : contestants) {
    const double once = time_of_call(c);
    hot.push_back(std::make_unique<CapturedCalls>(c, calls_of(once, 1), false));
    cold.push_back(std::make_unique<CapturedCalls>(c, calls_of(once, c.sets), true));
  }
  std::vector<HotCold> times(contestants.size());
  using Clock = std::chrono::steady_clock;
  const auto limit = std::chrono::duration<double>(2 * seconds * static_cast<double>(contestants.size()));
  Clock::time_point start{};
  for (int round = -1; round < least_rounds || Clock::now() - start < limit; ++round) {
    if (round == 0) start = Clock::now();
    for (std::size_t i = 0; i < contestants.size(); ++i) {
      const double cold_time = cold[i]->time(), hot_time = hot[i]->time();
      if (round < 0) continue;  // warm-up
      times[i].cold.add(cold_time);
      times[i].hot.add(hot_time);
    }
  }
  return times;
}

}  // namespace tinygan::bench::gpu
