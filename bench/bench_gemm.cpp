// Matrix product against OpenBLAS, call by call in turn, with the FMA peak measured beside them.
//
// Links: benchmark, openblas, threads. Options: Google Benchmark's; TINYGAN_THREADS sets the threads of both sides.
// Counters: GFLOP/s, share of the peak and OpenBLAS' GFLOP/s, each from its best call; `ratio` is ours over OpenBLAS'.
#include <benchmark/benchmark.h>
#include <cblas.h>

#include <cmath>
#include <string>

#include <tinygan/cpu/gemm.hpp>

#include "support/buffers.hpp"
#include "support/layers.hpp"
#include "support/main.hpp"
#include "support/peak.hpp"
#include "support/samples.hpp"

extern "C" void openblas_set_num_threads(int);

namespace {

using namespace tinygan;

void blas(const GemmDims& d, const float* a, const float* b, float* c) {
  const auto n = [](index_t i) { return static_cast<int>(i); };
  cblas_sgemm(CblasRowMajor, d.trans_a ? CblasTrans : CblasNoTrans, d.trans_b ? CblasTrans : CblasNoTrans, n(d.M),
              n(d.N), n(d.K), 1.0f, a, n(d.trans_a ? d.M : d.K), b, n(d.trans_b ? d.K : d.N), 0.0f, c, n(d.N));
}

void run(benchmark::State& state, GemmDims d) {
  const auto a = bench::buffer<float>(d.M * d.K), b = bench::buffer<float>(d.K * d.N, 2);
  const auto c = bench::buffer<float>(d.M * d.N), theirs = bench::buffer<float>(d.M * d.N);
  bench::GrowingWorkspace workspace;
  const double peak = bench::fma_peak<float>(3);
  bench::Samples ours, blas_times;
  for (auto _ : state) {
    const double start = bench::seconds();
    cpu::gemm<float>(d, {}, a.get(), b.get(), c.get(), workspace, Stream{});
    const double middle = bench::seconds();
    blas(d, a.get(), b.get(), theirs.get());
    const double end = bench::seconds();
    ours.add(middle - start);
    blas_times.add(end - middle);
    state.SetIterationTime(middle - start);
  }
  for (index_t i = 0; i < d.M * d.N; ++i)  // far above rounding, far below a missing term
    if (!(std::fabs(c[static_cast<std::size_t>(i)] - theirs[static_cast<std::size_t>(i)]) <=
          2 * 1.2e-7f * static_cast<float>(d.K)))
      return bench::wrong_result(state, "results differ from OpenBLAS'");
  const double flops = 2.0 * static_cast<double>(d.M) * static_cast<double>(d.N) * static_cast<double>(d.K);
  state.counters["GFLOP/s"] = flops / ours.best() * 1e-9;
  state.counters["OpenBLAS"] = flops / blas_times.best() * 1e-9;
  state.counters["ratio"] = blas_times.best() / ours.best();
  state.counters["ratio_median"] = blas_times.median() / ours.median();
  state.counters["of_peak"] = flops / ours.best() / std::max(peak, bench::fma_peak<float>(3));
}

void add(const std::string& name, const GemmDims& d) {
  const std::string shape = text(name, "/", d.M, "x", d.N, "x", d.K, d.trans_a ? "/a^T" : "", d.trans_b ? "/b^T" : "");
  benchmark::RegisterBenchmark(shape.c_str(), run, d)->UseManualTime()->Unit(benchmark::kMicrosecond);
}

}  // namespace

int main(int argc, char** argv) {
  return bench::guarded("bench_gemm", [&] {
    bench::initialize("bench_gemm", argc, argv);
    openblas_set_num_threads(cpu::threads());
    for (index_t n : {512, 1024, 2048}) add("square", {.M = n, .N = n, .K = n});
    add("square", {.M = 1024, .N = 1024, .K = 1024, .trans_a = true});
    add("square", {.M = 1024, .N = 1024, .K = 1024, .trans_b = true});
    for (const bench::DenseLayer& layer : bench::dense_layers()) {
      const std::string name = layer.network + " " + layer.name;
      add(name + " forward", bench::dense_forward(layer, 128));
      add(name + " input_grad", bench::dense_input_grad(layer, 128));
      add(name + " weight_grad", bench::dense_weight_grad(layer, 128));
    }
    return bench::run();
  });
}
