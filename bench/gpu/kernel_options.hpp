// The command line of bench_kernels.
#pragma once

#include <charconv>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

#include <tinygan/base/error.hpp>
#include <tinygan/base/precision.hpp>

#include "support/numbers.hpp"

namespace tinygan::bench::gpu {

inline constexpr const char* usage =
    R"(usage: bench_kernels [OPTION]...

  --batch N,...            batch sizes of the networks' layers (default 128,256,1024)
  --precision NAME,...     fp32, tf32, bf16 (default all)
  --filter TEXT            only cases whose name holds TEXT, for example gemm, conv, 'dcgan D.c2', forward, adam
  --min-time SECONDS       for each contestant of a case, hot and cold each (default 0.1, in a race 0.01)
  --seconds SECONDS        in all: a case that by its prediction would end later is left out, and its row says so
  --race                   every form that can compute a shape, in turns with the opponent: the winner, and the one
                           that is chosen; --out then gets JSON lines, which scripts/select-kernels reads
  --no-check               time results without looking at them, for devices that compute nothing
  --out FILE               write every row: as JSON if FILE ends in .json, as JSON lines if in .jsonl, else as CSV
  --list                   print the cases with their predicted seconds, and the sum, and stop; needs no GPU
  --help                   this text
)";

struct KernelOptions {
  std::vector<index_t> batches{128, 256, 1024};
  std::vector<Precision> precisions{Precision::bf16, Precision::tf32, Precision::fp32};
  std::string filter, out;
  double min_time = 0, seconds = std::numeric_limits<double>::infinity();
  bool list = false, help = false, checked = true, race = false;
};

inline double seconds_of(const std::string& name, const std::string& value) {
  double seconds = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), seconds);
  check(error == std::errc() && end == value.data() + value.size() && seconds > 0 && seconds <= 3600, "bench_kernels",
        name, " '", value, "', expected seconds above 0 and up to 3600");
  return seconds;
}

/// Throws Error on anything it does not know.
inline KernelOptions parse(int argc, char** argv) {
  KernelOptions o;
  for (int i = 1; i < argc; ++i) {
    std::string name = argv[i], value;
    if (name == "--list" || name == "--help" || name == "--no-check" || name == "--race") {
      if (name == "--no-check") o.checked = false;
      else (name == "--list" ? o.list : name == "--help" ? o.help : o.race) = true;
      continue;
    }
    if (const std::size_t equals = name.find('='); equals != std::string::npos) {
      value = name.substr(equals + 1);
      name.resize(equals);
    } else {
      check(i + 1 < argc, "bench_kernels", "unknown option, or no value: ", name);
      value = argv[++i];
    }
    std::vector<std::string> parts;
    std::istringstream in(value);
    for (std::string part; std::getline(in, part, ',');) parts.push_back(part);
    if (name == "--batch") {
      check(!parts.empty(), "bench_kernels", name, " needs a value");
      o.batches.clear();
      for (const std::string& p : parts)
        o.batches.push_back(bench::count_of("bench_kernels: " + name, p, bench::most_images));
    } else if (name == "--precision") {
      check(!parts.empty(), "bench_kernels", name, " needs a value");
      o.precisions.clear();
      for (const std::string& p : parts) o.precisions.push_back(parse_precision(p));
    } else if (name == "--filter") {
      o.filter = value;
    } else if (name == "--min-time") {
      o.min_time = seconds_of(name, value);
    } else if (name == "--seconds") {
      o.seconds = seconds_of(name, value);
    } else if (name == "--out") {
      o.out = value;
    } else {
      fail("bench_kernels", "unknown option ", name);
    }
  }
  if (o.min_time == 0) o.min_time = o.race ? 0.01 : 0.1;
  return o;
}

}  // namespace tinygan::bench::gpu
