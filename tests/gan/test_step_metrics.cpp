#include <algorithm>
#include <set>
#include <string>

#include <tinygan/gan/step_metrics.hpp>

#include "support/catch.hpp"
#include "support/temporary.hpp"

using namespace tinygan;
using gan::step_metrics;

TEST_CASE("no two metrics share a key, a label or a tag, and every tag has a group") {
  std::set<std::string> keys, labels, tags;
  for (const auto& m : step_metrics<float>) {
    CHECK(keys.insert(m.key).second);
    CHECK(labels.insert(m.label).second);
    CHECK(tags.insert(m.tag).second);
    const std::string tag = m.tag;
    CHECK((std::ranges::count(tag, '/') == 1 && !tag.starts_with('/') && !tag.ends_with('/')));
    CHECK(m.healthy.low <= m.healthy.high);
    CHECK_FALSE(std::string(m.legend).empty());
    CHECK_FALSE(std::string(m.meaning).empty());
  }
}

TEST_CASE("values of metrics and metrics of values are each other's inverse, in the order of the list") {
  std::vector<int> values;
  for (std::size_t i = 0; i < step_metrics<int>.size(); ++i) values.push_back(static_cast<int>(10 + i));
  const gan::StepMetrics<int> metrics = gan::metrics_of(values);
  CHECK(gan::values_of(metrics) == values);
  for (std::size_t i = 0; i < values.size(); ++i) CHECK(metrics.*step_metrics<int>[i].value == values[i]);
  values.pop_back();
  CHECK(support::contains(support::error_of([&] { gan::metrics_of(values); }), "metrics_of: 6 values, expected 7"));
}
