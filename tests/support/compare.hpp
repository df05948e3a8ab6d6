// Comparisons of results: a text that names the first wrong element, empty if there is none.
#pragma once

#include <cmath>
#include <cstring>
#include <iomanip>
#include <limits>
#include <ostream>
#include <sstream>
#include <string>
#include <vector>

#include <tinygan/base/error.hpp>
#include <tinygan/base/shape.hpp>

#include "support/catch.hpp"
#include "support/worst_error.hpp"

namespace tinygan::test {

/// A number in all its digits, and its bits.
template <class T>
std::string exact_text(const T& value) {
  unsigned char bytes[sizeof(T)];
  std::memcpy(bytes, &value, sizeof(T));
  std::ostringstream out;
  out << std::setprecision(std::numeric_limits<double>::max_digits10) << static_cast<double>(value) << " (0x"
      << std::hex;
  for (std::size_t i = sizeof(T); i-- > 0;) out << std::setw(2) << std::setfill('0') << unsigned{bytes[i]};
  out << ')';
  return out.str();
}

/// The first element whose bits differ: CHECK(first_difference(found, expected) == "").
template <class T>
std::string first_difference(const std::vector<T>& found, const std::vector<T>& expected) {
  if (found.size() != expected.size()) return text(found.size(), " elements, expected ", expected.size());
  for (std::size_t i = 0; i < found.size(); ++i)
    if (std::memcmp(&found[i], &expected[i], sizeof(T)) != 0)
      return text("element ", i, " of ", found.size(), " is ", exact_text(found[i]), ", expected ",
                  exact_text(expected[i]));
  return "";
}

/// Whether bits are equal, as a result that a failed check prints: the first difference.
struct SameBits {
  std::string difference;
  explicit operator bool() const { return difference.empty(); }
};
inline std::ostream& operator<<(std::ostream& out, const SameBits& same) {
  return out << (same ? "the same bits" : same.difference);
}

/// The first element with |found - expected(i)| > bound(i). Equal infinities and two NaNs agree.
template <class T, class Expected, class Bound>
std::string first_outside(const std::vector<T>& found, const Expected& expected, const Bound& bound) {
  for (std::size_t i = 0; i < found.size(); ++i) {
    const auto at = static_cast<index_t>(i);
    const double want = expected(at), have = static_cast<double>(found[i]);
    const bool same = want == have || (std::isnan(want) && std::isnan(have));
    const double error = same ? 0 : std::fabs(have - want), allowed = same ? 0 : bound(at);
    support::record_error(error, allowed, i);
    if (error <= allowed) continue;
    return text("element ", i, " of ", found.size(), " is ", have, ", expected ", want, " within ", allowed);
  }
  return "";
}

/// Every element within bound(i) of expected(i).
template <class T, class Expected, class Bound>
void check_elements(const std::vector<T>& found, const Expected& expected, const Bound& bound) {
  CHECK(first_outside(found, expected, bound) == "");
}

}  // namespace tinygan::test
