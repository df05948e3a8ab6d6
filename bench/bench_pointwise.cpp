// The bandwidth-bound kernels of a training step, batch 128: batch norm, Adam, dropout, activations, bias gradients;
// and those of other networks: GELU, rows by index, cumulative sums, indices of maxima.
//
// Links: benchmark, threads. Options: Google Benchmark's; TINYGAN_THREADS sets the threads.
// Counters: GB/s counting every operand once per pass that a kernel has to make, from the best call; `of_copy` is that
// figure over the bandwidth (read and written bytes) of a parallel memcpy of as many bytes, timed in turn with it.
#include <benchmark/benchmark.h>

#include <cmath>
#include <cstring>
#include <functional>

#include <tinygan/cpu/adam.hpp>
#include <tinygan/cpu/arg_extremum.hpp>
#include <tinygan/cpu/batch_norm.hpp>
#include <tinygan/cpu/indexing.hpp>
#include <tinygan/cpu/random.hpp>
#include <tinygan/cpu/reduce.hpp>
#include <tinygan/cpu/scan.hpp>

#include "support/buffers.hpp"
#include "support/main.hpp"
#include "support/peak.hpp"

namespace {

using namespace tinygan;
using bench::buffer;

/// Times kernel() and a copy of `floats / 2` floats in turn; the kernel moves `floats` floats.
void run(benchmark::State& state, index_t floats, const std::function<void()>& kernel) {
  const index_t n = floats / 2;
  const auto from = buffer<float>(n), to = buffer<float>(n);
  double best = INFINITY, best_copy = INFINITY;
  for (auto _ : state) {
    const double start = bench::seconds();
    kernel();
    const double middle = bench::seconds();
    cpu::parallel_for(n, cpu::chunk_elements, [&](index_t begin, index_t end) {
      std::memcpy(to.get() + begin, from.get() + begin, static_cast<std::size_t>(end - begin) * sizeof(float));
    });
    const double end = bench::seconds();
    best = std::min(best, middle - start);
    best_copy = std::min(best_copy, end - middle);
    state.SetIterationTime(middle - start);
  }
  const double bytes = static_cast<double>(floats) * sizeof(float);
  state.counters["us"] = best * 1e6;
  state.counters["GB/s"] = bytes / best * 1e-9;
  state.counters["of_copy"] = best_copy / best;
}

struct BatchNormOperands {
  NormDims d;
  NormOptions<float> o{1e-3f, Activation::leaky_relu(0.3)};
  bench::Buffer<float> x, g, y, mean, variance, gamma, beta, dgamma, dbeta;
  bench::GrowingWorkspace workspace;

