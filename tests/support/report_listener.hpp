// Appends the report's line of each test case to the file that TINYGAN_TEST_REPORT names.
#pragma once

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "support/catch.hpp"
#include "support/report.hpp"

namespace support {

#if __has_include(<catch2/catch_all.hpp>)
using ListenerBase = Catch::EventListenerBase;
using AssertionEnded = void;
#else
using ListenerBase = Catch::TestEventListenerBase;
using AssertionEnded = bool;
#endif

class ReportListener : public ListenerBase {
 public:
  using ListenerBase::ListenerBase;

  void testCaseStarting(const Catch::TestCaseInfo& info) override {
    result_ = {};
    result_.test = std::string(info.name);
    worst_error() = {};
    started_ = std::chrono::steady_clock::now();
  }

  AssertionEnded assertionEnded(const Catch::AssertionStats& stats) override {
    const Catch::AssertionResult& r = stats.assertionResult;
    if (!r.isOk() && result_.first_failure.empty()) result_.first_failure = described(stats);
    return AssertionEnded(true);
  }

  void testCaseEnded(const Catch::TestCaseStats& stats) override {
    const char* const path = std::getenv("TINYGAN_TEST_REPORT");
    if (!path || !*path) return;
    const auto& counts = stats.totals.assertions;
    result_.assertions = counts.total();
    result_.failed = counts.failed;
    result_.ok = stats.totals.testCases.failed == 0;
    result_.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started_).count();
    result_.worst = worst_error();
    const std::string line = json_line(result_);
    std::FILE* const file = std::fopen(path, "a");
    const bool written = file && std::fwrite(line.data(), 1, line.size(), file) == line.size();
    if (!file || std::fclose(file) != 0 || !written) {
      std::fprintf(stderr, "TINYGAN_TEST_REPORT: cannot append to '%s'\n", path);
      std::exit(2);
    }
  }

 private:
  /// file:line: expression with its values; messages in scope.
  static std::string described(const Catch::AssertionStats& stats) {
    const Catch::AssertionResult& r = stats.assertionResult;
    const Catch::SourceLineInfo at = r.getSourceInfo();
    std::string text = std::string(at.file) + ':' + std::to_string(at.line) + ": ";
    const auto add = [&](const std::string& part) { text += (text.back() == ' ' ? "" : "; ") + part; };
    const std::string values(r.getExpandedExpression());
    if (r.hasExpression() && values.rfind('{', 0) != 0)  // "{Unknown expression ...}" where an exception ended the case
      add(std::string(r.getExpressionInMacro()) + " (" + values + ")");
    const std::string thrown(r.getMessage());
    if (!thrown.empty()) add(thrown);
    for (const Catch::MessageInfo& m : stats.infoMessages)
      if (m.message != thrown) add(m.message);
    return text.substr(0, 2000);
  }

  TestResult result_;
  std::chrono::steady_clock::time_point started_;
};

}  // namespace support
