#include "race_run.hpp"

#include <chrono>
#include <cstdio>
#include <limits>

#include "check.hpp"
#include "contestant.hpp"
#include "fastest.hpp"
#include "host_values.hpp"
#include "support/json_rows.hpp"

namespace tinygan::bench::gpu {

namespace {

constexpr double hopeless = 3;  // times the best single call: not timed any more

/// What became of one form.
struct Runner {
  forms::Form form;
  index_t blocks = 0;
  std::string error;
  double cold = 0, hot = 0;  // seconds; 0 where it did not run
  bool chosen = false, hopeless = false;
};

struct Race {
  std::vector<Runner> runners;
  std::string opponent;
  double their_cold = 0, their_hot = 0;  // 0 where there is none

  const Runner* chosen() const {
    for (const Runner& r : runners)
      if (r.chosen) return &r;
    return nullptr;
  }
  const Runner* winner() const {
    const Runner* best = nullptr;
    for (const Runner& r : runners)
      if (r.cold > 0 && (!best || r.cold < best->cold)) best = &r;
    return best;
  }
};

/// Runs each form once and keeps those that computed, each form that was taken once; then times them in turns.
template <class Problem, class Theirs>
Race race(const Problem& p, const std::vector<forms::Form>& forms, index_t channels, const KernelOptions& o,
          const Theirs& make_theirs) {
  Race result;
  std::vector<Contestant> contestants;
  std::vector<std::size_t> runner_of;
  double best = std::numeric_limits<double>::infinity();
  for (FormContestant& f : tinygan_forms(p, forms)) {
    Runner r;
    r.form = f.form;
    r.chosen = f.form.way == forms::Way::automatic;
    try {
      f.reset();
      f.contestant.run(0, bench_stream());
      r.form = forms::launched;
      r.blocks = forms::launched_blocks;
      bench_stream().wait();
      bool known = false;
      for (const Runner& other : result.runners) known = known || (other.blocks > 0 && other.form == r.form);
      if (known) continue;
      if (o.checked) r.error = wrong(p, f.contestant.result(), channels, p.precision == Precision::bf16);
      if (r.error.empty()) {
        time_of_call(f.contestant);
        r.cold = r.hot = time_of_call(f.contestant);
        best = std::min(best, r.cold);
        runner_of.push_back(result.runners.size());
        contestants.push_back(f.contestant);
      }
    } catch (const Error& e) {
      r.error = e.what();
    }
    result.runners.push_back(std::move(r));
  }
  check(!contestants.empty(), "race", "no form computes this shape: ", result.runners[0].error);
  for (std::size_t i = contestants.size(); i-- > 0;) {
    const Runner& r = result.runners[runner_of[i]];
    if (r.chosen || r.cold <= hopeless * best) continue;
    result.runners[runner_of[i]].hopeless = true;
    contestants.erase(contestants.begin() + static_cast<std::ptrdiff_t>(i));
    runner_of.erase(runner_of.begin() + static_cast<std::ptrdiff_t>(i));
  }
  try {
    contestants.push_back(make_theirs(p));
    result.opponent = contestants.back().name;
  } catch (const Error& e) {
    result.opponent = e.what();
  }
  const std::vector<HotCold> times = measure(contestants, o.min_time);
  for (std::size_t i = 0; i < times.size(); ++i) {
    double& cold = i < runner_of.size() ? result.runners[runner_of[i]].cold : result.their_cold;
    double& hot = i < runner_of.size() ? result.runners[runner_of[i]].hot : result.their_hot;
    cold = times[i].cold.median();
    hot = times[i].hot.median();
  }
  return result;
}

Race race_of(const RaceShape& s, const KernelOptions& o) {
  if (!s.is_conv) {
    const GemmDims& d = *s.gemm;
    const GemmProblem p{d, s.precision, random_operand(d.M * d.K, 0), random_operand(d.K * d.N, 1)};
    return race(p, race_forms(s), d.N, o, cublas_gemm);
  }
  const ConvDims& d = s.conv;
  const ConvProblem p{d, s.output, s.precision, random_operand(first_size(d, s.output), 0),
                      random_operand(second_size(d, s.output), 1)};
  return race(p, race_forms(s), s.output == ConvSlot::g ? d.K : d.C, o, cudnn_conv);
}

/// The numbers by which select.cuh decides.
JsonRow row_of(const RaceShape& s) {
  JsonRow row(s.name);
  row.field("precision", name_of(s.precision)).field("batch", s.batch).field("op", s.op());
  if (s.gemm) {
    const GemmDims& d = *s.gemm;
    row.field("M", d.M).field("N", d.N).field("K", d.K).field("trans_a", d.trans_a).field("trans_b", d.trans_b);
  } else {
    const ConvDims& d = s.conv;
    row.field("images", d.N).field("H", d.H).field("W", d.W).field("C", d.C).field("R", d.R).field("S", d.S);
    row.field("K", d.K).field("P", d.P).field("Q", d.Q).field("stride_h", d.stride_h).field("stride_w", d.stride_w);
  }
  return row.field("product", s.gemm.has_value()).field("exact_flop", s.flops).field("bytes", s.work.bytes);
}

void form_fields(JsonRow& row, const forms::Form& f) {
  row.field("form", forms::name_of(f)).field("way", forms::name_of(f.way)).field("tile_m", f.tile_m);
  row.field("tile_n", f.tile_n).field("splits", f.splits);
}

void report(const RaceShape& s, const Race& r, JsonRow& row) {
  const Runner *const chosen = r.chosen(), *const winner = r.winner();
  std::vector<JsonRow> runners;
  for (const Runner& runner : r.runners) {
    runners.emplace_back();
    form_fields(runners.back(), runner.form);
    runners.back().field("blocks", runner.blocks).field("error", runner.error);
    if (runner.cold > 0)
      runners.back()
          .field("cold_s", runner.cold)
          .field("hot_s", runner.hot)
          .field("once", runner.hopeless)
          .field("predicted_s", expected_seconds(s, runner.form, runner.blocks));
  }
  row.field("chosen", forms::name_of(chosen->form)).field("winner", forms::name_of(winner->form));
  row.field("cold_s", chosen->cold).field("best_cold_s", winner->cold);
  row.field("prediction", winner->cold / expected_seconds(s, winner->form, winner->blocks));
  if (r.their_cold > 0)
    row.field("ratio", r.their_cold / winner->cold).field("ratio_chosen", r.their_cold / chosen->cold);
  row.field("opponent", r.opponent).field("their_cold_s", r.their_cold).field("their_hot_s", r.their_hot);
  row.field("forms", runners);
  std::printf("%-20s %9.2f us, %5.2f of what was expected", forms::name_of(winner->form).c_str(), 1e6 * winner->cold,
              winner->cold / expected_seconds(s, winner->form, winner->blocks));
  if (!winner->chosen)
    std::printf("; %s was chosen, %.2f us", forms::name_of(chosen->form).c_str(), 1e6 * chosen->cold);
  if (r.their_cold > 0)
    std::printf("; %s %.2f us, ratio %.2f", r.opponent.c_str(), 1e6 * r.their_cold, r.their_cold / winner->cold);
  std::printf("\n");
}

double predicted(const RaceShape& s, const KernelOptions& o) {
  return predicted_race(s, 1 + race_forms(s).size(), o.min_time, o.checked);
}

}  // namespace

void list_races(const KernelOptions& o, const std::vector<RaceShape>& shapes) {
  double total = start_seconds;
  for (const RaceShape& s : shapes) {
    const double seconds = predicted(s, o);
    const bool left_out = total + seconds > o.seconds;
    std::printf("%s, batch %lld, %s: %zu forms, %.2f s%s\n", s.name.c_str(), static_cast<long long>(s.batch),
                name_of(s.precision), race_forms(s).size(), seconds, left_out ? ", left out" : "");
    if (!left_out) total += seconds;
  }
  std::printf("%.2f s in all, %.2f s of them before the first case\n", total, start_seconds);
}

bool run_races(const KernelOptions& o, const std::vector<RaceShape>& shapes) {
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  const auto elapsed = [&] { return std::chrono::duration<double>(Clock::now() - start).count(); };
  JsonLines out("bench_kernels", o.out);
  bool all_right = true;
  for (const RaceShape& s : shapes) {
    const double seconds = predicted(s, o), begin = elapsed();
    JsonRow row = row_of(s);
    std::printf("%-40s %5lld %s | ", s.name.c_str(), static_cast<long long>(s.batch), name_of(s.precision));
    if (begin + seconds > o.seconds) {
      std::printf("LEFT OUT: some %.1f s\n", seconds);
      out.add(row.field("left_out", true).field("race_s", seconds));
      continue;
    }
    try {
      const Race r = race_of(s, o);
      report(s, r, row);
      for (const Runner& runner : r.runners)
        if (runner.blocks > 0 && !runner.error.empty()) {
          all_right = false;
          std::printf("  %s FAILED: %s\n", forms::name_of(runner.form).c_str(), runner.error.c_str());
        }
    } catch (const Error& e) {
      all_right = false;
      row.field("error", e.what());
      std::printf("FAILED: %s\n", e.what());
    }
    std::fflush(stdout);
    out.add(row.field("race_s", seconds).field("took_s", elapsed() - begin));
  }
  return all_right;
}

}  // namespace tinygan::bench::gpu
