// The main convolution from naive to fast: every rung of bench/ladder and the library's kernels, in turns on a GPU.
//
//   bench_ladder [BATCH]      default 256
//
// The problem is that of the default network's heaviest layer, G.ct1: 7x7 pixels, 256 to 128 channels, a 5x5 filter; as
// a forward convolution. Each rung is checked first as bench_kernels does it, and timed by the same means: calls
// captured in graphs, operands cold. Exit codes: 0, 1 if a result was wrong, 2 for wrong usage, 77 without a GPU.
#include <cstdio>
#include <string>
#include <vector>

#include <tinygan/backend/taps.hpp>
#include <tinygan/tensor/kernels.hpp>

#include "gpu/check.hpp"
#include "gpu/contestant.hpp"
#include "gpu/operands.hpp"
#include "gpu/peak.hpp"
#include "gpu/timing.hpp"
#include "ladder/rungs.hpp"
#include "support/buffers.hpp"
#include "support/no_gpu.hpp"
#include "support/numbers.hpp"

namespace {

using namespace tinygan;
using namespace tinygan::bench::gpu;

std::size_t floats(index_t n) { return static_cast<std::size_t>(n) * sizeof(float); }

Contestant contestant(const bench::LadderRung& rung, const ConvDims& d, const float* x, const float* w) {
  const auto memory = std::make_shared<Rotation>(std::vector<Operand>{
      {floats(d.x_shape().size()), x}, {floats(d.w_shape().size()), w}, {floats(d.y_shape().size())}});
  return {.name = rung.name,
          .sets = memory->sets(),
          .run =
              [=, run = rung.run](int set, cudaStream_t stream) {
                run(d, memory->at<float>(0, set), memory->at<float>(1, set), memory->at<float>(2, set), {stream});
              },
          .result = [=] { return memory->read<float>(2, d.y_shape().size()); }};
}

int run(index_t batch) {
  const ConvDims d = conv_dims({batch, 7, 7, 256}, {5, 5, 256, 128}, {1, 1, Padding::same(), 1, 1});
  const auto x = bench::buffer<float>(d.x_shape().size(), 1), w = bench::buffer<float>(d.w_shape().size(), 2);
  std::vector<Contestant> contestants;
  std::vector<Precision> precisions;
  for (const bench::LadderRung& rung : bench::ladder_rungs()) {
    contestants.push_back(contestant(rung, d, x.get(), w.get()));
    precisions.push_back(rung.precision);
  }
  for (const Precision p : {Precision::fp32, Precision::tf32, Precision::bf16}) {
    contestants.push_back(tinygan_conv({d, ConvSlot::g, p, x.get(), w.get()}));
    contestants.back().name = text("the library, ", p);
    precisions.push_back(p);
  }

  bool all_right = true;
  for (std::size_t i = 0; i < contestants.size(); ++i) {
    contestants[i].run(0, bench_stream());
    bench_stream().wait();
    const ConvProblem problem{d, ConvSlot::g, precisions[i], x.get(), w.get()};
    const std::string error = wrong(problem, contestants[i].result(), d.K, false);
    if (!error.empty()) std::printf("%s is WRONG: %s\n", contestants[i].name.c_str(), error.c_str());
    all_right = all_right && error.empty();
  }

  const std::vector<HotCold> times = measure(contestants, 0.2);
  const double exact = 2.0 * static_cast<double>(exact_macs(d));
  std::printf("%s, batch %lld, exact %.2f GFLOP of %.2f nominal\n", gpu_facts().name.c_str(),
              static_cast<long long>(batch), 1e-9 * exact, 2e-9 * static_cast<double>(nominal_macs(d)));
  std::printf("| %-22s | %5s | %9s | %17s | %8s | %6s | %6s |\n", "rung", "", "median us", "p10-p90", "TFLOP/s",
              "peak%", "faster");
  for (std::size_t i = 0; i < contestants.size(); ++i) {
    const Times& t = times[i].cold;
    std::printf("| %-22s | %5s | %9.1f | %8.1f-%8.1f | %8.2f | %5.1f%% | %6.2f |\n", contestants[i].name.c_str(),
                name_of(precisions[i]), 1e6 * t.median(), 1e6 * t.percentile(0.1), 1e6 * t.percentile(0.9),
                1e-12 * exact / t.median(), 100 * exact / t.median() / register_peak(precisions[i]),
                times[0].cold.median() / t.median());
  }
  return all_right ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  index_t batch = 256;
  try {
    check(argc <= 2, "bench_ladder", "one batch size, not ", argc - 1);
    if (argc == 2) batch = bench::count_of("bench_ladder: BATCH", argv[1], bench::most_images);
  } catch (const Error& e) {
    std::fprintf(stderr, "%s\nusage: bench_ladder [BATCH]\n", e.what());
    return 2;
  }
  try {
    if (cuda_device_count() == 0) return bench::without_gpu("bench_ladder");
    return run(batch);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
  }
}
