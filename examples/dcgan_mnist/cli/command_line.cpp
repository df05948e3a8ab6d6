#include "cli/command_line.hpp"

#include <algorithm>
#include <cstdio>
#include <sstream>
#include <vector>

#include <tinygan/base/error.hpp>
#include <tinygan/base/version.hpp>

#include "cli/config_file.hpp"

namespace dcgan_mnist {

namespace {

constexpr std::size_t help_width = 80;

/// CLI11's help, with long descriptions broken into lines.
class Formatter : public CLI::Formatter {
 public:
  Formatter() { column_width(30); }

  std::string make_option(const CLI::Option* option, bool positional) const override {
    const std::string type = option->get_type_size() > 0 ? " " + option->get_type_name() : "";
    if (!positional && option->get_positional())
      return entry(make_option_name(option, false) + type, "The same, by name");
    const std::string usual = option->get_default_str();
    return entry(make_option_name(option, positional) + type,
                 option->get_description() + (option->get_required() ? " (required)" : "") +
                     (type.empty() || usual.empty() ? "" : " [" + usual + "]"));
  }
  std::string make_subcommand(const CLI::App* command) const override {
    return entry(command->get_name(), command->get_description());
  }
  std::string make_description(const CLI::App* app) const override { return app->get_description() + "\n"; }

 private:
  std::string entry(const std::string& name, const std::string& description) const {
    const std::size_t column = get_column_width();
    std::string out, line = "  " + name;
    if (line.size() + 1 > column) {
      out = line + "\n";
      line.clear();
    }
    line.resize(column, ' ');
    std::istringstream words(description);
    for (std::string word; words >> word;) {
      if (line.size() > column && line.size() + 1 + word.size() > help_width) {
        out += line + "\n";
        line.assign(column, ' ');
      }
      line += (line.size() > column ? " " : "") + word;
    }
    return out + line + "\n";
  }
};

/// Levenshtein's distance: the letters to insert, delete or replace that make one text of the other.
std::size_t distance(const std::string& a, const std::string& b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j < row.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1] ? 1 : 0)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

/// The candidate closest to `given`, empty if none is close.
std::string closest(const std::string& given, const std::vector<std::string>& candidates) {
  std::string best;
  std::size_t least = std::max<std::size_t>(2, given.size() / 3) + 1;
  for (const std::string& c : candidates) {
    const bool beginning = given.size() > 3 && c.rfind(given, 0) == 0;  // --snapshot for --snapshot-every
    const std::size_t d = beginning ? 1 : distance(given, c);
    if (d < least) {
      least = d;
      best = c;
    }
  }
  return best;
}

/// The error text of an option that the subcommand does not have.
std::string unknown_option(const CLI::App& command, const std::string& option) {
  std::vector<std::string> names;
  for (const CLI::Option* o : command.get_options({}))
    for (const std::string& name : o->get_lnames()) names.push_back("--" + name);
  const std::string suggestion = closest(option, names);
  return "unknown option " + option + (suggestion.empty() ? "" : "; did you mean " + suggestion + "?");
}

/// The error text of words that are not an option or a subcommand.
std::string unexpected(const CLI::App& app) {
  const auto chosen = app.get_subcommands();
  const CLI::App& command = chosen.empty() ? app : *chosen.front();
  const std::vector<std::string> words = app.remaining(true);
  const auto dashed = std::find_if(words.begin(), words.end(), [](const std::string& w) { return w.starts_with("-"); });
  if (dashed != words.end()) return unknown_option(command, dashed->substr(0, dashed->find('=')));
  std::vector<std::string> names;
  for (const CLI::App* c : app.get_subcommands({})) names.push_back(c->get_name());
  const std::string suggestion = closest(words.front(), names);
  return "unexpected '" + words.front() + "'" + (suggestion.empty() ? "" : "; did you mean " + suggestion + "?");
}

/// The options of a configuration file as command-line arguments of `command`, validated.
std::vector<std::string> arguments_of(const std::string& file, CLI::App& command) {
  std::vector<std::string> arguments;
  try {
    for (const ConfigEntry& entry : read_config(file)) {
      const std::string name = "--" + entry.name;
      const CLI::Option* option = command.get_option_no_throw(name);
      tinygan::check(option != nullptr, entry.where, unknown_option(command, name));
      tinygan::check(name != "--config" && name != "--help", entry.where, name, " belongs on the command line");
      const bool is_flag = option->get_items_expected_max() == 0;
      if (entry.value.empty() && !is_flag && option->get_default_str().empty()) continue;  // the default
      std::string value = entry.value;
      const std::string wrong = (*command.get_option(name)->get_validator(value_check))(value);
      tinygan::check(wrong.empty(), entry.where, name, ": ", wrong);
      arguments.push_back(name + "=" + value);
    }
  } catch (const tinygan::Error& e) {
    throw CLI::ValidationError("--config", e.what());
  }
  return arguments;
}

/// The command line with the options of --config's file before the user's own, which therefore have precedence.
std::vector<std::string> with_config(CLI::App& app, int argc, char** argv) {
  std::vector<std::string> given(argv + 1, argv + argc), files, rest;
  for (std::size_t i = 0; i < given.size(); ++i) {
    const std::string& word = given[i];
    const std::string option = word.substr(0, word.find('='));
    const bool empty = word == "--config" ? i + 1 < given.size() && given[i + 1].empty() : word == option + "=";
    if (word.starts_with("--") && empty)  // CLI11 would take the next word for the value of --seed=
      throw CLI::ValidationError(option, "the value is empty");
    const std::string prefix = "--config=";
    if (word.starts_with(prefix)) files.push_back(word.substr(prefix.size()));
    else if (word == "--config" && i + 1 < given.size()) files.push_back(given[++i]);
    else rest.push_back(word);
  }
  const std::string subcommand = rest.empty() ? "" : rest.front();
  const auto commands = app.get_subcommands([&](const CLI::App* c) { return c->check_name(subcommand); });
  if (commands.empty() || commands.front()->get_option_no_throw("--config") == nullptr) return given;
  std::vector<std::string> config;
  for (const std::string& file : files)
    for (std::string& a : arguments_of(file, *commands.front())) config.push_back(std::move(a));
  rest.insert(rest.begin() + 1, config.begin(), config.end());
  return rest;
}

}  // namespace

