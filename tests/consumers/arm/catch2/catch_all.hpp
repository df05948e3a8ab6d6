// What the support headers of the tests use of Catch2, whose library distributions have for the machine that compiles
// only.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <string>
#include <vector>

namespace arm {

inline int checks = 0, failures = 0;
inline std::vector<std::string> context;

struct Info {
  explicit Info(std::string text) { context.push_back(std::move(text)); }
  ~Info() { context.pop_back(); }
  Info(const Info&) = delete;
  Info& operator=(const Info&) = delete;
};

inline void record(bool passed, const char* expression, const std::string& found, const char* file, int line) {
  ++checks;
  if (passed) return;
  ++failures;
  std::printf("%s:%d: %s\n  found: %s\n", file, line, expression, found.c_str());
  for (const std::string& text : context) std::printf("  in %s\n", text.c_str());
}

template <class T>
std::string shown(const T& value) {
  std::ostringstream out;
  if constexpr (requires { out << value; }) out << value;
  return out.str();
}

/// Whether a comparison held, and its left side.
struct Result {
  bool passed;
  std::string found;
};

template <class T>
struct Left {
  const T& value;
  template <class U>
  Result operator==(const U& right) const {
    return {value == right, shown(value)};
  }
  template <class U>
  Result operator!=(const U& right) const {
    return {value != right, shown(value)};
  }
  template <class U>
  Result operator<(const U& right) const {
    return {value < right, shown(value)};
  }
  template <class U>
  Result operator<=(const U& right) const {
    return {value <= right, shown(value)};
  }
  template <class U>
  Result operator>(const U& right) const {
    return {value > right, shown(value)};
  }
  operator Result() const { return {static_cast<bool>(value), shown(value)}; }
};

struct Decompose {
  template <class T>
  Left<T> operator<<(const T& value) const {
    return {value};
  }
};

}  // namespace arm

#define CHECK(...)                                                                  \
  do {                                                                              \
    const ::arm::Result result_ = ::arm::Decompose{} << __VA_ARGS__;                \
    ::arm::record(result_.passed, #__VA_ARGS__, result_.found, __FILE__, __LINE__); \
  } while (false)
#define REQUIRE(...)                             \
  do {                                           \
    const int before_ = ::arm::failures;         \
    CHECK(__VA_ARGS__);                          \
    if (::arm::failures > before_) std::exit(1); \
  } while (false)
#define ARM_JOIN(a, b) a##b
#define ARM_NAME(a, b) ARM_JOIN(a, b)
#define INFO(...) const ::arm::Info ARM_NAME(info_, __LINE__)((std::ostringstream() << __VA_ARGS__).str())
