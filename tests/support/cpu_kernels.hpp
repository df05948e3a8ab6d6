// Helpers for the tests of the CPU kernels: data, every instruction set, every thread count, comparison within a bound.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include <tinygan/cpu/isa.hpp>
#include <tinygan/cpu/thread_pool.hpp>

#include "support/catch.hpp"
#include "support/worst_error.hpp"

namespace tinygan::cpu_test {

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

/// An output before it is written.
template <class T>
std::vector<T> poisoned(index_t n) {
  return std::vector<T>(as_size(n), std::numeric_limits<T>::quiet_NaN());
}

/// Aligned scratch, every bit of it set (NaN in any type).
class Workspace {
 public:
  explicit Workspace(std::size_t bytes) : storage_(bytes + 64, static_cast<unsigned char>(0xff)) {}
  void* data() {
    void* p = storage_.data();
    std::size_t room = storage_.size();
    return std::align(64, storage_.size() - 64, p, room);
  }

 private:
  std::vector<unsigned char> storage_;
};

/// Puts instruction set and thread count back.
class Restore {
 public:
  Restore() : isa_(cpu::isa()), threads_(cpu::threads()) {}
  ~Restore() {
    cpu::set_isa(isa_);
    cpu::set_threads(threads_);
  }
  Restore(const Restore&) = delete;
  Restore& operator=(const Restore&) = delete;

 private:
  cpu::Isa isa_;
  int threads_;
};

/// f() under every instruction set that this processor has.
template <class F>
void for_each_isa(const F& f) {
  const Restore restore;
  for (const cpu::Isa isa : {cpu::Isa::portable, cpu::Isa::avx2, cpu::Isa::avx512}) {
    if (isa > cpu::detect_isa()) continue;
    cpu::set_isa(isa);
    INFO(cpu::isa_name(isa));
    f();
  }
}

template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}

/// Empty if |got - want| <= bound everywhere, else the first element that fails. Equal infinities and two NaNs agree.
template <class T>
std::string first_wrong(const std::vector<T>& got, const std::vector<double>& want, const std::vector<double>& bound) {
  for (std::size_t i = 0; i < want.size(); ++i) {
    const auto g = static_cast<double>(got[i]);
    const bool same = g == want[i] || (std::isnan(g) && std::isnan(want[i]));
    const double error = same ? 0 : std::fabs(g - want[i]);
    support::record_error(error, bound[i], i);
    if (same || error <= bound[i]) continue;
    return text("element ", i, " of ", want.size(), " is ", g, ", expected ", want[i], " within ", bound[i]);
  }
  return "";
}
template <class T>
std::string first_wrong(const std::vector<T>& got, const std::vector<T>& want) {
  return first_wrong(got, std::vector<double>(want.begin(), want.end()), std::vector<double>(want.size(), 0.0));
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
        if (threads > 1) CHECK(same_bits(got[k], first[k]));
      }
      if (threads == 1) first = got;
    }
  });
}

}  // namespace tinygan::cpu_test
