// Complete GAN steps of the three networks: time, share of the floor, memory.  Links Google Benchmark.
//
//   TINYGAN_THREADS=2 bench_step --benchmark_filter='dcgan/128'
//   bench_step --device cuda --precision tf32,bf16 --benchmark_filter='dcgan/.*/captured'
//
// A step is gan::AdversarialStep's: one forward pass of G, D on real and on generated images with its update, D again
// on the same images for G's update; data resident in the device's memory. On the CPU each step is timed. `floor` is
// the step's exact FLOPs over the FMA peak measured in the same run, `x_floor` the measured time as a multiple of it
// (median; min_x_floor: of the fastest step). On a device `eager` steps run as they are written and `captured` ones are
// replayed (train::CapturedStep); the host waits once in 200 steps, and the mean of those 200 is one sample. Where no
// such device is to be had: exit code 77.
#include <benchmark/benchmark.h>
#include <sys/resource.h>

#include <algorithm>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <tinygan/backend/taps.hpp>
#include <tinygan/gan/step.hpp>
#include <tinygan/train/captured_step.hpp>

#include "support/layers.hpp"
#include "support/main.hpp"
#include "support/no_gpu.hpp"
#include "support/peak.hpp"
#include "support/samples.hpp"

namespace {

using namespace tinygan;

/// Multiply-adds of one step, exact taps only. G: forward, weight gradient and, but for the first layer, input
/// gradient. D: three forward passes, two weight gradients, and input gradients three times, once for the first layer.
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

/// A network, its optimisers and a batch of images, on one device. In bfloat16 the weights have float masters.
template <class T>
class Training {
 public:
  Training(const std::string& network, index_t batch, Device device)
      : random_(1, device),
        networks_(gan::make_networks<T>(gan::network_from_name(network), random_)),
        step_(networks_, {}, {}),
        real_(random_uniform<T>({batch, 28, 28, 1}, random_, static_cast<T>(static_cast<float>(networks_.pixel_low)),
                                static_cast<T>(static_cast<float>(networks_.pixel_high)))) {}
  Training(const Training&) = delete;
  Training& operator=(const Training&) = delete;

  void operator()() {
    random_.next_step();
    benchmark::DoNotOptimize(step_(real_, random_).loss_d.data());
  }

