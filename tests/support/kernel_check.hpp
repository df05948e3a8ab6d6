// What the tests of CPU kernels share: seeded operands, poisoned outputs, every instruction set, any number of threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include <tinygan/backend/workspace.hpp>
#include <tinygan/cpu/isa.hpp>
#include <tinygan/cpu/thread_pool.hpp>

#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/compare.hpp"
#include "support/reference.hpp"

namespace tinygan::test {

/// Values in [-1, 1), the same for the same seed.
template <class T>
std::vector<T> random_values(index_t size, unsigned seed) {
  std::mt19937 bits(seed);
  std::vector<T> v(static_cast<std::size_t>(size));
  for (T& x : v) x = static_cast<T>(static_cast<wide_t<T>>(static_cast<double>(bits()) / 2147483648.0 - 1.0));
  return v;
}

/// Memory full of NaN: what a kernel fails to write, or reads before writing, shows.
template <class T>
std::vector<T> poisoned(index_t size) {
  return std::vector<T>(static_cast<std::size_t>(size), std::numeric_limits<T>::quiet_NaN());
}

/// A workspace of just the alignment that is promised, poisoned, followed by a guard that finds overruns.
class GuardedWorkspace final : public Workspace {
 public:
  std::size_t bytes() const { return bytes_; }
  /// Whether the guard is untouched and the kernel has not asked twice.
  bool intact() const {
    for (const unsigned char* p = begin_ + bytes_; p != memory_.data() + memory_.size(); ++p)
      if (*p != 0xff) return false;
    return requests_ <= 1;
  }

 private:
  void* allocate_bytes(std::size_t bytes) override {
    ++requests_;
    bytes_ = bytes;
    memory_.assign(bytes + 192, 0xff);
    const auto at = reinterpret_cast<std::uintptr_t>(memory_.data());
    begin_ = memory_.data() + (64 - at % 128 + 128) % 128;  // 64 bytes after a multiple of 128
    return begin_;
  }

  int requests_ = 0;
  std::size_t bytes_ = 0;
  std::vector<unsigned char> memory_;
  unsigned char* begin_ = memory_.data();
};

/// The workspace of a kernel that needs none: asking for some is an Error.
inline Workspace& no_workspace() {
  static struct final : Workspace {
    void* allocate_bytes(std::size_t bytes) override { fail("no_workspace", bytes, " bytes, expected none"); }
  } none;
  return none;
}

/// Runs f() once for each instruction set of this processor, then restores instruction set and number of threads.
/// ThreadSanitizer sees the same threads at the same places whichever it is, and gets the best one alone.
template <class F>
void for_each_isa(F&& f) {
  struct Restore {
    cpu::Isa isa = cpu::isa();
    int threads = cpu::threads();
    ~Restore() {
      cpu::set_isa(isa);
      cpu::set_threads(threads);
    }
  } restore;
  for (cpu::Isa isa : {cpu::Isa::portable, cpu::Isa::avx2, cpu::Isa::avx512, cpu::Isa::neon}) {
    if (!cpu::has_isa(isa) || (support::thread_sanitizer && isa != restore.isa)) continue;
    cpu::set_isa(isa);
    INFO("instruction set " << cpu::isa_name(isa));
    f();
  }
}

/// Runs f() with a number of threads, then restores the number before.
template <class F>
auto with_threads(int count, F&& f) {
  struct Restore {
    int count = cpu::threads();
    ~Restore() { cpu::set_threads(count); }
  } restore;
  cpu::set_threads(count);
  return f();
}

/// Every element within the error bound of a sum of `terms` products: (terms + 2) eps |a||b|, and `extra` eps.
template <class T>
void check_close(const std::vector<T>& found, const Reference& expected, double slope = 1, double extra = 0) {
  REQUIRE(found.size() == expected.value.size());
  const double eps = std::numeric_limits<T>::epsilon();
  const auto at = [](index_t i) { return static_cast<std::size_t>(i); };
  check_elements(
      found, [&](index_t i) { return expected.value[at(i)]; },
      [&](index_t i) { return ((expected.terms + 2) * expected.magnitude[at(i)] * slope + extra) * eps; });
}

}  // namespace tinygan::test
