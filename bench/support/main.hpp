// What main() of a benchmark consists of. Every error is one line and exit code 1, and standard output holds what
// --benchmark_format asks for and nothing else: what a run wants to say besides goes into the context.
//
//   int main(int argc, char** argv) {
//     return bench::guarded("bench_x", [&] {
//       bench::initialize("bench_x", argc, argv);
//       benchmark::RegisterBenchmark(...);
//       return bench::run();
//     });
//   }
#pragma once

#include <benchmark/benchmark.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <iostream>
#include <string>

#include <tinygan/base/error.hpp>
#include <tinygan/cpu/isa.hpp>
#include <tinygan/cpu/thread_pool.hpp>

#include "options.hpp"
#include "peak.hpp"

namespace tinygan::bench {

/// Runs body(), whose result is the exit code: 1, and the message, where it throws.
template <class Body>
int guarded(const char* program, const Body& body) {
  try {
    return body();
  } catch (const Error& e) {
    std::fprintf(stderr, "%s\n", e.what());
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s: %s\n", program, e.what());
  }
  return 1;
}

namespace detail {

inline bool wrong_result = false, csv_file = false;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
/// A file in CSV without the context, which Google Benchmark writes ahead of the header.
class CsvFile : public benchmark::CSVReporter {
 public:
  bool ReportContext(const Context&) override { return true; }
};
#pragma GCC diagnostic pop

}  // namespace detail

/// Reads Google Benchmark's options, of which none may be left over, and the environment; measures the FMA peak of
/// fp32. Throws Error naming what is wrong.
inline void initialize(const char* program, int argc, char** argv) {
  check_options(program, argc, argv);
  detail::csv_file = writes_csv(argc, argv);
  const std::string instruction_set = cpu::isa_name(cpu::isa()), threads = text(cpu::threads());
  benchmark::Initialize(&argc, argv);
  if (argc > 1) fail(program, "unknown option, or a value that it does not take: ", argv[1]);
  benchmark::AddCustomContext("instruction_set", instruction_set);
  benchmark::AddCustomContext("threads", threads);
  benchmark::AddCustomContext("fma_peak_gflops", text(fma_peak<float>() * 1e-9));
}

/// To be called where a result is wrong: the benchmark ends with that message, and the program with exit code 1.
inline void wrong_result(benchmark::State& state, const std::string& message) {
  detail::wrong_result = true;
  state.SkipWithError(message.c_str());
}

/// Runs the registered benchmarks. Returns the exit code: 1 where the filter matches none, which Google Benchmark says,
/// or a result was wrong. Throws Error where standard output fails.
inline int run() {
  detail::CsvFile csv;
  const bool any = benchmark::RunSpecifiedBenchmarks(nullptr, detail::csv_file ? &csv : nullptr) > 0;
  std::cout.flush();
  check(std::cout.good() && std::fflush(stdout) == 0, "standard output", std::strerror(errno));
  return any && !detail::wrong_result ? 0 : 1;
}

}  // namespace tinygan::bench
