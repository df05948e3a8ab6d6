// The values of Google Benchmark's options, checked before it reads them: to a bad one it answers, by version, with its
// usage and exit code 0, with a default, or by running for ever.
#pragma once

#include <cctype>
#include <charconv>
#include <cstdlib>
#include <string>
#include <string_view>

#include <tinygan/base/error.hpp>

#include "numbers.hpp"

namespace tinygan::bench {

namespace detail {

/// Of the option --benchmark_<option>; `name` is what the user wrote, an argument's or a variable's.
inline void check_option(const char* program, std::string_view option, std::string_view name, std::string_view value) {
  const std::string where = text(program, ": ", name);
  if (option == "repetitions") {
    count_of(where, value, 1'000'000);
  } else if (option.ends_with("time")) {
    double seconds = -1;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), seconds);
    const std::string_view unit = value.substr(static_cast<std::size_t>(end - value.data()));
    // Google Benchmark 1.8 takes seconds as 0.5s, and iterations as 10x.
    check(error == std::errc() && seconds >= 0 && seconds <= 86400 && (unit == "" || unit == "s" || unit == "x"), where,
          "'", value, "', expected seconds from 0 to 86400");
  } else {
    check(value == "console" || value == "json" || value == "csv", where, "'", value,
          "', expected console, json or csv");
  }
}

}  // namespace detail

/// The values of --benchmark_<option>: of the environment's variable, then of the arguments, the last of which counts.
template <class Visit>
void visit_option(const std::string& option, int argc, char** argv, const Visit& visit) {
  std::string variable = "BENCHMARK_";
  for (const char c : option) variable += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  if (const char* value = std::getenv(variable.c_str())) visit(variable, std::string_view(value));
  const std::string name = "--benchmark_" + option;
  for (int i = 1; i < argc; ++i)
    if (const std::string_view argument = argv[i]; argument.starts_with(name + '='))
      visit(name, argument.substr(name.size() + 1));
}

/// Throws Error naming the option, or the environment's variable, that has a bad value.
inline void check_options(const char* program, int argc, char** argv) {
  for (const std::string option : {"format", "out_format", "repetitions", "min_time", "min_warmup_time"})
    visit_option(option, argc, argv, [&](const std::string& name, std::string_view value) {
      detail::check_option(program, option, name, value);
    });
}

/// Whether results go to a file in CSV.
inline bool writes_csv(int argc, char** argv) {
  std::string_view file, format;
  visit_option("out", argc, argv, [&](const std::string&, std::string_view value) { file = value; });
  visit_option("out_format", argc, argv, [&](const std::string&, std::string_view value) { format = value; });
  return !file.empty() && format == "csv";
}

}  // namespace tinygan::bench
