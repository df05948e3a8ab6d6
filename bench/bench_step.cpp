// Complete GAN steps of the three networks: time, share of the floor, memory.  Links Google Benchmark.
//
//   TINYGAN_THREADS=2 bench_step --benchmark_filter='dcgan/128'
//   bench_step --device cuda --precision bf16 --benchmark_filter='dcgan/.*/captured' --seconds 30 --out steps.jsonl
//   bench_step --device cuda --plan                 what that runs, with predicted seconds; needs no GPU
//
// A step is gan::AdversarialStep's: one forward pass of G, D on real and on generated images with its update, D again
// on the same images for G's update; data resident in the device's memory. On the CPU each step is timed. `floor` is
// the step's exact FLOPs over the FMA peak measured in the same run, `x_floor` the measured time as a multiple of it
// (median; min_x_floor: of the fastest step). On a device `eager` steps run as they are written and `captured` ones are
// replayed (runtime::CapturedStep), for 0.3 s, see step/measure.hpp. Order of priority there: dcgan, captured, bf16
// first; fp32 at batch sizes up to 256, unless there is a filter. --seconds takes the first benchmarks that are
// predicted to fit,
// --batch and --network choose among them, --out gets a JSON line for each. Where no such device is available: exit
// code 77.
#include <benchmark/benchmark.h>
#include <sys/resource.h>

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "step/cases.hpp"
#include "step/measure.hpp"
#include "step/options.hpp"
#include "support/json_rows.hpp"
#include "support/main.hpp"
#include "support/no_gpu.hpp"

namespace {

using namespace tinygan;
using bench::step_flops;

/// The most memory this process has had resident, in MiB.
double peak_rss_mib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

void count_step(benchmark::State& state, const std::string& network, index_t batch, const bench::Samples& times) {
  state.counters["median_ms"] = times.median() * 1e3;
  state.counters["min_ms"] = times.best() * 1e3;
  state.counters["images_per_s"] = static_cast<double>(batch) / times.median();
  state.counters["exact_gflop"] = step_flops(network, batch) * 1e-9;
  state.counters["peak_rss_mib"] = peak_rss_mib();
}

void cpu_step(benchmark::State& state, const std::string& network, index_t batch) {
  bench::Training<float> training(network, batch, Device::cpu());
  for (int warm_up = 0; warm_up < 2; ++warm_up) training();
  double peak = bench::fma_peak<float>(5);
  bench::Samples times;
  int steps = 0;
  for (auto _ : state) {
    const double start = bench::seconds();
    training();
    const double elapsed = bench::seconds() - start;
    times.add(elapsed);
    state.SetIterationTime(elapsed);
    if (++steps % 8 == 0) peak = std::max(peak, bench::fma_peak<float>(1));
  }
  peak = std::max(peak, bench::fma_peak<float>(5));
  const double flops = step_flops(network, batch);
  count_step(state, network, batch, times);
  state.counters["peak_gflops"] = peak * 1e-9;
  state.counters["floor_ms"] = flops / peak * 1e3;
  state.counters["x_floor"] = times.median() * peak / flops;
  state.counters["min_x_floor"] = times.best() * peak / flops;
  state.counters["pool_threads"] = cpu::threads();
}

double device_mib(Device device) { return static_cast<double>(memory_pool(device).stats().reserved) / (1 << 20); }

/// One call measures all: Google Benchmark's own choice of iterations would build the networks again and again.
void device_step(benchmark::State& state, const bench::StepCase& c, Device device, bench::JsonLines& out) {
  for (auto _ : state) {
    const double begin = bench::seconds();
    try {
      const auto stepper = bench::make_stepper(c.network, c.batch, device, c.precision, c.captured);
      const bench::FirstSteps first = bench::take_first_steps(*stepper, device);
      const bench::Samples times = bench::measure_steps(*stepper, device);
      state.SetIterationTime(times.median());
      count_step(state, c.network, c.batch, times);
      state.counters["first_step_ms"] = first.seconds * 1e3;
      state.counters["tflops"] = step_flops(c.network, c.batch) / times.median() * 1e-12;
      state.counters["device_mib"] = device_mib(device);
      bench::JsonRow row = bench::row_of(c, times);
      row.field("first_step_ms", first.seconds * 1e3).field("loss", first.loss).field("device_mib", device_mib(device));
      out.add(row.field("took_s", bench::seconds() - begin));
    } catch (const Error& e) {  // the next one may work
      out.add(bench::JsonRow(c.name).field("error", e.what()));
      bench::wrong_result(state, e.what());
      return;
    }
  }
}

void print_plan(const std::vector<bench::StepCase>& cases) {
  double total = bench::step_start_seconds;
  for (const bench::StepCase& c : cases) {
    std::printf("%s: %.2f s%s\n", c.name.c_str(), c.predicted, c.left_out ? ", left out" : "");
    if (!c.left_out) total += c.predicted;
  }
  std::printf("%.2f s in all, %.2f s of them before the first\n", total, bench::step_start_seconds);
}

/// Steps on the CPU, at the batch sizes that a CPU trains with.
void register_cpu_steps(const bench::StepOptions& o) {
  for (const std::string& network : o.networks)
    for (const index_t batch : o.batches.empty() ? std::vector<index_t>{64, 128, 256} : o.batches)
      benchmark::RegisterBenchmark(text(network, '/', batch).c_str(),
                                   [=](benchmark::State& state) { cpu_step(state, network, batch); })
          ->UseManualTime()
          ->Unit(benchmark::kMillisecond)
          ->MinTime(5);
}

int run_on_device(const bench::StepOptions& o, const std::string& filter) {
  const std::vector<bench::StepCase> cases = bench::step_cases(o, filter);
  if (o.plan) return print_plan(cases), 0;
  if (o.device.type == DeviceType::cuda && cuda_device_count() == 0) return bench::without_gpu("bench_step");
  bench::JsonLines out("bench_step", o.out);
  int taken = 0;
  for (const bench::StepCase& c : cases) {
    if (c.left_out) {
      std::fprintf(stderr, "%s: LEFT OUT, some %.1f s\n", c.name.c_str(), c.predicted);
      out.add(bench::JsonRow(c.name).field("left_out", true).field("predicted_s", c.predicted));
      continue;
    }
    ++taken;
    benchmark::RegisterBenchmark(c.name.c_str(),
                                 [c, &o, &out](benchmark::State& state) { device_step(state, c, o.device, out); })
        ->UseManualTime()
        ->Unit(benchmark::kMillisecond)
        ->Iterations(1);
  }
  if (!cases.empty() && taken == 0) return 0;
  benchmark::AddCustomContext("device", text(o.device));
  return bench::run();
}

}  // namespace

int main(int argc, char** argv) {
  return bench::guarded("bench_step", [&] {
    const bench::StepOptions o = bench::take_step_options(argc, argv);
    std::string filter;
    bench::visit_option("filter", argc, argv, [&](const std::string&, std::string_view value) { filter = value; });
    bench::initialize("bench_step", argc, argv);
    if (o.device.type != DeviceType::cpu) return run_on_device(o, filter);
    register_cpu_steps(o);
    benchmark::AddCustomContext("device", text(o.device));
    return bench::run();
  });
}
