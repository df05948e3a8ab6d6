// The benchmarks of bench_step on a device, in order of priority, with their predicted seconds.
#pragma once

#include <algorithm>
#include <regex>
#include <string>
#include <vector>

#include "options.hpp"
#include "prediction.hpp"
#include "support/json_rows.hpp"
#include "support/samples.hpp"

namespace tinygan::bench {

struct StepCase {
  std::string name, network;
  index_t batch;
  Precision precision;
  bool captured;
  double predicted;       ///< seconds
  bool left_out = false;  ///< for want of time
};

/// Of `filter`, Google Benchmark's: of the steps whose names it matches, or if it is empty of all but those in fp32 at
/// large batch sizes.
inline std::vector<StepCase> step_cases(const StepOptions& o, const std::string& filter) {
  const bool every = filter.empty() || filter == "all", inverted = filter.starts_with('-');
  const std::regex pattern(every ? "" : filter.substr(inverted ? 1 : 0));
  std::vector<index_t> batches = o.batches;
  if (batches.empty()) batches = {128, 256, 1024, 64, 512};
  std::vector<StepCase> cases;
  for (const std::string& network : o.networks)
    for (const bool captured : {true, false})
      for (const Precision p : {Precision::bf16, Precision::tf32, Precision::fp32})
        for (const index_t batch : batches) {
          if (std::find(o.precisions.begin(), o.precisions.end(), p) == o.precisions.end()) continue;
          if (every && o.batches.empty() && p == Precision::fp32 && batch > 256) continue;
          const std::string name = text(network, '/', batch, '/', p, captured ? "/captured" : "/eager");
          if (!every && std::regex_search(name + "/iterations:1/manual_time", pattern) == inverted) continue;
          cases.push_back(
              {name, network, batch, p, captured, predicted_measurement(predicted_step(network, batch, p, captured))});
        }
  double total = step_start_seconds;
  for (StepCase& c : cases) {
    c.left_out = total + c.predicted > o.seconds;
    if (!c.left_out) total += c.predicted;
  }
  return cases;
}

inline JsonRow row_of(const StepCase& c, const Samples& times) {
  JsonRow row(c.name);
  row.field("network", c.network).field("batch", static_cast<double>(c.batch)).field("precision", name_of(c.precision));
  row.field("mode", c.captured ? "captured" : "eager").field("median_ms", times.median() * 1e3);
  row.field("p10_ms", times.percentile(0.1) * 1e3).field("p90_ms", times.percentile(0.9) * 1e3);
  row.field("min_ms", times.best() * 1e3).field("samples", static_cast<double>(times.count()));
  row.field("tflops", step_flops(c.network, c.batch) / times.median() * 1e-12).field("predicted_s", c.predicted);
  return row;
}

}  // namespace tinygan::bench
