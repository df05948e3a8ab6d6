// Winograd's algorithm against the direct form of the same convolution, call by call in turn, also for shapes of which
// winograd_pays() says no.
//
// Links: benchmark, threads. Options: Google Benchmark's; TINYGAN_THREADS sets the number of threads.
// Counters: `speedup`, the direct form's best time over Winograd's; `chosen`, 1 where conv2d uses Winograd's algorithm;
// the direct form's exact FLOPs over Winograd's best time, in GFLOP/s and as a share of the FMA peak.
#include <benchmark/benchmark.h>

#include <tinygan/backend/kernel_work.hpp>
#include <tinygan/cpu/conv.hpp>

#include "support/buffers.hpp"
#include "support/main.hpp"
#include "support/peak.hpp"
#include "support/samples.hpp"

namespace {

using namespace tinygan;

struct Layer {
  index_t images, pixels, C, R, K;
};

void run(benchmark::State& state, ConvDims d, ConvSlot slot) {
  const auto x = bench::buffer<float>(d.x_shape().size()), w = bench::buffer<float>(d.w_shape().size(), 2);
  const auto g = bench::buffer<float>(d.y_shape().size(), 3);
  bench::GrowingWorkspace workspace;
  const double peak = bench::fma_peak<float>(3);
  bench::Samples winograd, direct;
  const auto by_winograd = [&]<class F>(F) {
    using namespace cpu::detail;
    switch (slot) {
      case ConvSlot::g:
        winograd_conv<F>(WinogradConv::forward(d), Epilogue<float>{}, x.get(), w.get(), g.get(), workspace);
        break;
      case ConvSlot::x:
        winograd_conv<F>(WinogradConv::input_grad(d), Epilogue<float>{}, g.get(), w.get(), x.get(), workspace);
        break;
      case ConvSlot::w: winograd_weight_grad<F>(d, x.get(), g.get(), w.get(), workspace); break;
    }
  };
  cpu::set_winograd_enabled(false);
  for (auto _ : state) {
    const double start = bench::seconds();
    if (d.R == 3) by_winograd(cpu::detail::Winograd<4, 3>{});
    else by_winograd(cpu::detail::Winograd<4, 5>{});
    const double middle = bench::seconds();
    switch (slot) {
      case ConvSlot::g: cpu::conv2d<float>(d, {}, x.get(), w.get(), g.get(), workspace, Stream{}); break;
      case ConvSlot::x: cpu::conv2d_input_grad<float>(d, {}, g.get(), w.get(), x.get(), workspace, Stream{}); break;
      case ConvSlot::w: cpu::conv2d_weight_grad<float>(d, x.get(), g.get(), w.get(), workspace, Stream{}); break;
    }
    winograd.add(middle - start);
    direct.add(bench::seconds() - middle);
    state.SetIterationTime(middle - start);
  }
  const double rate = KernelWorks<float>::conv2d(d).flops / winograd.best();
  state.counters["speedup"] = direct.best() / winograd.best();
  state.counters["chosen"] = cpu::detail::winograd_pays(d) ? 1 : 0;
  state.counters["exact"] = rate * 1e-9;
  state.counters["of_peak"] = rate / std::max(peak, bench::fma_peak<float>(3));
}

}  // namespace

int main(int argc, char** argv) {
  return bench::guarded("bench_winograd", [&] {
    bench::initialize("bench_winograd", argc, argv);
    for (const Layer& l :
         {Layer{1, 28, 64, 3, 64}, Layer{4, 14, 128, 3, 128}, Layer{32, 28, 64, 3, 64}, Layer{32, 14, 128, 3, 128},
          Layer{32, 7, 256, 3, 256}, Layer{32, 28, 16, 3, 16}, Layer{32, 28, 32, 3, 32}, Layer{16, 64, 32, 3, 32},
          Layer{32, 14, 16, 5, 16}, Layer{8, 32, 16, 5, 32}, Layer{32, 14, 64, 5, 64}, Layer{2, 7, 128, 5, 256},
          Layer{8, 7, 128, 5, 256}, Layer{128, 7, 128, 5, 256}}) {
      const ConvDims d =
          conv_dims({l.images, l.pixels, l.pixels, l.C}, {l.R, l.R, l.C, l.K}, {.padding = Padding::same()});
      const std::string name =
          text(l.images, " of ", l.pixels, "x", l.pixels, " ", l.C, ">", l.K, " ", l.R, "x", l.R, " ");
      const auto add = [&](const char* what, ConvSlot slot) {
        benchmark::RegisterBenchmark((name + what).c_str(), run, d, slot)
            ->UseManualTime()
            ->Unit(benchmark::kMicrosecond);
      };
      add("forward", ConvSlot::g);
      add("input_grad", ConvSlot::x);
      add("weight_grad", ConvSlot::w);
    }
    return bench::run();
  });
}
