// The one exception type of the library, and the checks that throw it.
#pragma once

#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>

namespace tinygan {

/// Thrown for every mistake a user can make: the text names the op or the file, what was found and
/// what was expected.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Everything streamed into one string.
template <class... Parts>
std::string text(const Parts&... parts) {
  std::ostringstream out;
  (out << ... << parts);
  return out.str();
}

/// Throws Error("<where>: <what...>").
template <class... What>
[[noreturn]] void fail(std::string_view where, const What&... what) {
  throw Error(text(where, ": ", what...));
}

/// Throws Error("<where>: <what...>") unless `ok`.
template <class... What>
void check(bool ok, std::string_view where, const What&... what) {
  if (!ok) [[unlikely]] fail(where, what...);
}

}  // namespace tinygan
