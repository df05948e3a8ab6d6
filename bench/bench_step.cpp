// Complete GAN steps of the three networks: time, share of the floor, memory.  Links Google Benchmark.
//
//   TINYGAN_THREADS=2 bench_step --benchmark_filter='dcgan/128'
//
// A step is gan::AdversarialStep's: one forward pass of G, D on real and on generated images with its update, D again on the
// same images for G's update; data resident in memory. `floor` is the step's exact FLOPs over the FMA peak measured in the
// same run, `x_floor` the measured time as a multiple of it (median; min_x_floor: of the fastest step).
#include <benchmark/benchmark.h>
#include <sys/resource.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <tinygan/backend/taps.hpp>
#include <tinygan/gan/step.hpp>

#include "support/layers.hpp"
#include "support/peak.hpp"

namespace {

using namespace tinygan;

/// Multiply-adds of one step, exact taps only. G: forward, weight gradient and, but for the first layer, input gradient.
/// D: three forward passes, two weight gradients, and input gradients three times, once for the first layer.
double step_flops(const std::string& network, index_t batch) {
  double total = 0;
  bool generator_begun = false, discriminator_begun = false;
  const auto count = [&](const std::string& name, double macs) {
    const bool generator = name[0] == 'G';
    const bool first = !std::exchange(generator ? generator_begun : discriminator_begun, true);
    total += macs * (generator ? (first ? 2 : 3) : (first ? 6 : 8));
  };
  // Dense layers come first in every generator and last in every discriminator.
  for (const auto& l : bench::dense_layers())
    if (l.network == network && l.name[0] == 'G') count(l.name, static_cast<double>(batch * l.in * l.out));
  for (const auto& l : bench::conv_layers(batch))
    if (l.network == network) count(l.name, static_cast<double>(exact_macs(l.dims)));
  for (const auto& l : bench::dense_layers())
    if (l.network == network && l.name[0] == 'D') count(l.name, static_cast<double>(batch * l.in * l.out));
  return 2 * total;
}

/// The most memory this process has had resident, in MiB.
double peak_rss_mib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

void step(benchmark::State& state, const std::string& network, index_t batch) {
  Generator random(1);
  gan::Networks<float> networks = gan::make_networks<float>(gan::network_from_name(network), random);
  gan::AdversarialStep<float> step(networks, {}, {});
  const auto real = random_uniform<float>({batch, 28, 28, 1}, random, static_cast<float>(networks.pixel_low),
                                          static_cast<float>(networks.pixel_high));
  for (int warm_up = 0; warm_up < 2; ++warm_up) step(real, random);
  double peak = bench::fma_peak<float>(5);
  std::vector<double> times;
  for (auto _ : state) {
    const double start = bench::seconds();
    random.next_step();
    benchmark::DoNotOptimize(step(real, random).loss_d.data());
    times.push_back(bench::seconds() - start);
    state.SetIterationTime(times.back());
    if (times.size() % 8 == 0) peak = std::max(peak, bench::fma_peak<float>(1));
  }
  peak = std::max(peak, bench::fma_peak<float>(5));
  std::sort(times.begin(), times.end());
  const double flops = step_flops(network, batch), median = times[times.size() / 2];
  state.counters["median_ms"] = median * 1e3;
  state.counters["min_ms"] = times.front() * 1e3;
  state.counters["images_per_s"] = static_cast<double>(batch) / median;
  state.counters["exact_gflop"] = flops * 1e-9;
  state.counters["peak_gflops"] = peak * 1e-9;
  state.counters["floor_ms"] = flops / peak * 1e3;
  state.counters["x_floor"] = median * peak / flops;
  state.counters["min_x_floor"] = times.front() * peak / flops;
  state.counters["pool_threads"] = cpu::threads();
  state.counters["peak_rss_mib"] = peak_rss_mib();
}

}  // namespace

int main(int argc, char** argv) {
  for (const char* network : {"dcgan", "article", "libtorch"})
    for (const index_t batch : {64, 128, 256})
      benchmark::RegisterBenchmark((std::string(network) + "/" + std::to_string(batch)).c_str(), &step, network, batch)
          ->UseManualTime()
          ->Unit(benchmark::kMillisecond)
          ->MinTime(5);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::AddCustomContext("instruction_set", cpu::isa_name(cpu::isa()));
  benchmark::RunSpecifiedBenchmarks();
}
