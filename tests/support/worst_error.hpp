// The largest error over its bound that the running test case has met: what its checks record and its report says.
#pragma once

#include <cmath>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace support {

struct WorstError {
  bool any = false;  ///< whether an error was recorded
  double ratio = 0;  ///< infinity for NaN, and for an error where none is allowed
  std::string where;
  std::vector<std::string> context;  ///< names of the enclosing ErrorContexts
};

/// Of the running test case; the listener in report.hpp resets it.
inline WorstError& worst_error() {
  static WorstError worst;
  return worst;
}

/// Names what is checked up to the end of the enclosing scope.
class ErrorContext {
 public:
  explicit ErrorContext(std::string name) { worst_error().context.push_back(std::move(name)); }
  ~ErrorContext() { worst_error().context.pop_back(); }
  ErrorContext(const ErrorContext&) = delete;
  ErrorContext& operator=(const ErrorContext&) = delete;
};

/// Records an error and what it may be at most, of an element's index or of what where() says; it is called for a new
/// worst error only.
template <class Where>
void record_error(double error, double bound, const Where& where) {
  WorstError& worst = worst_error();
  if (worst.any && error <= worst.ratio * bound) return;
  const bool infinite = std::isnan(error) || (error > 0 && !(bound > 0));
  const double ratio = infinite ? std::numeric_limits<double>::infinity() : error == 0 ? 0 : error / bound;
  if (worst.any && !(ratio > worst.ratio)) return;
  worst.any = true;
  worst.ratio = ratio;
  worst.where.clear();
  for (const std::string& name : worst.context) worst.where += name + ", ";
  if constexpr (std::is_invocable_v<Where>) worst.where += where();
  else worst.where += "element " + std::to_string(where);
}

}  // namespace support
