// The CUDA kernels against cuBLASLt and cuDNN, and those that memory limits against a copy.
//
//   bench_kernels --batch 128,1024 --precision tf32,bf16 --filter dcgan --out kernels.csv
//
// Links: tinygan::cuda, and cuBLASLt and cuDNN where they were found. Exit codes: 0, 1 if a result was wrong or the run
// failed, 2 for wrong usage, 77 without a GPU. Each case is checked before it is timed: fresh random operands, outputs
// poisoned with NaN, sampled outputs against sums in double within an error bound, and all of them against the
// opponent's. Then calls are captured in graphs of 0.2 ms and more, cold (operands rotate through twice the L2 cache)
// and hot (the same ones again), ours and the opponent's in turn; medians and the 10th and 90th percentile. The
// opponent has the same precision (in bf16 all elements in memory are bfloat16, theirs and ours), the same fusion
// (`+bias+relu`) and its best algorithm of those that were tried. `peak%` is the exact FLOP/s over the highest rate
// seen in this run: multiply-adds in registers or cuBLASLt at 4096; for memory-bound kernels bytes over a copy's.
// bf16 comes first, fp32 last. With --seconds a case is left out that would end too late by gpu/prediction.hpp. --race
// measures every form that can compute a shape instead (kernels/forms.hpp), beside the one that select.cuh chooses.
#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <map>
#include <random>
#include <string>
#include <vector>

#include <tinygan/backend/dense_conv.hpp>
#include <tinygan/backend/kernel_work.hpp>
#include <tinygan/backend/taps.hpp>
#include <tinygan/tensor/kernels.hpp>

#include "gpu/check.hpp"
#include "gpu/contestant.hpp"
#include "gpu/host_values.hpp"
#include "gpu/kernel_options.hpp"
#include "gpu/memory_bound.hpp"
#include "gpu/peak.hpp"
#include "gpu/prediction.hpp"
#include "gpu/race_run.hpp"
#include "gpu/report.hpp"
#include "gpu/timing.hpp"
#include "support/layers.hpp"
#include "support/no_gpu.hpp"

