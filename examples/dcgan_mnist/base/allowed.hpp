// The values that an option allows, and their validation: on the command line, in configuration files and in a run's
// options.json.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <tinygan/io/json.hpp>

#include "base/numbers.hpp"

namespace dcgan_mnist {

/// Numbers from low to high, both included.
template <class T>
struct Range {
  T low, high;
};
/// One of several words.
struct OneOf {
  std::vector<std::string> words;
};
/// Some of several words, separated by commas, or "none".
struct SomeOf {
  std::vector<std::string> words;
};
struct DeviceName {};
/// The number of a class, or -1.
struct Label {};
struct Flag {};
struct NonEmpty {};
struct Anything {};

inline constexpr Range<std::uint64_t> any_seed{0, std::numeric_limits<std::uint64_t>::max()};
inline constexpr Range<int> thread_count{0, 1024};
inline constexpr const char* threads_help = "CPU threads; 0 uses every processor";

/// Words of a configuration file for a flag.
inline const std::vector<std::string> true_words{"true", "on", "yes", "1"}, false_words{"false", "off", "no", "0"};

// validation_error(): the error text of an invalid value, empty for a valid one.

template <class T>
std::string validation_error(const std::string& text, const Range<T>& allowed) {
  const auto value = read_number<T>(text);
  if (value && *value >= allowed.low && *value <= allowed.high) return {};
  const auto bound = [](T v) {
    if constexpr (std::is_integral_v<T>) return std::to_string(v);
    else return general(v, 12);
  };
  const std::string kind = std::is_integral_v<T> ? "whole number" : "number";
  return tinygan::io::detail::shown(text) + " is not a " + kind + " from " + bound(allowed.low) + " to " +
         bound(allowed.high);
}

inline std::string validation_error(const std::string& text, const OneOf& allowed) {
  if (std::find(allowed.words.begin(), allowed.words.end(), text) != allowed.words.end()) return {};
  std::string list;
  for (const std::string& word : allowed.words) list += (list.empty() ? "" : ", ") + word;
  return tinygan::io::detail::shown(text) + " is unknown; there are " + list;
}

inline std::string validation_error(const std::string& text, const SomeOf& allowed) {
  if (text == "none") return {};
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    const std::string wrong = validation_error(text.substr(begin, end - begin), OneOf{allowed.words});
    if (!wrong.empty()) return wrong + ", separated by commas, or none";
    begin = end + 1;
  }
  return {};
}

inline std::string validation_error(const std::string& text, DeviceName) {
  constexpr std::string_view numbered = "cuda:";
  const bool known = text == "auto" || text == "cpu" || text == "cuda" || text == "emulated" ||
                     (text.starts_with(numbered) &&
                      read_number<int>(std::string_view(text).substr(numbered.size())).value_or(-1) >= 0);
  if (known) return {};
  return tinygan::io::detail::shown(text) + " is unknown; there are auto, cpu, cuda, cuda:N and emulated";
}

inline std::string validation_error(const std::string& text, Label) {
  if (text == "-1") return {};
  return validation_error(text, Range<std::int64_t>{0, 255});
}

inline std::string validation_error(const std::string& text, Flag) {
  for (const auto* words : {&true_words, &false_words})
    if (std::find(words->begin(), words->end(), text) != words->end()) return {};
  return tinygan::io::detail::shown(text) + " is neither true nor false";
}

inline std::string validation_error(const std::string& text, NonEmpty) {
  return text.empty() ? "the value is empty" : "";
}

inline std::string validation_error(const std::string&, Anything) { return {}; }

}  // namespace dcgan_mnist
