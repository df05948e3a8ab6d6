// The micro-kernel alone, on one thread: full tiles, added to C, of operands at various distances.
//
// Links: benchmark, threads. Options: Google Benchmark's.
// Counters: GFLOP/s of the best pass, and its share of one thread's FMA peak.
#include <benchmark/benchmark.h>

#include <tinygan/cpu/microkernel.hpp>

#include "support/buffers.hpp"
#include "support/main.hpp"
#include "support/peak.hpp"
#include "support/samples.hpp"

namespace {

using namespace tinygan;

/// `tiles` tiles of consecutive rows of A, `row` elements apart, times one panel of `segments` segments of K each.
struct Operands {
  index_t tiles, segments, K, row;
};

void run(benchmark::State& state, Operands o) {
  const cpu::TileExtents shape = cpu::tile_shape<float>();
  const index_t rows = o.tiles * shape.rows;
  const auto a = bench::buffer<float>(rows * o.row), b = bench::buffer<float>(o.segments * o.K * shape.width, 2);
  const auto c = bench::buffer<float>(rows * shape.width, 3);
  std::vector<index_t> a_segments, b_segments;
  for (index_t s = 0; s < o.segments; ++s) a_segments.push_back(s * o.K), b_segments.push_back(s * o.K);
  const double peak = bench::fma_peak<float>(3);
  bench::Samples samples;
  for (auto _ : state) {
    const double start = bench::seconds();
    for (index_t m = 0; m < rows; m += shape.rows) {
      index_t a_rows[cpu::max_tile_rows], c_rows[cpu::max_tile_rows];
      for (int i = 0; i < shape.rows; ++i) a_rows[i] = (m + i) * o.row, c_rows[i] = (m + i) * shape.width;
      const cpu::Tile<float> tile{
          a.get(),    a_rows, a_segments.data(), 1,      b.get(), b_segments.data(), shape.width,
          o.segments, o.K,    c.get(),           c_rows, true};
      cpu::run_tile(shape, tile, shape.rows, shape.width, shape.width);
    }
    samples.add(bench::seconds() - start);
    state.SetIterationTime(bench::seconds() - start);
  }
  const double flops = 2.0 * static_cast<double>(rows * shape.width * o.segments * o.K);
  state.counters["gflops"] = flops / samples.best() * 1e-9;
  state.counters["of_peak"] = flops / samples.best() / std::max(peak, bench::fma_peak<float>(3));
}

}  // namespace

int main(int argc, char** argv) {
  return bench::guarded("bench_microkernel", [&] {
    bench::initialize("bench_microkernel", argc, argv);
    cpu::set_threads(1);
    const auto add = [](const char* name, Operands o) {
      benchmark::RegisterBenchmark(name, run, o)->UseManualTime()->Unit(benchmark::kMicrosecond);
    };
    add("K 64", {32, 1, 64, 80});
    add("K 256", {32, 1, 256, 272});
    add("K 2048", {32, 1, 2048, 2064});
    add("5 segments of K 128, rows 50 KB apart", {10, 5, 128, 12544});
    return bench::run();
  });
}
