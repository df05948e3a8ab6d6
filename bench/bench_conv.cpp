// The convolution layers of the networks, batch 128: forward pass, input gradient, weight gradient.
//
// Links: benchmark, threads. Options: Google Benchmark's; TINYGAN_THREADS and TINYGAN_BATCH set threads and batch.
// Counters: GFLOP/s counting the taps that touch data (exact) and all of them (nominal), from the best call; `of_peak`
//           is the exact figure over the FMA peak measured before and after, of the best and of the median call.
#include <benchmark/benchmark.h>

#include <string>

#include <tinygan/backend/kernel_work.hpp>
#include <tinygan/cpu/conv.hpp>

#include "support/buffers.hpp"
#include "support/layers.hpp"
#include "support/main.hpp"
#include "support/numbers.hpp"
#include "support/peak.hpp"
#include "support/samples.hpp"

namespace {

using namespace tinygan;

void run(benchmark::State& state, ConvDims d, ConvSlot slot) {
  const auto x = bench::buffer<float>(d.x_shape().size()), w = bench::buffer<float>(d.w_shape().size());
  const auto g = bench::buffer<float>(d.y_shape().size());
  bench::GrowingWorkspace workspace;
  const double peak = bench::fma_peak<float>(3);
  bench::Samples samples;
  for (auto _ : state) {
    const double start = bench::seconds();
    switch (slot) {
      case ConvSlot::g: cpu::conv2d<float>(d, {}, x.get(), w.get(), g.get(), workspace, Stream{}); break;
      case ConvSlot::x: cpu::conv2d_input_grad<float>(d, {}, g.get(), w.get(), x.get(), workspace, Stream{}); break;
      case ConvSlot::w: cpu::conv2d_weight_grad<float>(d, x.get(), g.get(), w.get(), workspace, Stream{}); break;
    }
    const double elapsed = bench::seconds() - start;
    samples.add(elapsed);
    state.SetIterationTime(elapsed);
  }
  const double exact = KernelWorks<float>::conv2d(d).flops, nominal = 2.0 * static_cast<double>(nominal_macs(d));
  const double best_peak = std::max(peak, bench::fma_peak<float>(3));
  state.counters["exact"] = exact / samples.best() * 1e-9;
  state.counters["nominal"] = nominal / samples.best() * 1e-9;
  state.counters["of_peak"] = exact / samples.best() / best_peak;
  state.counters["of_peak_median"] = exact / samples.median() / best_peak;
}

}  // namespace

int main(int argc, char** argv) {
  return bench::guarded("bench_conv", [&] {
    const index_t batch = bench::count_of_environment("TINYGAN_BATCH", 128, bench::most_images);
    bench::initialize("bench_conv", argc, argv);
    for (const bench::ConvLayer& layer : bench::conv_layers(batch)) {
      const auto add = [&](const char* what, ConvSlot slot) {
        benchmark::RegisterBenchmark((layer.network + " " + layer.name + " " + what).c_str(), run, layer.dims, slot)
            ->UseManualTime()
            ->Unit(benchmark::kMicrosecond);
      };
      add("forward", layer.transposed ? ConvSlot::x : ConvSlot::g);
      add("input_grad", layer.transposed ? ConvSlot::g : ConvSlot::x);
      add("weight_grad", ConvSlot::w);
    }
    return bench::run();
  });
}