namespace {

using namespace tinygan;
using namespace tinygan::bench::gpu;

struct Case {
  std::optional<RaceShape> race;  ///< where there are forms to race
  Row row;                        ///< name, batch, precision and counts are filled in
  Work work;                      ///< what `row.predicted` is made of
  std::function<void(Row&)> run;  ///< checks and times
};

/// The highest FLOP/s of a precision that this run saw; measured when first asked for. In fp32 multiply-adds in
/// registers are above whatever a library does.
double peak_of(Precision precision) {
  static std::map<Precision, double> known;
  if (const auto at = known.find(precision); at != known.end()) return at->second;
  const double registers = register_peak(precision);
  double library = 0;
  constexpr index_t n = 4096;
  if (have_cublas() && precision != Precision::fp32) {
    try {
      const GemmProblem p{{n, n, n}, precision, random_operand(n * n, 0), random_operand(n * n, 1)};
      library = 2.0 * n * n * n / measure({cublas_gemm(p)}, 0.02)[0].hot.median();
    } catch (const Error& e) {
      std::printf("# cuBLASLt at 4096 in %s: %s\n", name_of(precision), e.what());
    }
  }
  std::printf("# peak of %s: %.1f TFLOP/s in registers, %.1f by cuBLASLt at 4096\n", name_of(precision),
              1e-12 * registers, 1e-12 * library);
  return known[precision] = std::max(registers, library);
}

/// Checks ours, and theirs against it, then times both in turn.
template <class Problem, class Ours, class Theirs>
void versus(Row& row, const Problem& p, index_t channels, const KernelOptions& o, const Ours& make_ours,
            const Theirs& make_theirs) {
  const auto once = [&](const Contestant& c) {
    c.run(0, bench_stream());
    bench_stream().wait();
    return o.checked ? c.result() : std::vector<float>();
  };
  std::vector<Contestant> contestants{make_ours(p)};
  const std::vector<float> found = once(contestants[0]);
  const bool rounded = p.precision == Precision::bf16;  // so are both results
  if (o.checked) row.error = wrong(p, found, channels, rounded);
  if (!row.error.empty()) return;
  try {
    contestants.push_back(make_theirs(p));
    row.opponent = contestants[1].name;
    if (o.checked) {
      const std::vector<float> reference = once(contestants[1]);
      const std::string unfair = wrong(p, reference, channels, rounded);
      check(unfair.empty(), row.opponent, unfair);
      row.difference = distance(found, reference);
    }
  } catch (const Error& e) {  // no opponent is no reason to give up; the row says why
    contestants.resize(1);
    row.opponent = e.what();
  }
  std::vector<HotCold> times = measure(contestants, o.min_time);
  row.ours = std::move(times[0]);
  if (times.size() > 1) row.theirs = std::move(times[1]);
}

/// Ways of cuDNN: of every algorithm in both layouts three calls, and one that is fused.
int algorithms_of_conv(double flops, bool fused) {
  const int timed_by_cudnn = flops < exhaustive_search_flops ? 2 * 8 : 0;
  return 2 * conv_algorithms * (fused ? 2 : 1) + timed_by_cudnn;
}

double element_bytes(Precision p) { return p == Precision::bf16 ? 2.0 : 4.0; }

void add_gemm(std::vector<Case>& cases, const std::string& name, index_t batch, const GemmDims& d, bool biased,
              const KernelOptions& o) {
  for (const Precision precision : o.precisions) {
    Case c;
    c.row.name = text("gemm ", name, biased ? " +bias+relu" : "");
    c.row.precision = name_of(precision);
    c.row.batch = batch;
    const KernelWork work = KernelWorks<float>::gemm(d);
    c.row.exact = c.row.nominal = work.flops;
    c.row.bytes = work.bytes * element_bytes(precision) / sizeof(float);
    c.work = {.precision = precision,
              .flops = c.row.nominal,
              .bytes = c.row.bytes,
              .elements = static_cast<double>(d.M * d.K + d.K * d.N),
              .outputs = static_cast<double>(d.M * d.N),
              .terms = static_cast<double>(d.K),
              .algorithms = algorithms_of(c.row.nominal)};
    if (!biased) c.race.emplace().gemm = d;
    c.run = [=](Row& row) {
      row.peak = peak_of(precision);
      const GemmProblem p{d, precision, random_operand(d.M * d.K, 0), random_operand(d.K * d.N, 1),
                          biased ? random_operand(d.N, 3) : nullptr};
      versus(row, p, d.N, o, tinygan_gemm, cublas_gemm);
    };
    cases.push_back(std::move(c));
  }
}

void add_conv(std::vector<Case>& cases, const std::string& name, index_t batch, const ConvDims& d, ConvSlot output,
              bool biased, const KernelOptions& o) {
  for (const Precision precision : o.precisions) {
    Case c;
    c.row.name = "conv " + name;
    c.row.precision = name_of(precision);
    c.row.batch = batch;
    const KernelWork work = KernelWorks<float>::conv2d(d);
    c.row.exact = work.flops;
    c.row.nominal = 2.0 * static_cast<double>(nominal_macs(d));
    c.row.bytes = work.bytes * element_bytes(precision) / sizeof(float);
    c.work = {.precision = precision,
              .flops = c.row.nominal,
              .bytes = c.row.bytes,
              .elements = static_cast<double>(first_size(d, output) + second_size(d, output)),
              .outputs = static_cast<double>(output_size(d, output)),
              .terms = static_cast<double>(terms_of(d, output)),
              .layouts = 3,  // ours, and two of cuDNN's
              .algorithms = algorithms_of_conv(c.row.nominal, biased && output == ConvSlot::g)};
    if (!biased) {
      c.race.emplace();
      c.race->conv = d;
      c.race->output = output;
      c.race->is_conv = true;
      if (is_dense(d) && (output != ConvSlot::x || d.H * d.W == 1)) c.race->gemm = dense_dims(d, output);
    }
    c.run = [=](Row& row) {
      row.peak = peak_of(precision);
      const index_t channels = output == ConvSlot::g ? d.K : d.C;
      const ConvProblem p{d,
                          output,
                          precision,
                          random_operand(first_size(d, output), 0),
                          random_operand(second_size(d, output), 1),
                          biased ? random_operand(channels, 3) : nullptr};
      versus(row, p, channels, o, tinygan_conv, cudnn_conv);
    };
    cases.push_back(std::move(c));
  }
}

void add_memory(std::vector<Case>& cases, const MemoryCase& m, const KernelOptions& o) {
  Case c;
  c.row.name = m.name;
  c.row.precision = name_of(m.precision);
  c.row.batch = m.batch;
  c.row.bytes = m.bytes;
  const double elements = m.bytes / element_bytes(m.precision);
  c.work = {.precision = m.precision, .bytes = m.bytes, .elements = elements, .outputs = elements, .layouts = 4};
  c.run = [m, o](Row& row) {
    static const double peak = copy_bandwidth(2e9);
    row.peak = peak;
    set_precision(Device::cuda(), Precision::fp32);
    const Contestant ours = m.ours(), copy = copy_of(m.bytes);
    ours.run(0, bench_stream());
    bench_stream().wait();
    if (o.checked) row.error = m.wrong(ours.result());
    if (!row.error.empty()) return;
    row.opponent = copy.name;
    std::vector<HotCold> times = measure({ours, copy}, o.min_time);
    row.ours = std::move(times[0]);
    row.theirs = std::move(times[1]);
  };
  cases.push_back(std::move(c));
}

std::vector<Case> all_cases(const KernelOptions& o) {
  std::vector<Case> cases;
  for (const index_t n : {1024, 2048, 4096, 8192}) add_gemm(cases, text(n, "^3"), 0, {n, n, n}, false, o);
  add_gemm(cases, "4096^3", 0, {4096, 4096, 4096}, true, o);
  for (const index_t batch : o.batches) {
    for (const bench::DenseLayer& l : bench::dense_layers()) {
      const std::string name = l.network + ' ' + l.name;
      add_gemm(cases, name + " forward", batch, bench::dense_forward(l, batch), false, o);
      add_gemm(cases, name + " forward", batch, bench::dense_forward(l, batch), true, o);
      add_gemm(cases, name + " input_grad", batch, bench::dense_input_grad(l, batch), false, o);
      add_gemm(cases, name + " weight_grad", batch, bench::dense_weight_grad(l, batch), false, o);
    }
    for (const bench::ConvLayer& l : bench::conv_layers(batch)) {
      const std::string name = l.network + ' ' + l.name;
      const ConvSlot forward = l.transposed ? ConvSlot::x : ConvSlot::g;
      add_conv(cases, name + " forward", batch, l.dims, forward, false, o);
      add_conv(cases, name + " forward +bias+relu", batch, l.dims, forward, true, o);
      add_conv(cases, name + " input_grad", batch, l.dims, l.transposed ? ConvSlot::g : ConvSlot::x, false, o);
      add_conv(cases, name + " weight_grad", batch, l.dims, ConvSlot::w, false, o);
    }
    for (const MemoryCase& m : memory_cases(batch))
      if (std::find(o.precisions.begin(), o.precisions.end(), m.precision) != o.precisions.end())
        add_memory(cases, m, o);
  }
  std::erase_if(cases, [&](const Case& c) { return c.row.name.find(o.filter) == std::string::npos; });
  // In order of priority: what the trainer is fastest with comes first.
  std::stable_sort(cases.begin(), cases.end(),
                   [](const Case& a, const Case& b) { return a.work.precision > b.work.precision; });
  double total = start_seconds;
  for (Case& c : cases) {
    c.row.predicted = predict(c.work, o.min_time, o.checked).total();
    c.row.left_out = total + c.row.predicted > o.seconds;
    if (!c.row.left_out) total += c.row.predicted;
  }
  return cases;
}

/// Geometric means of the ratios, by precision and kind of case.
void print_summary(const std::vector<Row>& rows) {
  std::map<std::string, std::pair<double, int>> logs;
  for (const Row& r : rows) {
    if (!r.theirs) continue;
    const std::string kind = r.name.substr(0, r.name.find(' ')) + (r.name.ends_with("relu") ? " +bias+relu" : "");
    auto& [sum, count] = logs[text(kind, ", ", r.precision, ", batch ", r.batch)];
    sum += std::log(r.ratio(true));
    ++count;
  }
  std::printf("\nGeometric means of (their time / ours), cold:\n");
  for (const auto& [kind, mean] : logs)
    std::printf("  %-40s %6.2f  (%d cases)\n", kind.c_str(), std::exp(mean.first / mean.second), mean.second);
}

double seconds_since_start() {
  static const auto start = std::chrono::steady_clock::now();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

std::vector<RaceShape> races(const std::vector<Case>& cases) {
  std::vector<RaceShape> shapes;
  for (const Case& c : cases) {
    if (!c.race) continue;
    shapes.push_back(*c.race);
    RaceShape& s = shapes.back();
    s.name = c.row.name;
    s.batch = c.row.batch;
    s.precision = c.work.precision;
    s.flops = c.row.exact;
    s.work = c.work;
  }
  return shapes;
}

int run(const KernelOptions& o, std::vector<Case> cases) {
  if (o.race && o.list) return list_races(o, races(cases)), 0;
  if (o.list) {
    double total = start_seconds;
    for (const Case& c : cases) {
      std::printf("%s, batch %lld, %s: %.2f s%s\n", c.row.name.c_str(), static_cast<long long>(c.row.batch),
                  c.row.precision.c_str(), c.row.predicted, c.row.left_out ? ", left out" : "");
      if (!c.row.left_out) total += c.row.predicted;
    }
    std::printf("%.2f s in all, %.2f s of them before the first case\n", total, start_seconds);
    return 0;
  }
  seconds_since_start();
  if (cuda_device_count() == 0) return bench::without_gpu("bench_kernels");

  const GpuFacts gpu = gpu_facts();
  std::printf("# %s, sm_%d, %d multiprocessors, L2 %.0f MB; %s; %s; copy %.0f GB/s\n", gpu.name.c_str(),
              gpu.architecture, gpu.multiprocessors, 1e-6 * static_cast<double>(gpu.l2_bytes), cublas_version().c_str(),
              cudnn_version().c_str(), 1e-9 * copy_bandwidth(2e9));
  if (o.race) return run_races(o, races(cases)) ? 0 : 1;
  RowFile file(o.out);
  print_header();
  std::vector<Row> rows;
  bool all_right = true;
  int left_out = 0;
  for (Case& c : cases) {
    const double begin = seconds_since_start();
    c.row.left_out = begin + c.row.predicted > o.seconds;  // what others left of their predictions is used
    left_out += c.row.left_out;
    try {
      if (!c.row.left_out) c.run(c.row);
    } catch (const Error& e) {
      c.row.error = e.what();
    }
    c.row.took = seconds_since_start() - begin;
    all_right = all_right && c.row.error.empty();
    print_row(c.row);
    file.add(c.row);
    rows.push_back(c.row);
  }
  file.finish();
  print_summary(rows);
  if (left_out > 0) std::printf("\nLeft out, for want of time: %d of %zu cases\n", left_out, rows.size());
  return all_right ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  KernelOptions o;
  std::vector<Case> cases;
  try {
    o = parse(argc, argv);
    if (o.help) {
      std::fputs(usage, stdout);
      return 0;
    }
    cases = all_cases(o);
    check(!cases.empty(), "bench_kernels", "no case's name holds '", o.filter, "'");
  } catch (const Error& e) {
    std::fprintf(stderr, "%s\n%s", e.what(), usage);
    return 2;
  }
  try {
    return run(o, std::move(cases));
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
  }
}
