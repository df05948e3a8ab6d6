// The one exception type of the library, and the checks that throw it.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <locale>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>

#include <tinygan/base/outline.hpp>

namespace tinygan {

/// Thrown for every mistake a user can make: the text names the op or the file, what was found and
/// what was expected.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

namespace detail {

/// A value and its print function. A message is a list of parts, so that the compiler instantiates one function per
/// type of value and not one per message.
struct Part {
  const void* value;
  void (*print)(std::ostream&, const void*);
};

template <class T>
Part part(const T& value) {
  return {&value, [](std::ostream& out, const void* v) { out << *static_cast<const T*>(v); }};
}
template <std::size_t N>
Part part(const char (&literal)[N]) {
  return {literal, [](std::ostream& out, const void* v) { out << static_cast<const char*>(v); }};
}

std::string join(std::initializer_list<Part> parts);

[[noreturn, gnu::cold]] void throw_error(std::string_view where, std::initializer_list<Part> what);

}  // namespace detail

/// Everything streamed into one string.
template <class... Parts>
std::string text(const Parts&... parts) {
  return detail::join({detail::part(parts)...});
}

/// Throws Error("<where>: <what...>").
template <class... What>
[[noreturn]] void fail(std::string_view where, const What&... what) {
  detail::throw_error(where, {detail::part(what)...});
}

/// Throws Error("<where>: <what...>") unless `ok`.
template <class... What>
void check(bool ok, std::string_view where, const What&... what) {
  if (!ok) [[unlikely]]
    detail::throw_error(where, {detail::part(what)...});
}
/// The same; the length of `where` is counted on failure only.
template <class... What>
void check(bool ok, const char* where, const What&... what) {
  if (!ok) [[unlikely]]
    detail::throw_error(where, {detail::part(what)...});
}

}  // namespace tinygan

#ifdef TINYGAN_FUNC

namespace tinygan::detail {

[[gnu::noinline]] TINYGAN_FUNC std::string join(std::initializer_list<Part> parts) {
  std::ostringstream out;
  out.imbue(std::locale::classic());  // text() also writes files: the program's locale must not change them
  for (const Part& p : parts) p.print(out, p.value);
  return out.str();
}

[[gnu::noinline]] TINYGAN_FUNC void throw_error(std::string_view where, std::initializer_list<Part> what) {
  throw Error(std::string(where) + ": " + join(what));
}

}  // namespace tinygan::detail

#endif
