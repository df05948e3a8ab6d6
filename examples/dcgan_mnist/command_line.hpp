// The command line of dcgan_mnist: what its subcommands share.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace dcgan_mnist {

/// What the command line asks for, to be done once all of it is known to be right; its result is the exit code.
using Dispatch = std::function<int()>;

// Every subcommand registers its options and itself in a file of its own.
void add_train_command(CLI::App& app, Dispatch& chosen);
void add_sample_command(CLI::App& app, Dispatch& chosen);
void add_interpolate_command(CLI::App& app, Dispatch& chosen);
void add_export_command(CLI::App& app, Dispatch& chosen);
void add_info_command(CLI::App& app, Dispatch& chosen);
void add_report_command(CLI::App& app, Dispatch& chosen);

/// The program's name and help, without subcommands.
std::unique_ptr<CLI::App> make_app();

/// Fills `app` from the command line and the file that --config names. Returns the exit code if there is nothing more
/// to do: help was asked for, or the command line is wrong and was complained about.
std::optional<int> parse(CLI::App& app, int argc, char** argv);

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

/// --threads, as every subcommand has it.
void add_threads_option(CLI::App& command, int& threads);

/// --config. Its file's options count as if they stood in front of those on the command line.
void add_config_option(CLI::App& command);

/// What --device accepts.
CLI::Validator device_names();

/// One of several words; numbers in a range, both ends included.
CLI::Validator one_of(const std::vector<std::string>& words);
template <class Low, class High>
CLI::Validator between(Low low, High high) {
  return CLI::Range(static_cast<High>(low), high).description("");
}
inline constexpr std::int64_t max_steps = std::int64_t{1} << 40;

}  // namespace dcgan_mnist
