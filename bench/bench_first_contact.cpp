// What a user runs first: a few images of a generator, a training step of a small network.
//
// Links: benchmark, threads. Options: Google Benchmark's, and --export; TINYGAN_THREADS sets the number of threads.
//
//   TINYGAN_THREADS=2 bench_first_contact
//   bench_first_contact --benchmark_filter='generate/dcgan/1/'
//   bench_first_contact --export FOLDER     the generators as NETWORK.onnx, 64 latent vectors and images as NETWORK.npz
//
// Rows: generate/NETWORK/BATCH, latent vectors to images under NoGrad; train/LAYERS/BATCH, a step of a fully connected
// network: forward pass, softmax cross-entropy, backward pass, Adam. Each call is timed. Counters, in us: `median_us`,
// `min_us` and, of generate, `floor_us`: the larger of the exact FLOPs over the FMA peak measured in the same run and
// the bytes of the weights over the speed at which all threads read as many bytes again and again. `x_floor` is the
// median as a multiple of it, `weights_mib` the size of the weights, `pool_threads` the number of threads.
// scripts/compare-inference sets the generators beside ONNX Runtime's.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <tinygan/autograd/grad.hpp>
#include <tinygan/cpu/map.hpp>
#include <tinygan/io/npz.hpp>
#include <tinygan/io/onnx.hpp>
#include <tinygan/models/networks.hpp>
#include <tinygan/nn/activations.hpp>
#include <tinygan/nn/dense.hpp>
#include <tinygan/nn/losses.hpp>
#include <tinygan/nn/sequential.hpp>
#include <tinygan/optim/adam.hpp>
#include <tinygan/profile/count_work.hpp>

#include "support/main.hpp"
#include "support/peak.hpp"
#include "support/samples.hpp"

namespace {

using namespace tinygan;

/// Calls of f, each timed, after a few that warm caches and pools.
template <class F>
bench::Samples time_calls(benchmark::State& state, const F& f) {
  for (int warm_up = 0; warm_up < 5; ++warm_up) f();
  bench::Samples times;
  for (auto _ : state) {
    const double start = bench::seconds();
    f();
    const double elapsed = bench::seconds() - start;
    times.add(elapsed);
    state.SetIterationTime(elapsed);
  }
  state.counters["median_us"] = times.median() * 1e6;
  state.counters["min_us"] = times.best() * 1e6;
  state.counters["pool_threads"] = cpu::threads();
  return times;
}

/// Seconds in which all threads read `count` floats that they have read before, best of several.
double reading_seconds(index_t count) {
  const Tensor<float> values = Tensor<float>::full({count}, 1);
  double best = 1e30;
  for (int repeat = 0; repeat < 20; ++repeat) {
    const double start = bench::seconds();
    cpu::parallel_for(count, 16384, [&](index_t begin, index_t end) {
      cpu::dispatch_for<float>([&]<class Arch>(Arch) TINYGAN_INLINE_LAMBDA {
        using namespace cpu;
        constexpr index_t W = lanes<float, Arch>;
        Vec<float, Arch> sums[8] = {};
        for (index_t i = begin; i + 8 * W <= end; i += 8 * W)
#pragma GCC unroll 8
          for (index_t u = 0; u < 8; ++u) sums[u] += *vec<float, Arch>(values.data() + i + u * W);
        for (int u = 1; u < 8; ++u) sums[0] += sums[u];
        benchmark::DoNotOptimize(sums[0]);
      });
    });
    best = std::min(best, bench::seconds() - start);
  }
  return best;
}

constexpr std::array generators{models::Network::tinygan, models::Network::small, models::Network::dcgan};
constexpr index_t exported_images = 64;

std::string name_of(models::Network network) { return models::network_names[static_cast<std::size_t>(network)]; }

/// A generator with fresh weights, and latent vectors for it.
struct Sampler {
  nn::Sequential<float> generator;
  Variable<float> z;

