// The captured step without each of its fusions, beside the one with all of them.
#pragma once

#include <cmath>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ablation.hpp"
#include "cases.hpp"
#include "measure.hpp"

namespace tinygan::bench {

/// Percent of the whole step that it takes longer without a fusion: the median over the rounds.
inline double brings_percent(const Samples& whole, const Samples& without) {
  Samples percent;
  for (std::size_t i = 0; i < whole.count(); ++i) percent.add(100 * (without[i] / whole[i] - 1));
  return percent.median();
}

/// Measures in turns, prints a line for each fusion and writes a row for each step. All trainings begin alike, so their
/// losses differ by rounding only.
inline void ablate(const StepCase& c, Device device, JsonLines& out) {
  std::vector<std::unique_ptr<Stepper>> steppers;
  std::vector<FirstSteps> first;
  for (std::size_t i = 0; i <= all_fusions.size(); ++i) {
    std::optional<Ablation> ablation;  // for as long as steps are captured; replays know no tables
    if (i > 0) ablation.emplace(device, all_fusions[i - 1]);
    steppers.push_back(make_stepper(c.network, c.batch, device, c.precision, true));
    first.push_back(take_first_steps(*steppers.back(), device));
  }
  const std::vector<Samples> times = measure_steps(steppers, device);
  out.add(row_of(c, c.name + "/with every fusion", times[0]).field("loss", first[0].loss));
  for (std::size_t i = 1; i < steppers.size(); ++i) {
    const char* const fusion = name_of(all_fusions[i - 1]);
    const double percent = brings_percent(times[0], times[i]);
    std::printf("%s: %-24s brings %5.1f %% of a step (%.3f ms, without it %.3f ms; losses %.6f and %.6f)\n", c.name.c_str(),
                fusion, percent, 1e3 * times[0].median(), 1e3 * times[i].median(), first[0].loss, first[i].loss);
    std::fflush(stdout);
    JsonRow row = row_of(c, c.name + "/without " + fusion, times[i]);
    row.field("fusion", fusion).field("brings_percent", percent).field("loss", first[i].loss);
    out.add(row.field("loss_difference", std::fabs(first[i].loss - first[0].loss)));
  }
}

}  // namespace tinygan::bench
