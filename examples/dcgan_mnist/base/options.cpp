#include "base/options.hpp"

#include <algorithm>
#include <initializer_list>
#include <string_view>
#include <type_traits>
#include <vector>

#include <tinygan/base/error.hpp>
#include <tinygan/gan/diff_augment.hpp>
#include <tinygan/gan/objective.hpp>
#include <tinygan/io/file.hpp>
#include <tinygan/models/networks.hpp>

#include "base/byte_text.hpp"

namespace dcgan_mnist {

namespace gan = tinygan::gan;
namespace models = tinygan::models;
using nlohmann::ordered_json;

namespace {

/// An option's value as it is typed.
template <class T>
std::string typed(const T& value) {
  if constexpr (std::is_same_v<T, std::string>) return value.empty() ? "''" : value;
  else return ordered_json(value).dump();
}

/// An option's value in a JSON file, which is UTF-8 where a path need not be.
template <class T>
ordered_json stored(const T& value) {
  if constexpr (std::is_same_v<T, std::string>) return encode_path(value);
  else return value;
}

/// The inverse of stored().
template <class T>
T restored(const ordered_json& json) {
  if constexpr (std::is_same_v<T, std::string>) return decode_path(json.get<std::string>());
  else return json.get<T>();
}

/// Whether a JSON value is of the kind that an option of type T has.
template <class T>
bool fits(const ordered_json& value) {
  if constexpr (std::is_same_v<T, std::string>) return value.is_string();
  else if constexpr (std::is_same_v<T, bool>) return value.is_boolean();
  else return value.is_number();
}

/// $'...' of bash and zsh: printable text for any bytes.
std::string ansi_quoted(const std::string& text) {
  std::string quoted;
  for (const char c : text) {
    if (c == '\'' || c == '\\') quoted += '\\';
    if (static_cast<unsigned char>(c) < 0x20) quoted += escape_byte(c);
    else quoted += c;
  }
  return "$'" + escape_bytes(quoted) + "'";
}

/// The options of these roles under their names.
ordered_json to_json(const TrainOptions& options, std::initializer_list<Role> roles) {
  ordered_json json;
  each_option([&](const auto& option) {
    if (std::ranges::find(roles, option.role) != roles.end()) json[option.name] = stored(options.*option.field);
  });
  return json;
}

template <class Names>
OneOf one_of(const Names& names) {
  return {{names.begin(), names.end()}};
}

bool same_length(const TrainOptions& a, const TrainOptions& b) {
  return a.steps > 0 || b.steps > 0 ? a.steps == b.steps : a.epochs == b.epochs;
}

double default_r1(const TrainOptions& o) {
  const gan::Loss loss = gan::loss_from_name(o.loss);
  const bool limits_gradient = loss == gan::Loss::wgan || loss == gan::Loss::wgan_gp;
  return limits_gradient || models::discriminator_has_batch_norm(models::network_from_name(o.model)) ? 0 : 1;
}

int default_penalty_every(const TrainOptions& o) { return gan::loss_from_name(o.loss) == gan::Loss::wgan_gp ? 1 : 4; }

std::string length_of(const TrainOptions& o) {
  return o.steps > 0 ? tinygan::text("--steps ", o.steps) : tinygan::text("--epochs ", o.epochs);
}

}  // namespace

OneOf model_names() { return one_of(tinygan::models::network_names); }
OneOf loss_names() { return one_of(tinygan::gan::loss_names); }
SomeOf diff_augment_names() { return {one_of(tinygan::gan::diff_augment_names).words}; }

void resolve_penalties(TrainOptions& o) {
  if (o.r1 < 0) o.r1 = default_r1(o);
  if (o.penalty_every == 0) o.penalty_every = default_penalty_every(o);
}

ordered_json to_json(const TrainOptions& options) {
  return to_json(options, {Role::result, Role::length, Role::side, Role::session});
}

ordered_json deciding_options(const TrainOptions& options) { return to_json(options, {Role::result}); }

TrainOptions read_options(const std::filesystem::path& file) {
  const std::vector<std::uint8_t> bytes = tinygan::io::read_file(file);
  const ordered_json json = ordered_json::parse(bytes.begin(), bytes.end(), nullptr, false);
  tinygan::check(json.is_object(), file.string(), "is not a JSON object, expected the options of a run");
  TrainOptions options;
  options.r1 = options.learning_rate_decay = 0;  // options newer than the run: as runs were before there were any
  options.beta2 = 0.999;
  options.penalty_every = 1;
  each_option([&](const auto& option) {
    auto& value = options.*option.field;
    using T = std::remove_reference_t<decltype(value)>;
    const auto found = json.find(option.name);
    if (option.role == Role::unsaved || found == json.end()) return;
    const std::string json_text = found->dump(-1, ' ', false, ordered_json::error_handler_t::replace);
    tinygan::check(fits<T>(*found), file.string(), "option ", option.name, " is ", json_text,
                   ", a value of the wrong type");
    const std::string typed_text = found->is_string() ? found->template get<std::string>() : json_text;
    const std::string wrong = validation_error(typed_text, option.allowed);
    tinygan::check(wrong.empty(), file.string(), "option ", option.name, ": ", wrong);
    value = restored<T>(*found);
  });
  resolve_penalties(options);
  return options;
}

TrainOptions merge_options(const TrainOptions& saved, const TrainOptions& now) {
  TrainOptions merged = saved;
  each_option([&](const auto& option) {
    auto& value = merged.*option.field;
    const auto& wanted = now.*option.field;
    const bool named = now.given.contains(option.name) && value != wanted;
    if (named && option.role == Role::result)
      tinygan::fail("--resume", "the run has --", option.name, " ", typed(value), ", the command line says --",
                    option.name, " ", typed(wanted),
                    "; this would change its result (leave the option out, or start a new run)");
    if (named || option.role == Role::session || option.role == Role::unsaved) value = wanted;
  });
  if (now.given.contains("epochs") && !now.given.contains("steps")) merged.steps = 0;
  if (const char* const bound = option_bound_to_length(saved))
    tinygan::check(same_length(saved, merged), "--resume", "the run has --", bound,
                   ", which spreads over all of its steps; another length (", length_of(merged), " instead of ",
                   length_of(saved), ") would change its result (leave --steps and --epochs out, or start a new run)");
  return merged;
}

const char* option_bound_to_length(const TrainOptions& options) {
  if (options.learning_rate_decay > 0 && options.schedule != "constant") return "learning-rate-decay";
  return options.instance_noise > 0 && options.instance_noise_decay > 0 ? "instance-noise-decay" : nullptr;
}

bool same_result(const TrainOptions& a, const TrainOptions& b) {
  return a.data == b.data && deciding_options(a) == deciding_options(b) &&
         (!option_bound_to_length(a) || same_length(a, b));
}

std::string shell_quoted(const std::string& text) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("-_./:=,+@%").find(c) != std::string_view::npos;
  };
  if (!text.empty() && std::all_of(text.begin(), text.end(), plain)) return text;
  const bool controls =
      std::any_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; });
  if (controls || tinygan::io::detail::find_non_utf8(text) != std::string::npos) return ansi_quoted(text);
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

std::string command_of(const TrainOptions& options) {
  std::string command = "dcgan_mnist train";
  TrainOptions usual;
  usual.r1 = default_r1(options);
  usual.penalty_every = default_penalty_every(options);
  each_option([&](const auto& option) {
    const auto& value = options.*option.field;
    if (option.role == Role::session || option.role == Role::unsaved || value == usual.*option.field) return;
    command.append(" --").append(option.name);
    if constexpr (!std::is_same_v<std::decay_t<decltype(value)>, bool>)
      command.append(" ").append(shell_quoted(typed(value)));
  });
  return command;
}

}  // namespace dcgan_mnist