 private:
  Generator random_;
  gan::Networks<T> networks_;
  gan::AdversarialStep<T> step_;
  Tensor<T> real_;
};

void count_step(benchmark::State& state, const std::string& network, index_t batch, const bench::Samples& times) {
  state.counters["median_ms"] = times.median() * 1e3;
  state.counters["min_ms"] = times.best() * 1e3;
  state.counters["images_per_s"] = static_cast<double>(batch) / times.median();
  state.counters["exact_gflop"] = step_flops(network, batch) * 1e-9;
  state.counters["peak_rss_mib"] = peak_rss_mib();
}

void cpu_step(benchmark::State& state, const std::string& network, index_t batch) {
  Training<float> training(network, batch, Device::cpu());
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

struct DeviceRun {
  Device device;
  Precision precision;
  train::CapturedStep::Mode mode;
};

/// With elements T.
template <class T>
void device_step(benchmark::State& state, const std::string& network, index_t batch, const DeviceRun& run) {
  const int in_a_row = run.device.type == DeviceType::emulated ? 1 : 200;
  set_precision(run.device, run.precision);
  Training<T> training(network, batch, run.device);
  train::CapturedStep step(
      run.device, [&] { training(); }, run.mode);
  const double start = bench::seconds();
  step();
  synchronize(run.device);
  state.counters["first_step_ms"] = (bench::seconds() - start) * 1e3;
  for (int warm_up = 0; warm_up < in_a_row / 10; ++warm_up) step();
  synchronize(run.device);
  bench::Samples times;
  while (state.KeepRunningBatch(in_a_row)) {
    const double begin = bench::seconds();
    for (int i = 0; i < in_a_row; ++i) step();
    synchronize(run.device);
    const double elapsed = bench::seconds() - begin;
    times.add(elapsed / in_a_row);
    state.SetIterationTime(elapsed);
  }
  count_step(state, network, batch, times);
  state.counters["tflops"] = step_flops(network, batch) / times.median() * 1e-12;
  state.counters["device_mib"] = static_cast<double>(pool(run.device).stats().reserved) / (1 << 20);
}

struct Options {
  Device device = Device::cpu();
  std::vector<Precision> precisions;
};

/// Takes our options out of the arguments; Google Benchmark reads the rest. Throws Error on a value it does not know.
Options take_options(int& argc, char** argv) {
  Options o;
  const auto value_of = [&](const std::string& name, int& i, std::string& value) {
    const std::string argument = argv[i];
    if (argument.rfind(name + "=", 0) == 0) {
      value = argument.substr(name.size() + 1);
      return true;
    }
    if (argument != name) return false;
    check(i + 1 < argc, "bench_step", name, " needs a value");
    value = argv[++i];
    return true;
  };
  int kept = 1;
  for (int i = 1; i < argc; ++i) {
    const int first = i;
    std::string value;
    if (value_of("--device", i, value)) {
      check(value == "cpu" || value == "cuda" || value == "emulated", "bench_step", "--device ", value,
            ", expected cpu, cuda or emulated");
      o.device = value == "cpu" ? Device::cpu() : value == "cuda" ? Device::cuda() : Device::emulated();
    } else if (value_of("--precision", i, value)) {
      check(!value.empty(), "bench_step", "--precision needs a value");
      std::istringstream names(value);
      for (std::string name; std::getline(names, name, ',');) o.precisions.push_back(parse_precision(name));
    } else {
      argv[kept++] = argv[first];
    }
  }
  argc = kept;
  argv[argc] = nullptr;
  if (o.precisions.empty()) {
    o.precisions = {Precision::fp32};
    if (o.device.type == DeviceType::cuda) o.precisions = {Precision::fp32, Precision::tf32, Precision::bf16};
  }
  for (const Precision p : o.precisions)
    check(o.device.type != DeviceType::cpu || p == Precision::fp32, "bench_step", "--precision ", p,
          " on the CPU, which has fp32");
  return o;
}

void register_steps(const Options& o) {
  const bool on_cpu = o.device.type == DeviceType::cpu;
  const std::vector<index_t> batches =
      on_cpu ? std::vector<index_t>{64, 128, 256} : std::vector<index_t>{64, 128, 256, 512, 1024};
  for (const std::string network : {"dcgan", "article", "libtorch"})
    for (const index_t batch : batches) {
      const std::string name = text(network, '/', batch);
      const auto add = [](const std::string& title, const auto& run) {
        return benchmark::RegisterBenchmark(title.c_str(), run)->UseManualTime()->Unit(benchmark::kMillisecond);
      };
      if (on_cpu) {
        add(name, [=](benchmark::State& state) { cpu_step(state, network, batch); })->MinTime(5);
        continue;
      }
      for (const Precision p : o.precisions)
        for (const bool captured : {false, true}) {
          using Mode = train::CapturedStep::Mode;
          const DeviceRun run{o.device, p, captured ? Mode::automatic : Mode::eager};
          add(text(name, '/', p, captured ? "/captured" : "/eager"),
              [=](benchmark::State& state) {
                if (p == Precision::bf16) device_step<bfloat16>(state, network, batch, run);
                else device_step<float>(state, network, batch, run);
              });
        }
    }
}

}  // namespace

int main(int argc, char** argv) {
  return bench::guarded("bench_step", [&] {
    const Options o = take_options(argc, argv);
    bench::initialize("bench_step", argc, argv);
    if (o.device.type == DeviceType::cuda && cuda_device_count() == 0) return bench::without_gpu("bench_step");
    register_steps(o);
    benchmark::AddCustomContext("device", text(o.device));
    return bench::run();
  });
}