std::unique_ptr<CLI::App> make_app() {
  auto app =
      std::make_unique<CLI::App>("Trains DCGANs on 28x28 digits and makes use of what they learnt.", "dcgan_mnist");
  app->formatter(std::make_shared<Formatter>());
  app->require_subcommand(1);
  app->set_version_flag("--version", std::string("dcgan_mnist ") + tinygan::version_text, "Print the version and exit");
  app->footer("dcgan_mnist SUBCOMMAND --help lists the options of one.\n"
              "Exit codes: 0 done, 1 runtime error, 2 usage, 3 diverged, 130 interrupted.");
  return app;
}

std::optional<int> parse(CLI::App& app, int argc, char** argv) {
  try {
    std::vector<std::string> arguments = with_config(app, argc, argv);
    std::reverse(arguments.begin(), arguments.end());  // CLI11 takes them from the back
    app.parse(arguments);
    return {};
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() == 0) return app.exit(e);    // --help, --version
    const bool extras = app.remaining_size(true) > 0;  // a missing required option may be a misspelt one
    const auto chosen = app.get_subcommands();
    const std::string command = chosen.empty() ? "" : chosen.front()->get_name() + " ";
    std::fprintf(stderr, "dcgan_mnist: %s\nRun dcgan_mnist %s--help for the options.\n",
                 extras ? unexpected(app).c_str() : e.what(), command.c_str());
    return 2;
  }
}

void add_threads_option(CLI::App& command, int& threads) {
  add_value(command, "--threads", threads, thread_count, threads_help).type_name("N");
}

void add_config_option(CLI::App& command) {
  // with_config() has replaced the option by the options in the file.
  command
      .add_option_function<std::string>(
          "--config", [](const std::string&) {},
          "A file with lines such as batch-size = 64, or a run's options.json; options on "
          "the command line win")
      ->type_name("FILE");
}

}  // namespace dcgan_mnist
