// The common part of the tests of CPU kernels: operands, every instruction set and thread count, error bounds.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <tinygan/cpu/isa.hpp>
#include <tinygan/cpu/thread_pool.hpp>

#include "support/catch.hpp"
#include "support/kernel_check.hpp"

namespace tinygan::cpu_test {

using test::first_difference, test::for_each_isa, test::poisoned, test::GuardedWorkspace;

/// The distance from 1 to the next number: bounds are multiples of it.
template <class T>
inline constexpr double eps = static_cast<double>(std::numeric_limits<T>::epsilon());

inline std::size_t as_size(index_t n) { return static_cast<std::size_t>(n); }

/// n numbers spread evenly over [low, high), the same for the same seed (splitmix64).
template <class T>
std::vector<T> numbers(index_t n, std::uint64_t seed, double low = -2, double high = 2) {
  std::vector<T> x(as_size(n));
  std::uint64_t state = seed;
  for (T& value : x) {
    std::uint64_t z = (state += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    value = static_cast<T>(low + (high - low) * static_cast<double>((z ^ (z >> 31)) >> 11) * 0x1p-53);
  }
  return x;
}

/// Empty if |found - expected| <= bound everywhere, else the first element that fails.
template <class T>
std::string first_wrong(const std::vector<T>& found, const std::vector<double>& expected,
                        const std::vector<double>& bound) {
  if (found.size() != expected.size()) return text(found.size(), " elements, expected ", expected.size());
  return test::first_outside(
      found, [&](index_t i) { return expected[as_size(i)]; }, [&](index_t i) { return bound[as_size(i)]; });
}
template <class T>
std::string first_wrong(const std::vector<T>& found, const std::vector<T>& expected) {
  return first_wrong(found, std::vector<double>(expected.begin(), expected.end()),
                     std::vector<double>(expected.size(), 0.0));
}

/// A result and how far off it may be.
struct Expected {
  std::vector<double> value, bound;

  explicit Expected(index_t n) : value(as_size(n)), bound(as_size(n)) {}
  void set(index_t i, double v, double b) {
    value[as_size(i)] = v;
    bound[as_size(i)] = b;
  }
};

/// run() returns the outputs of a kernel, freshly poisoned before it: they must keep their bounds under every
/// instruction set, and have the same bits at 1, 2 and 3 threads.
template <class T, class Run>
void check_everywhere(const std::vector<Expected>& expected, const Run& run) {
  for_each_isa([&] {
    std::vector<std::vector<T>> first;
    for (int threads = 1; threads <= 3; ++threads) {
      INFO(threads << " threads");
      cpu::set_threads(threads);
      const std::vector<std::vector<T>> got = run();
      REQUIRE(got.size() == expected.size());
      for (std::size_t k = 0; k < got.size(); ++k) {
        INFO("output " << k);
        if (threads == 1) CHECK(first_wrong(got[k], expected[k].value, expected[k].bound) == "");
        if (threads > 1) CHECK(first_difference(got[k], first[k]) == "");
      }
      if (threads == 1) first = got;
    }
  });
}

}  // namespace tinygan::cpu_test
