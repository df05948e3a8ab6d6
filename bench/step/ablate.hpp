// The captured step without each of its fusions, beside the one with all of them.
#pragma once

#include <cmath>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "../../kernels/forms.hpp"
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
/// losses differ by rounding only. On a GPU one more step has launches that overlap, which select.cuh leaves out.
inline void ablate(const StepCase& c, Device device, JsonLines& out) {
  std::vector<std::unique_ptr<Stepper>> steppers;
  std::vector<FirstSteps> first;
  const auto capture = [&] {
    steppers.push_back(make_stepper(c.network, c.batch, device, c.precision, true));
    first.push_back(take_first_steps(*steppers.back(), device));
  };
  {
    const forms::Overlap none(false);
    capture();
    for (const Fusion f : all_fusions) {
      const Ablation ablation(device, f);  // for as long as a step is captured; replays know no tables
      capture();
    }
  }
  if (device.type == DeviceType::cuda) {
    const forms::Overlap all(true);
    capture();
  }
  const std::vector<Samples> times = measure_steps(steppers, device);
  out.add(row_of(c, c.name + "/with every fusion", times[0]).field("loss", first[0].loss));
  for (std::size_t i = 1; i < steppers.size(); ++i) {
    const bool overlap = i > all_fusions.size();
    const std::string what = overlap ? "overlapping launches" : name_of(all_fusions[i - 1]);
    const double percent = overlap ? brings_percent(times[i], times[0]) : brings_percent(times[0], times[i]);
    std::printf(
        "%s: %-24s brings %5.1f %% of a step (%.3f ms with every fusion, %s it %.3f ms; losses %.6f and %.6f)\n",
        c.name.c_str(), what.c_str(), percent, 1e3 * times[0].median(), overlap ? "with" : "without",
        1e3 * times[i].median(), first[0].loss, first[i].loss);
    std::fflush(stdout);
    JsonRow row = row_of(c, text(c.name, overlap ? "/with " : "/without ", what), times[i]);
    row.field("fusion", what).field("brings_percent", percent).field("loss", first[i].loss);
    out.add(row.field("loss_difference", std::fabs(first[i].loss - first[0].loss)));
  }
}

}  // namespace tinygan::bench
