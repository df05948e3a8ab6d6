// Small jobs of the thread pool, as the kernels between two convolutions are, on a quiet machine and beside busy
// neighbours.
//
// Links: benchmark, threads. Options: Google Benchmark's; TINYGAN_THREADS sets the threads.
// Arguments: chunks of a job, floats of a chunk (1024 take about 0.4 us), neighbours: threads outside the pool that
// always compute. Counters: `serial` is the mean time of the same job on the calling thread, timed in turn with it in
// us; `speedup` that over the
//           pool's mean time.
#include <benchmark/benchmark.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include <tinygan/cpu/thread_pool.hpp>

#include "support/buffers.hpp"
#include "support/main.hpp"
#include "support/peak.hpp"

namespace {

using namespace tinygan;

/// Threads that compute as long as this lives.
class Neighbours {
 public:
  explicit Neighbours(index_t count) {
    for (index_t i = 0; i < count; ++i)
      threads_.emplace_back([this] {
        while (!stop_.load(std::memory_order_relaxed)) {
        }
      });
  }
  ~Neighbours() {
    stop_ = true;
    for (std::thread& t : threads_) t.join();
  }
  Neighbours(const Neighbours&) = delete;
  Neighbours& operator=(const Neighbours&) = delete;

 private:
  std::atomic<bool> stop_{false};
  std::vector<std::thread> threads_;
};

/// Pairs of a job on the pool and the same job on the calling thread.
void small_jobs(benchmark::State& state) {
  const index_t chunks = state.range(0), size = state.range(1);
  const auto x = bench::buffer<float>(chunks * size);
  const auto chunk = [&](index_t c, int) {
    float* const part = x.get() + c * size;
    for (index_t i = 0; i < size; ++i) part[i] = 0.5f * part[i] + 0.25f;
  };
  const Neighbours neighbours(state.range(2));
  double pool = 0, serial = 0;
  for (auto _ : state) {
    const double start = bench::seconds();
    cpu::parallel_chunks(chunks, chunk);
    const double middle = bench::seconds();
    for (index_t c = 0; c < chunks; ++c) chunk(c, 0);
    benchmark::ClobberMemory();
    serial += bench::seconds() - middle;
    pool += middle - start;
    state.SetIterationTime(middle - start);
  }
  state.counters["serial"] = serial / static_cast<double>(state.iterations()) * 1e6;
  state.counters["speedup"] = serial / pool;
}

BENCHMARK(small_jobs)
    ->ArgNames({"chunks", "floats", "neighbours"})
    ->ArgsProduct({{2, 16, 64}, {1024, 16384}, {0, 1, 2}})
    ->UseManualTime()
    ->Unit(benchmark::kMicrosecond);

}  // namespace

int main(int argc, char** argv) {
  return bench::guarded("bench_thread_pool", [&] {
    bench::initialize("bench_thread_pool", argc, argv);
    return bench::run();
  });
}
