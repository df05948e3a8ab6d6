#include <algorithm>

#include <tinygan/gan/step_metrics.hpp>

#include "cli/command_line.hpp"
#include "run/model.hpp"
#include "run/train.hpp"

namespace dcgan_mnist {

namespace {

/// The names of the options that the command line or a configuration file gave.
std::set<std::string> given_options(const CLI::App& command) {
  std::set<std::string> names;
  for (const CLI::Option* o : command.get_options({}))
    if (o->count() > 0 && !o->get_lnames().empty()) names.insert(o->get_lnames().front());
  return names;
}

/// A few steps on little data: whether everything works, not whether it learns.
void make_smoke(TrainOptions& o) {
  const auto unless_given = [&](const char* name, auto& value, auto small) {
    if (!o.given.contains(name)) value = small;
  };
  unless_given("data", o.data, "strokes");
  unless_given("images", o.images, 256);
  unless_given("model", o.model, "small");
  unless_given("batch-size", o.batch_size, 16);
  unless_given("steps", o.steps, 5);
}

/// Options that are valid by themselves and not together. Those of a resumed run are complete only with its own.
void check_combination(const TrainOptions& o) {
  if (!o.resume.empty()) return;
  try {
    tinygan::gan::check_objective("train", objective_of(o));
  } catch (const tinygan::Error& e) {
    throw CLI::ValidationError(e.what());
  }
}

/// The footer's lines on the metrics of the status line.
std::string metrics_help() {
  constexpr std::size_t column = 24;
  std::string help;
  for (const auto& m : tinygan::gan::step_metrics<float>) {
    std::string line = std::string("  ") + m.label;
    if (m.healthy.low < m.healthy.high) line += " " + general(m.healthy.low, 3) + " to " + general(m.healthy.high, 3);
    line.resize(std::max(column, line.size() + 1), ' ');
    help += line + m.meaning + "\n";
  }
  return help;
}

}  // namespace

void add_train_command(CLI::App& app, Dispatch& chosen) {
  const auto o = std::make_shared<TrainOptions>();
  CLI::App& c = add_command(app, chosen, "train", "Train a generator and a discriminator.", o, &train);
  c.final_callback([&c, &chosen, o] {
    o->given = given_options(c);
    if (o->smoke) make_smoke(*o);
    resolve_penalties(*o);
    check_combination(*o);
    chosen = [o] { return train(*o); };
  });
  each_option([&](const auto& option) {
    CLI::Option& added = add_value(c, std::string("--") + option.name, (*o).*option.field, option.allowed, option.help);
    if (*option.type != '\0') added.type_name(option.type);
  });
  add_config_option(c);
  c.footer(R"(The run directory, such as runs/00007-tinygan-bce-b32, holds checkpoints, image
grids, logs and a report. Its path is printed to standard output.

The status line, and what is healthy with --loss bce:
)" + metrics_help() +
           R"(  img/s, eta, mem       speed of the last 20 s, time left, memory

Ctrl-C, SIGTERM, SIGHUP, SIGXCPU and a standard output that is gone save a
checkpoint and end; --resume goes on, to the same result, bit for bit. A second
Ctrl-C ends at once. SIGUSR1 saves and goes on.)");
}

}  // namespace dcgan_mnist
