#include "command_line.hpp"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <vector>

#include "byte_text.hpp"
#include "device.hpp"

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

/// The candidate that comes closest to `given`, or nothing if none is close.
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

/// What to say of the words that no option or subcommand took.
std::string unexpected(const CLI::App& app) {
  const auto chosen = app.get_subcommands();
  const CLI::App& command = chosen.empty() ? app : *chosen.front();
  const std::vector<std::string> words = app.remaining(true);
  const auto dashed =
      std::find_if(words.begin(), words.end(), [](const std::string& w) { return w.rfind("-", 0) == 0; });
  const std::string word = dashed != words.end() ? *dashed : words.front();
  std::vector<std::string> names;
  if (word.rfind("-", 0) == 0) {
    for (const CLI::Option* o : command.get_options({}))
      for (const std::string& name : o->get_lnames()) names.push_back("--" + name);
  } else {
    for (const CLI::App* c : app.get_subcommands({})) names.push_back(c->get_name());
  }
  const std::string option = word.substr(0, word.find('='));
  const std::string suggestion = closest(option, names);
  const bool is_option = word.rfind("-", 0) == 0;
  return (is_option ? "unknown option " + option : "unexpected '" + word + "'") +
         (suggestion.empty() ? "" : "; did you mean " + suggestion + "?");
}

/// One option of a configuration file, as it would stand on the command line.
std::string argument(const std::string& name, const std::string& value) { return "--" + name + "=" + value; }

/// The options in a file: JSON if it begins with a brace, as a run's options.json does; otherwise lines `name = value`.
std::vector<std::string> read_config(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw CLI::ValidationError("--config", path + ": cannot read");
  std::vector<std::string> arguments;
  if ((file >> std::ws).peek() == '{') {
    const auto json = nlohmann::ordered_json::parse(file, nullptr, false);
    if (!json.is_object()) throw CLI::ValidationError("--config", path + ": is no valid JSON object");
    for (const auto& [name, value] : json.items()) {
      if (value == "") continue;  // as good as not named
      if (value.is_structured() || value.is_null())
        throw CLI::ValidationError("--config", path + ": " + name + " is no plain value");
      arguments.push_back(argument(name, value.is_string() ? decode_path(value.get<std::string>()) : value.dump()));
    }
    return arguments;
  }
  for (const CLI::ConfigItem& item : CLI::ConfigTOML().from_config(file)) {
    if (item.inputs.empty()) continue;  // a section's begin or end
    if (!item.parents.empty() || item.inputs.size() != 1)
      throw CLI::ValidationError("--config",
                                 path + ": " + item.fullname() + ": expected lines of the form name = value");
    arguments.push_back(argument(item.name, item.inputs.front()));
  }
  return arguments;
}

/// The command line with the content of --config's file in front of the options given by hand, which therefore win.
std::vector<std::string> with_config(int argc, char** argv) {
  std::vector<std::string> given(argv + 1, argv + argc), config, rest;
  for (std::size_t i = 0; i < given.size(); ++i) {
    std::string path;
    if (given[i].rfind("--config=", 0) == 0) path = given[i].substr(std::string("--config=").size());
    else if (given[i] == "--config" && i + 1 < given.size()) path = given[++i];
    if (path.empty()) {
      rest.push_back(given[i]);
      continue;
    }
    for (std::string& a : read_config(path)) config.push_back(std::move(a));
  }
  if (!rest.empty()) rest.insert(rest.begin() + 1, config.begin(), config.end());
  return rest;
}

/// What CLI11 asks of a validator: the complaint, empty if there is none.
std::string is_device_name(std::string& name) {
  if (device_from_name(name)) return {};
  return "'" + name + "' is unknown; there are auto, cpu, cuda, cuda:N and emulated";
}

}  // namespace

std::unique_ptr<CLI::App> make_app() {
  auto app =
      std::make_unique<CLI::App>("Trains DCGANs on 28x28 digits and makes use of what they learnt.", "dcgan_mnist");
  app->formatter(std::make_shared<Formatter>());
  app->require_subcommand(1);
  app->footer("dcgan_mnist SUBCOMMAND --help lists the options of one.\n"
              "Exit codes: 0 done, 1 runtime error, 2 usage, 3 diverged, 130 interrupted.");
  return app;
}

std::optional<int> parse(CLI::App& app, int argc, char** argv) {
  try {
    std::vector<std::string> arguments = with_config(argc, argv);
    std::reverse(arguments.begin(), arguments.end());  // CLI11 takes them from the back
    app.parse(arguments);
    return {};
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() == 0) return app.exit(e);  // --help
    const bool extras = app.remaining_size(true) > 0;  // a required option may only be misspelt
    const auto chosen = app.get_subcommands();
    const std::string command = chosen.empty() ? "" : chosen.front()->get_name() + " ";
    std::fprintf(stderr, "dcgan_mnist: %s\nRun dcgan_mnist %s--help for the options.\n",
                 extras ? unexpected(app).c_str() : e.what(), command.c_str());
    return 2;
  }
}

void add_threads_option(CLI::App& command, int& threads) {
  command.add_option("--threads", threads, "CPU threads; 0 uses every processor")
      ->check(between(0, 1024))
      ->type_name("N");
}

void add_config_option(CLI::App& command) {
  // with_config() has put its content into the command line before CLI11 sees it.
  command
      .add_option_function<std::string>(
          "--config", [](const std::string&) {},
          "A file with lines such as batch-size = 64, or a run's options.json; options on "
          "the command line win")
      ->type_name("FILE");
}

CLI::Validator one_of(const std::vector<std::string>& words) { return CLI::IsMember(words).description(""); }

CLI::Validator device_names() { return CLI::Validator(&is_device_name, ""); }

}  // namespace dcgan_mnist
