// The options of bench_step that are not Google Benchmark's.
#pragma once

#include <charconv>
#include <cmath>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

#include <tinygan/base/device.hpp>
#include <tinygan/base/error.hpp>
#include <tinygan/base/precision.hpp>

#include "support/numbers.hpp"

namespace tinygan::bench {

struct StepOptions {
  Device device = Device::cpu();
  std::vector<Precision> precisions;
  std::vector<index_t> batches;  ///< empty: the default ones
  std::vector<std::string> networks;
  std::string out;
  double seconds = std::numeric_limits<double>::infinity();
  bool plan = false;
};

namespace detail {

inline std::vector<std::string> words_of(const std::string& name, const std::string& value) {
  check(!value.empty(), "bench_step", name, " needs a value");
  std::vector<std::string> words;
  std::istringstream in(value);
  for (std::string word; std::getline(in, word, ',');) words.push_back(word);
  return words;
}

inline void set_option(StepOptions& o, const std::string& name, const std::string& value) {
  if (name == "--device") {
    check(value == "cpu" || value == "cuda" || value == "emulated", "bench_step", "--device ", value,
          ", expected cpu, cuda or emulated");
    o.device = value == "cpu" ? Device::cpu() : value == "cuda" ? Device::cuda() : Device::emulated();
  } else if (name == "--precision") {
    for (const std::string& word : words_of(name, value)) o.precisions.push_back(parse_precision(word));
  } else if (name == "--batch") {
    for (const std::string& word : words_of(name, value))
      o.batches.push_back(count_of("bench_step: --batch", word, most_images));
  } else if (name == "--network") {
    o.networks = words_of(name, value);
    for (const std::string& n : o.networks)
      check(n == "dcgan" || n == "article" || n == "libtorch", "bench_step", "--network ", n,
            ", expected dcgan, article or libtorch");
  } else if (name == "--seconds") {
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), o.seconds);
    check(error == std::errc() && end == value.data() + value.size() && o.seconds > 0 && o.seconds <= 3600,
          "bench_step", "--seconds '", value, "', expected seconds above 0 and up to 3600");
  } else {
    check(!value.empty(), "bench_step", name, " needs a value");
    o.out = value;
  }
}

}  // namespace detail

/// Takes our options out of the arguments; Google Benchmark reads the rest. Throws Error on a value it does not know.
inline StepOptions take_step_options(int& argc, char** argv) {
  StepOptions o;
  int kept = 1;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i], name = argument.substr(0, argument.find('='));
    if (argument == "--plan") {
      o.plan = true;
      continue;
    }
    bool ours = false;
    for (const char* known : {"--device", "--precision", "--batch", "--network", "--seconds", "--out"})
      ours = ours || name == known;
    if (!ours) {
      argv[kept++] = argv[i];
    } else if (name.size() < argument.size()) {
      detail::set_option(o, name, argument.substr(name.size() + 1));
    } else {
      check(i + 1 < argc, "bench_step", name, " needs a value");
      detail::set_option(o, name, argv[++i]);
    }
  }
  argc = kept;
  argv[argc] = nullptr;
  const bool on_cpu = o.device.type == DeviceType::cpu;
  if (o.precisions.empty()) {
    o.precisions = {Precision::fp32};
    if (o.device.type == DeviceType::cuda) o.precisions = {Precision::bf16, Precision::tf32, Precision::fp32};
  }
  if (o.networks.empty()) o.networks = {"dcgan", "article", "libtorch"};
  check(!on_cpu || (o.out.empty() && !o.plan && !std::isfinite(o.seconds)), "bench_step",
        "--out, --plan and --seconds are for --device cuda or emulated; on the CPU there is --benchmark_out");
  for (const Precision p : o.precisions)
    check(!on_cpu || p == Precision::fp32, "bench_step", "--precision ", p, " on the CPU, which has fp32");
  return o;
}

}  // namespace tinygan::bench
