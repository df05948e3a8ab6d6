// What bench_kernels prints and writes: a row per case, as a table, CSV and JSON lines.
#pragma once

#include <cmath>
#include <cstdio>
#include <fstream>
#include <locale>
#include <optional>
#include <string>
#include <vector>

#include <tinygan/base/error.hpp>

#include "timing.hpp"

namespace tinygan::bench::gpu {

struct Row {
  std::string name, precision;
  index_t batch = 0;
  double exact = 0, nominal = 0, bytes = 0;  ///< FLOPs that touch data, FLOPs as usually counted, compulsory bytes
  double peak = 0;                           ///< FLOP/s, or bytes/s where there are no FLOPs
  std::string error;                         ///< why the result is wrong, or there is none; empty if it is right
  std::optional<HotCold> ours, theirs;
  std::string opponent;            ///< its name, or why there is none
  double difference = -1.0;        ///< |ours - theirs| / |theirs|; negative where there was nothing to compare
  double predicted = 0, took = 0;  ///< seconds of the whole case
  bool left_out = false;           ///< for want of time

  double seconds(bool cold) const { return (cold ? ours->cold : ours->hot).median(); }
  double ratio(bool cold) const { return (cold ? theirs->cold : theirs->hot).median() / seconds(cold); }
  double of_peak() const { return (exact > 0 ? exact : bytes) / seconds(true) / peak; }
};

inline void print_header() {
  std::printf("%-44s %5s %5s | %9s %17s %9s | %9s %6s %6s | %8s %8s %7s %6s | %s\n", "case", "batch", "prec", "cold us",
              "p10-p90", "hot us", "theirs us", "ratio", "hot", "TF exact", "TF nom.", "GB/s", "peak%", "opponent");
}

inline void print_row(const Row& r) {
  std::printf("%-44s %5lld %5s | ", r.name.c_str(), static_cast<long long>(r.batch), r.precision.c_str());
  if (r.left_out) {
    std::printf("LEFT OUT: some %.1f s\n", r.predicted);
  } else if (!r.error.empty()) {
    std::printf("FAILED: %s\n", r.error.c_str());
  } else {
    const double t = r.seconds(true);
    std::printf("%9.2f %8.2f-%8.2f %9.2f | ", 1e6 * t, 1e6 * r.ours->cold.percentile(0.1),
                1e6 * r.ours->cold.percentile(0.9), 1e6 * r.seconds(false));
    if (r.theirs) std::printf("%9.2f %6.2f %6.2f | ", 1e6 * r.theirs->cold.median(), r.ratio(true), r.ratio(false));
    else std::printf("%9s %6s %6s | ", "-", "-", "-");
    std::printf("%8.2f %8.2f %7.0f %5.1f%% | %s\n", 1e-12 * r.exact / t, 1e-12 * r.nominal / t, 1e-9 * r.bytes / t,
                100 * r.of_peak(), r.opponent.c_str());
  }
  std::fflush(stdout);
}

/// A file that gets a line per row: an array in JSON if its name ends in .json, JSON lines if in .jsonl, else CSV. An
/// empty name: none.
class RowFile {
 public:
  explicit RowFile(const std::string& name)
      : name_(name), array_(name.ends_with(".json")), json_(array_ || name.ends_with(".jsonl")) {
    if (name.empty()) return;
    file_.imbue(std::locale::classic());
    file_.open(name);
    check(file_.good(), "bench_kernels", "cannot write ", name);
    if (array_) file_ << '[';
    if (!json_)
      file_
          << "name,batch,precision,exact_flop,nominal_flop,bytes,peak,cold_s,cold_p10_s,cold_p90_s,hot_s,"
             "their_cold_s,their_cold_p10_s,their_cold_p90_s,their_hot_s,difference,opponent,error,predicted_s,took_s,"
             "left_out\n";
  }

  /// Throws Error if the file cannot be written.
  void add(const Row& r) {
    if (!file_.is_open()) return;
    fields_ = 0;
    if (array_) file_ << (rows_++ > 0 ? ",\n" : "\n");
    if (json_) file_ << '{';
    field("name", r.name);
    field("batch", static_cast<double>(r.batch));
    field("precision", r.precision);
    field("exact_flop", r.exact);
    field("nominal_flop", r.nominal);
    field("bytes", r.bytes);
    field("peak", r.peak);
    const auto times = [&](const std::string& prefix, const std::optional<HotCold>& t) {
      field(prefix + "cold_s", t ? std::optional(t->cold.median()) : std::nullopt);
      field(prefix + "cold_p10_s", t ? std::optional(t->cold.percentile(0.1)) : std::nullopt);
      field(prefix + "cold_p90_s", t ? std::optional(t->cold.percentile(0.9)) : std::nullopt);
      field(prefix + "hot_s", t ? std::optional(t->hot.median()) : std::nullopt);
    };
    times("", r.ours);
    times("their_", r.theirs);
    field("difference", r.difference >= 0 ? std::optional(r.difference) : std::nullopt);
    field("opponent", r.opponent);
    field("error", r.error);
    field("predicted_s", r.predicted);
    field("took_s", r.took);
    begin("left_out");
    file_ << (r.left_out ? "true" : "false");
    if (json_) file_ << '}';
    if (!array_) file_ << '\n';
    check(file_.flush().good(), "bench_kernels", "cannot write ", name_);
  }

  /// To be called after the last row. Throws Error if the file cannot be written.
  void finish() {
    if (array_) check((file_ << "\n]\n").flush().good(), "bench_kernels", "cannot write ", name_);
  }

 private:
  void begin(const std::string& name) {
    if (fields_++ > 0) file_ << ',';
    if (json_) file_ << '"' << name << "\":";
  }
  void field(const std::string& name, const std::string& value) {
    begin(name);
    file_ << '"';
    for (char c : value) {
      if (static_cast<unsigned char>(c) < ' ') c = ' ';
      if (c == '"') file_ << (json_ ? '\\' : '"');
      if (c == '\\' && json_) file_ << '\\';
      file_ << c;
    }
    file_ << '"';
  }
  void field(const std::string& name, std::optional<double> value) {
    begin(name);
    if (value && std::isfinite(*value)) file_ << text(*value);
    else if (json_) file_ << "null";
  }

  std::string name_;
  bool array_, json_;
  int rows_ = 0, fields_ = 0;
  std::ofstream file_;
};

}  // namespace tinygan::bench::gpu
