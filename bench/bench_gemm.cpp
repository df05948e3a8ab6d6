// Matrix products, one or many of one size, against OpenBLAS, call by call in turn, with the FMA peak measured beside
// them. OpenBLAS multiplies many matrices by as many calls.
//
// Links: benchmark, openblas, threads. Options: Google Benchmark's; TINYGAN_THREADS sets the threads of both sides.
// Counters: GFLOP/s, share of the peak and OpenBLAS' GFLOP/s, each from its best call; `ratio` is ours over OpenBLAS'.
#include <benchmark/benchmark.h>
#include <cblas.h>

#include <cmath>
#include <string>

#include <tinygan/backend/kernel_work.hpp>
#include <tinygan/cpu/batched_gemm.hpp>

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

void run(benchmark::State& state, GemmDims d, index_t batch) {
  const index_t a_size = d.M * d.K, b_size = d.K * d.N, c_size = d.M * d.N;
  const auto a = bench::buffer<float>(batch * a_size), b = bench::buffer<float>(batch * b_size, 2);
  const auto c = bench::buffer<float>(batch * c_size), theirs = bench::buffer<float>(batch * c_size);
  bench::GrowingWorkspace workspace;
  const double peak = bench::fma_peak<float>(3);
  bench::Samples ours, blas_times;
  for (auto _ : state) {
    const double start = bench::seconds();
    cpu::batched_gemm<float>(d, batch, a.get(), b.get(), c.get(), workspace, Stream{});
    const double middle = bench::seconds();
    for (index_t i = 0; i < batch; ++i) blas(d, a.get() + i * a_size, b.get() + i * b_size, theirs.get() + i * c_size);
    const double end = bench::seconds();
    ours.add(middle - start);
    blas_times.add(end - middle);
    state.SetIterationTime(middle - start);
  }
  for (index_t i = 0; i < batch * c_size; ++i)  // far above rounding, far below a missing term
    if (!(std::fabs(c[static_cast<std::size_t>(i)] - theirs[static_cast<std::size_t>(i)]) <=
          2 * 1.2e-7f * static_cast<float>(d.K)))
      return bench::wrong_result(state, "results differ from OpenBLAS'");
  const double flops = KernelWorks<float>::batched_gemm(d, batch).flops;
  state.counters["GFLOP/s"] = flops / ours.best() * 1e-9;
  state.counters["OpenBLAS"] = flops / blas_times.best() * 1e-9;
  state.counters["ratio"] = blas_times.best() / ours.best();
  state.counters["ratio_median"] = blas_times.median() / ours.median();
  state.counters["of_peak"] = flops / ours.best() / std::max(peak, bench::fma_peak<float>(3));
}

void add(const std::string& name, const GemmDims& d, index_t batch = 1) {
  const std::string shape = text(name, "/", batch > 1 ? text(batch, " of ") : "", d.M, "x", d.N, "x", d.K,
                                 d.trans_a ? "/a^T" : "", d.trans_b ? "/b^T" : "");
  benchmark::RegisterBenchmark(shape.c_str(), run, d, batch)->UseManualTime()->Unit(benchmark::kMicrosecond);
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
    add("attention Q K^T", {.M = 64, .N = 64, .K = 32, .trans_b = true}, 128);
    add("attention weights V", {.M = 64, .N = 32, .K = 64}, 128);
    add("attention V's gradient", {.M = 64, .N = 32, .K = 64, .trans_a = true}, 128);
    return bench::run();
  });
}
