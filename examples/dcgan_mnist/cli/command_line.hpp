// The command line of dcgan_mnist: common parts of the subcommands.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>

#include <CLI/CLI.hpp>

#include "base/allowed.hpp"

namespace dcgan_mnist {

/// The chosen subcommand, to be run once the command line is valid; returns the exit code.
using Dispatch = std::function<int()>;

// Every subcommand registers its options and itself in a file of its own.
void add_train_command(CLI::App& app, Dispatch& chosen);
void add_sample_command(CLI::App& app, Dispatch& chosen);
void add_evaluate_command(CLI::App& app, Dispatch& chosen);
void add_interpolate_command(CLI::App& app, Dispatch& chosen);
void add_export_command(CLI::App& app, Dispatch& chosen);
void add_info_command(CLI::App& app, Dispatch& chosen);
void add_report_command(CLI::App& app, Dispatch& chosen);

/// The program's name and help, without subcommands.
std::unique_ptr<CLI::App> make_app();

/// Parses the command line and the file of --config. Returns the exit code after --help, or after an error text on
/// standard error for an invalid command line.
std::optional<int> parse(CLI::App& app, int argc, char** argv);

/// The name of the check that add_value() gives to an option.
inline constexpr const char* value_check = "value";

/// A number as --help shows it.
template <class T>
std::string default_text(T value) {
  if constexpr (std::is_floating_point_v<T>) return general(value, 6);
  else return std::to_string(value);
}

/// A subcommand that calls run(options) when it is chosen. Its options show their defaults, and the last of several
/// counts.
template <class Options>
CLI::App& add_command(CLI::App& app, Dispatch& chosen, const std::string& name, const std::string& help,
                      const std::shared_ptr<Options>& options, int (*run)(const Options&)) {
  CLI::App& command = *app.add_subcommand(name, help);
  command.footer("");  // not the program's
  command.option_defaults()->always_capture_default()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  command.final_callback([&chosen, options, run] { chosen = [options, run] { return run(*options); }; });
  return command;
}

/// An option with a validated value. CLI11's conversions are not used: they read leading zeros as octal, accept NaN in
/// any range, and depend on the program's locale.
template <class T, class Allowed>
CLI::Option& add_value(CLI::App& command, const std::string& name, T& value, const Allowed& allowed,
                       const std::string& help) {
  CLI::Option* option = nullptr;
  if constexpr (std::is_arithmetic_v<T> && !std::is_same_v<T, bool>) {
    const auto take = [&value](const CLI::results_t& given) {
      const auto number = read_number<T>(given.back());
      if (number) value = *number;
      return number.has_value();
    };
    option = command.add_option(name, take, help, true, [&value] { return default_text(value); });
  } else if constexpr (std::is_same_v<T, bool>) {
    option = command.add_flag(name, value, help);
  } else {
    option = command.add_option(name, value, help);
  }
  const auto check = [allowed](std::string& text) { return validation_error(text, allowed); };
  option->check(CLI::Validator(check, "", value_check));
  return *option;
}

/// --threads, as every subcommand has it.
void add_threads_option(CLI::App& command, int& threads);

/// --config. Options on the command line have precedence over those in the file.
void add_config_option(CLI::App& command);

}  // namespace dcgan_mnist
