// The report of a run, from runs of this program itself with hidden test cases.
#include <sstream>

#include "support/child.hpp"
#include "support/kernel_check.hpp"
#include "support/report.hpp"
#include "support/temporary.hpp"

namespace {

using support::contains;
using support::has_failures;
using support::run_self;

TEST_CASE("report example: a passing case with bounds", "[.][report_example]") {
  const support::ErrorContext context("outer");
  tinygan::test::Reference expected(3);
  expected.terms = 6;
  expected.magnitude = {1, 1, 2};
  expected.value = {1, 1, 2};
  constexpr float eps = std::numeric_limits<float>::epsilon();
  tinygan::test::check_close(std::vector<float>{1, 1 + 4 * eps, 2}, expected);
}

TEST_CASE("report example: a \"failing\" case", "[.][report_example]") {
  const int found = 3;
  CAPTURE(found);
  CHECK(found == 4);
  CHECK(found == 5);
  CHECK(found == 3);
}

TEST_CASE("report example: a case that throws", "[.][report_example]") {
  CHECK(true);
  tinygan::fail("example", "out\nof luck");
}

std::string contents(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST_CASE("A report has a line for every test case") {
  const support::TemporaryFolder folder;
  const support::EnvironmentVariable variable("TINYGAN_TEST_REPORT");
  const auto path = folder.path() / "report.jsonl";
  variable.set(path.c_str());
  CHECK(has_failures(run_self("[report_example]")));
  const std::string report = contents(path);
  CAPTURE(report);
  std::istringstream lines(report);
  std::vector<std::string> all;
  for (std::string line; std::getline(lines, line);) all.push_back(line);
  REQUIRE(all.size() == 3);
  const auto line_of = [&](const char* name) -> std::string {
    for (const std::string& line : all)
      if (contains(line, name)) return line;
    return "";
  };
  const std::string passing = line_of("a passing case"), failing = line_of("\\\"failing\\\""),
                    throwing = line_of("that throws");
  CHECK(contains(
      passing, R"({"test": "report example: a passing case with bounds", "ok": true, "assertions": 2, "failed": 0, )"));
  CHECK(contains(passing, R"("worst": 0.5, "worst_at": "outer, element 1", "first_failure": ""})"));
  CHECK(contains(failing, R"("ok": false, "assertions": 3, "failed": 2, "seconds": )"));
  CHECK(contains(failing, R"("worst": null, "worst_at": "", "first_failure": ")"));
  CHECK(contains(failing, "test_report.cpp:"));
  CHECK(contains(failing, ": CHECK( found == 4 ) (3 == 4); found := 3\""));
  CHECK_FALSE(contains(failing, "== 5"));
  CHECK(contains(throwing, R"("ok": false, "assertions": 2, "failed": 1, )"));
  CHECK(contains(throwing, ": example: out\\nof luck\""));

  SECTION("appended to what is there, and to nothing where the variable is unset") {
    CHECK(run_self("report example: a passing case with bounds") == 0);
    CHECK(contents(path).size() > report.size());
    CHECK(contents(path).compare(0, report.size(), report) == 0);
    variable.unset();
    const std::string before = contents(path);
    CHECK(has_failures(run_self("[report_example]")));
    CHECK(contents(path) == before);
  }
  SECTION("or the run fails") {
    variable.set((folder.path() / "no" / "such" / "folder").c_str());
    CHECK(run_self("report example: a passing case with bounds") == 2);
  }
}

TEST_CASE("The worst error is the largest ratio, in its context") {
  const support::WorstError before = std::exchange(support::worst_error(), {});
  const auto now = [] { return support::worst_error(); };
  CHECK_FALSE(now().any);
  support::record_error(0, 0, 0);
  CHECK(now().any);
  CHECK(now().ratio == 0);
  {
    const support::ErrorContext outer("a"), inner("b");
    support::record_error(1, 4, 5);
  }
  support::record_error(1, 5, 6);
  CHECK(now().ratio == 0.25);
  CHECK(now().where == "a, b, element 5");
  support::record_error(3, 2, [] { return "named"; });
  CHECK(now().where == "named");
  for (const double error : {1.0, std::numeric_limits<double>::quiet_NaN()}) {
    support::worst_error() = {};
    support::record_error(error, error == 1 ? 0 : 1, 7);
    CHECK(now().ratio == std::numeric_limits<double>::infinity());
    support::record_error(5, 1, 8);
    CHECK(now().where == "element 7");
  }
  support::worst_error() = before;
}

TEST_CASE("A line of the report is JSON") {
  support::TestResult r;
  r.test = "a \\ and \"b\"\t\x7f";
  r.worst = {true, std::numeric_limits<double>::infinity(), "x", {}};
  CHECK(support::json_line(r) == R"({"test": "a \\ and \"b\"\u0009\u007f", "ok": true, "assertions": 0, "failed": 0, )"
                                 R"("seconds": 0, "worst": 1e+99, "worst_at": "x", "first_failure": ""})"
                                 "\n");
  CHECK(support::json_number(0.41) == "0.41");
  CHECK(support::json_number(std::numeric_limits<double>::quiet_NaN()) == "1e+99");
}

}  // namespace