  Sampler(models::Network network, index_t batch) {
    Generator random(1);
    generator = models::make_networks<float>(network, {}, random).generator;
    z = Variable<float>(random_normal<float>({batch, models::latent_size}, random));
  }
};

void generate(benchmark::State& state, models::Network network, index_t batch) {
  Sampler sampler(network, batch);
  const NoGrad no_grad;
  const auto call = [&] { benchmark::DoNotOptimize(sampler.generator(sampler.z).value().data()); };
  index_t weights = 0;
  for (const Variable<float>& p : sampler.generator.parameters()) weights += p.size();
  const double flops = profile::count_work<float>([&] { call(); }).flops, peak = bench::fma_peak<float>(5);
  const bench::Samples times = time_calls(state, call);
  const double floor = std::max(flops / peak, reading_seconds(weights));
  state.counters["floor_us"] = floor * 1e6;
  state.counters["x_floor"] = times.median() / floor;
  state.counters["weights_mib"] = static_cast<double>(weights) * sizeof(float) / (1 << 20);
}

void train(benchmark::State& state, const std::vector<index_t>& units, index_t batch) {
  Generator random(1);
  nn::Sequential<float> model;
  for (std::size_t i = 1; i < units.size(); ++i) {
    const Activation f = i + 1 < units.size() ? Activation::relu : Activation::none;
    model.add(nn::Dense<float>(units[i - 1], units[i], {.activation = f}, random));
  }
  const Variable<float> x(random_normal<float>({batch, units.front()}, random));
  std::vector<std::int32_t> classes(static_cast<std::size_t>(batch));
  for (std::size_t i = 0; i < classes.size(); ++i)
    classes[i] = static_cast<std::int32_t>(static_cast<index_t>(i) % units.back());
  const Tensor<std::int32_t> labels = Tensor<std::int32_t>::from(classes, {batch});
  optim::Adam<float> adam(model.parameters());
  time_calls(state, [&] {
    const Variable<float> loss = nn::softmax_cross_entropy(model(x, nn::Pass::train(random)), labels);
    adam.step(grad(loss, adam.parameters()));
  });
}

void register_benchmark(const std::string& name, const auto& run) {
  benchmark::RegisterBenchmark(name.c_str(), run)->UseManualTime()->Unit(benchmark::kMicrosecond);
}

void register_all() {
  for (const models::Network network : generators)
    for (const index_t batch : {1, 64})
      register_benchmark(text("generate/", name_of(network), '/', batch),
                         [=](benchmark::State& state) { generate(state, network, batch); });
  const auto add_training = [](const std::vector<index_t>& units, index_t batch) {
    std::string name = "train/";
    for (std::size_t i = 0; i < units.size(); ++i) name += text(i > 0 ? "-" : "", units[i]);
    register_benchmark(text(name, '/', batch), [=](benchmark::State& state) { train(state, units, batch); });
  };
  add_training({2, 16, 2}, 4);
  add_training({784, 128, 10}, 32);
}

/// Each generator as an ONNX file, and what it draws.
void export_generators(const std::filesystem::path& folder) {
  for (const models::Network network : generators) {
    Sampler sampler(network, exported_images);
    const NoGrad no_grad;
    const Tensor<float> images = sampler.generator(sampler.z).value();
    io::write_onnx(folder / (name_of(network) + ".onnx"), sampler.generator, {1, models::latent_size});
    io::NpzFile arrays;
    const auto add = [&](const char* what, const Tensor<float>& t) {
      arrays.add(what, std::span<const float>(t.host()), {t.shape().begin(), t.shape().end()});
    };
    add("latents", sampler.z.value());
    add("images", images);
    io::write_npz(folder / (name_of(network) + ".npz"), arrays);
  }
}

/// The folder of --export, if that is the only argument.
const char* export_folder(int argc, char** argv) {
  if (argc < 2 || std::string_view(argv[1]) != "--export") return nullptr;
  check(argc == 3, "bench_first_contact", "--export takes a folder, and no other option goes with it");
  return argv[2];
}

}  // namespace

int main(int argc, char** argv) {
  return bench::guarded("bench_first_contact", [&] {
    if (const char* const folder = export_folder(argc, argv)) return export_generators(folder), 0;
    bench::initialize("bench_first_contact", argc, argv);
    register_all();
    return bench::run();
  });
}