  BatchNormOperands(index_t rows, index_t channels)
      : d{rows, channels}, x(buffer<float>(rows * channels, 1)), g(buffer<float>(rows * channels, 2)),
        y(buffer<float>(rows * channels)), mean(buffer<float>(channels)), variance(buffer<float>(channels)),
        gamma(buffer<float>(channels, 3)), beta(buffer<float>(channels, 4)), dgamma(buffer<float>(channels)),
        dbeta(buffer<float>(channels)) {
    statistics();
  }
  index_t size() const { return d.rows * d.channels; }
  void statistics() { cpu::batch_norm_stats(d, x.get(), mean.get(), variance.get(), workspace, {}); }
};

void batch_norm_forward(benchmark::State& state) {
  BatchNormOperands b(state.range(0), state.range(1));
  run(state, 3 * b.size(), [&] {  // read, read, write
    b.statistics();
    cpu::batch_norm_apply(b.d, b.o, b.x.get(), b.mean.get(), b.variance.get(), b.gamma.get(), b.beta.get(), b.y.get(),
                          {});
  });
}

void batch_norm_backward(benchmark::State& state) {
  BatchNormOperands b(state.range(0), state.range(1));
  run(state, 5 * b.size(), [&] {  // two reads, two reads and a write
    cpu::batch_norm_backward(b.d, b.o, b.x.get(), b.mean.get(), b.variance.get(), b.gamma.get(), b.beta.get(),
                             b.g.get(), b.y.get(), b.dgamma.get(), b.dbeta.get(), b.workspace, {});
  });
}

void adam(benchmark::State& state) {
  const index_t n = state.range(0);
  const auto param = buffer<float>(n, 1), grad = buffer<float>(n, 2), m = buffer<float>(n, 3), v = buffer<float>(n, 4);
  for (index_t i = 0; i < n; ++i) v[static_cast<std::size_t>(i)] = std::fabs(v[static_cast<std::size_t>(i)]);
  const ParameterSlot<float> slot{n, param.get(), grad.get(), m.get(), v.get()};
  const std::uint64_t step = 10;
  run(state, 7 * n, [&] { cpu::adam<float>(AdamHyper::gan(), 1, &slot, &step, {}); });
}

void dropout(benchmark::State& state) {
  const index_t n = state.range(0);
  const auto x = buffer<float>(n), y = buffer<float>(n);
  run(state, 2 * n, [&] { cpu::dropout<float>(n, {1, 2, nullptr}, 0.3f, x.get(), y.get(), {}); });
}

void unary(benchmark::State& state, UnaryOp op) {
  const index_t n = state.range(0);
  const auto x = buffer<float>(n), y = buffer<float>(n);
  run(state, 2 * n, [&] { cpu::unary(op, n, 0.3f, 0.0f, x.get(), y.get(), {}); });
}

void leaky_relu_grad(benchmark::State& state) {
  const index_t n = state.range(0);
  const auto a = buffer<float>(n, 1), b = buffer<float>(n, 2), y = buffer<float>(n);
  BroadcastDims d;
  d.extent[5] = n;
  d.a_stride[5] = d.b_stride[5] = 1;
  run(state, 3 * n, [&] { cpu::binary(BinaryOp::leaky_relu_grad, d, 0.3f, a.get(), b.get(), y.get(), {}); });
}

void add_bias(benchmark::State& state) {
  const index_t rows = state.range(0), channels = state.range(1);
  const auto a = buffer<float>(rows * channels), b = buffer<float>(channels), y = buffer<float>(rows * channels);
  BroadcastDims d;
  d.extent[4] = rows, d.extent[5] = channels;
  d.a_stride[4] = channels, d.a_stride[5] = d.b_stride[5] = 1;
  run(state, 2 * rows * channels, [&] { cpu::binary(BinaryOp::add, d, 0.0f, a.get(), b.get(), y.get(), {}); });
}

void reduce_sum(benchmark::State& state) {
  const ReduceDims d{state.range(0), state.range(1), state.range(2)};
  const auto x = buffer<float>(d.outer * d.reduced * d.inner), y = buffer<float>(d.outer * d.inner);
  bench::GrowingWorkspace workspace;
  run(state, d.outer * d.reduced * d.inner, [&] { cpu::reduce(ReduceOp::sum, d, x.get(), y.get(), workspace, {}); });
}

void argmax(benchmark::State& state) {
  const ReduceDims d{state.range(0), state.range(1), state.range(2)};
  const auto x = buffer<float>(d.outer * d.reduced * d.inner);
  std::vector<std::int32_t> index(static_cast<std::size_t>(d.outer * d.inner));
  run(state, d.outer * d.reduced * d.inner, [&] { cpu::arg_extremum(ReduceOp::max, d, x.get(), index.data(), {}); });
}

void cumsum(benchmark::State& state) {
  const ScanDims d{state.range(0), state.range(1), state.range(2)};
  const auto x = buffer<float>(d.outer * d.extent * d.inner), y = buffer<float>(d.outer * d.extent * d.inner);
  run(state, 2 * d.outer * d.extent * d.inner, [&] { cpu::cumsum(d, x.get(), y.get(), {}); });
}

/// Rows of an embedding of 256 rows, one for each pixel of 64 images, and its gradient.
void embedding(benchmark::State& state, bool gradient) {
  const IndexDims d{1, 256, 64 * 784, state.range(0)};
  const auto rows = buffer<float>(d.extent * d.inner), y = buffer<float>(d.count * d.inner);
  std::vector<std::int32_t> index(static_cast<std::size_t>(d.count));
  for (std::size_t i = 0; i < index.size(); ++i) index[i] = static_cast<std::int32_t>(i * i % 256);
  run(state, (gradient ? 1 : 2) * d.count * d.inner, [&] {
    if (gradient) cpu::scatter_add(d, index.data(), y.get(), rows.get(), {});
    else cpu::gather(d, index.data(), rows.get(), y.get(), {});
  });
}

void batch_norm_shapes(benchmark::internal::Benchmark* b) {
  for (const auto& [rows, channels] :
       {std::pair<int, int>{25088, 64}, {6272, 128}, {128, 12544}, {25088, 1}, {25088, 3}})
    b->Args({rows, channels});
}

constexpr int activations = 128 * 14 * 14 * 64;
const auto in_turn = [](benchmark::internal::Benchmark* b) { b->UseManualTime()->Unit(benchmark::kMicrosecond); };

BENCHMARK(batch_norm_forward)->Apply(batch_norm_shapes)->Apply(in_turn);
BENCHMARK(batch_norm_backward)->Apply(batch_norm_shapes)->Apply(in_turn);
BENCHMARK(adam)->Arg(2'500'000)->Arg(1'000)->Apply(in_turn);
BENCHMARK(dropout)->Arg(activations)->Apply(in_turn);
BENCHMARK_CAPTURE(unary, leaky_relu, UnaryOp::leaky_relu)->Arg(activations)->Arg(1'000)->Apply(in_turn);
BENCHMARK_CAPTURE(unary, tanh, UnaryOp::tanh)->Arg(128 * 28 * 28)->Arg(activations)->Apply(in_turn);
BENCHMARK_CAPTURE(unary, exp, UnaryOp::exp)->Arg(activations)->Apply(in_turn);
BENCHMARK_CAPTURE(unary, gelu, UnaryOp::gelu)->Arg(activations)->Apply(in_turn);
BENCHMARK_CAPTURE(unary, silu, UnaryOp::silu)->Arg(activations)->Apply(in_turn);
BENCHMARK_CAPTURE(unary, erf, UnaryOp::erf)->Arg(activations)->Apply(in_turn);
BENCHMARK_CAPTURE(unary, sin, UnaryOp::sin)->Arg(activations)->Apply(in_turn);
BENCHMARK_CAPTURE(unary, power, UnaryOp::power)->Arg(activations)->Apply(in_turn);
BENCHMARK(argmax)->Args({12'544, 128, 1})->Args({128, 10, 1})->Apply(in_turn);
BENCHMARK(cumsum)->Args({12'544, 128, 1})->Args({1, 12'544, 128})->Apply(in_turn);
BENCHMARK_CAPTURE(embedding, rows, false)->Arg(64)->Apply(in_turn);
BENCHMARK_CAPTURE(embedding, gradient, true)->Arg(64)->Apply(in_turn);
BENCHMARK(leaky_relu_grad)->Arg(activations)->Apply(in_turn);
BENCHMARK(add_bias)->Args({25088, 64})->Args({100352, 1})->Args({25088, 3})->Apply(in_turn);
BENCHMARK(reduce_sum)
    ->Args({1, 25088, 64})
    ->Args({128, 6272, 1})
    ->Args({1, 1'605'632, 1})
    ->Args({1, 128, 12544})
    ->Apply(in_turn);

}  // namespace

int main(int argc, char** argv) {
  return bench::guarded("bench_pointwise", [&] {
    bench::initialize("bench_pointwise", argc, argv);
    return bench::run();
  });
}
