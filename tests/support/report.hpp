// A line of JSON for every test case: verdict, counts, seconds, the largest error over its bound, the first failure.
#pragma once

#include <array>
#include <cstdint>
#include <cstdio>
#include <string>

#include "support/worst_error.hpp"

namespace support {

struct TestResult {
  std::string test;
  bool ok = true;
  std::uint64_t assertions = 0, failed = 0;
  double seconds = 0;
  WorstError worst;
  std::string first_failure;
};

/// "text" as JSON writes it; bytes that are not printable ASCII come as \u00XX.
inline std::string json_text(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    std::array<char, 8> escape{};
    if (c == '"' || c == '\\') {
      out += {'\\', c};
    } else if (c == '\n') {
      out += "\\n";
    } else if (byte < 0x20 || byte > 0x7e) {
      std::snprintf(escape.data(), escape.size(), "\\u%04x", byte);
      out += escape.data();
    } else {
      out += c;
    }
  }
  return out + '"';
}

/// JSON knows no infinity: 1e+99 stands for it.
inline std::string json_number(double x) {
  std::array<char, 32> digits{};
  std::snprintf(digits.data(), digits.size(), "%.4g", x <= 1e99 ? x : 1e99);
  return digits.data();
}

inline std::string json_line(const TestResult& r) {
  return "{\"test\": " + json_text(r.test) + ", \"ok\": " + (r.ok ? "true" : "false") +
         ", \"assertions\": " + std::to_string(r.assertions) + ", \"failed\": " + std::to_string(r.failed) +
         ", \"seconds\": " + json_number(r.seconds) +
         ", \"worst\": " + (r.worst.any ? json_number(r.worst.ratio) : "null") +
         ", \"worst_at\": " + json_text(r.worst.where) + ", \"first_failure\": " + json_text(r.first_failure) + "}\n";
}

}  // namespace support
