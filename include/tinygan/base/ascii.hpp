// Letters of ASCII, whatever the locale.
#pragma once

#include <string>

namespace tinygan::detail {

/// The text with A to Z as a to z.
inline std::string lower_case(std::string s) {
  for (char& c : s)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return s;
}

}  // namespace tinygan::detail
