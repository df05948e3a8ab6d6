// What the tests of CUDA kernels share: the emulated device's table, both orders of execution, unaligned operands.
#pragma once

#include <vector>

#include <tinygan/tensor/kernels.hpp>

#include "../../kernels/emulate/order.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/kernel_check.hpp"
#include "support/temporary.hpp"

namespace tinygan::test {

/// The CUDA kernels, run on the CPU. The device's memory is the host's, so they take pointers into vectors.
template <class T = float>
const KernelTable<T>& emulated_kernels() {
  return kernels<T>(Device::emulated());
}

/// f(y) on a poisoned y of `size` elements, blocks and threads in order and then in reverse: must give the same bits,
/// or threads depend on each other without a barrier between them. ThreadSanitizer sees that in either order, so there
/// one is enough.
template <class T = float, class F>
std::vector<T> both_ways(index_t size, const F& f) {
  std::vector<T> forward(static_cast<std::size_t>(size)), backward(static_cast<std::size_t>(size));
  for (std::vector<T>* y : {&forward, &backward})
    std::memset(static_cast<void*>(y->data()), 0xff, y->size() * sizeof(T));
  f(forward.data());
  if (support::thread_sanitizer) return forward;
  {
    const emulated::RunBackward reversed;
    f(backward.data());
  }
  CHECK(first_difference(forward, backward) == "");
  return forward;
}

/// Values from `offset` elements after a 16-byte boundary on, so that kernels meet every alignment;
/// 16 bytes of elements precede them, none follow, where AddressSanitizer checks.
template <class T = float>
class Operand {
 public:
  Operand(index_t size, int offset, unsigned seed = 1)
      : memory_(random_values<T>(before + offset + size, seed)), size_(size) {
    static_assert(__STDCPP_DEFAULT_NEW_ALIGNMENT__ >= 16);
    first_ = memory_.data() + before + offset;
  }
  Operand(const Operand&) = delete;
  Operand& operator=(const Operand&) = delete;

  T* data() const { return first_; }
  T& operator[](index_t i) const { return first_[i]; }
  index_t size() const { return size_; }
  std::vector<T> values() const { return {first_, first_ + size_}; }

 private:
  static constexpr int before = 16 / static_cast<int>(sizeof(T));
  std::vector<T> memory_;
  index_t size_;
  T* first_;
};

inline constexpr double float_eps = std::numeric_limits<float>::epsilon();

/// By how much a float of magnitude at most x may change when it is stored as a T: half a unit in the last place.
template <class T>
double storing_error(double x) {
  if constexpr (std::is_same_v<T, float>) return 0;
  else return std::ldexp(1.0, std::max(x > 0 ? std::ilogb(x) : -126, -126) - 8);
}

/// check_elements of floats that may be off by `bound(i)` before they are stored as T.
template <class T, class Expected, class Bound>
void check_stored(const std::vector<T>& found, const Expected& expected, const Bound& bound) {
  check_elements(found, expected, [&](index_t i) {
    const double before = bound(i);
    return before + storing_error<T>(std::fabs(expected(i)) + before);
  });
}

/// Where operands of T stand: aligned, at an element of their own, and aligned to half of what one load takes.
template <class T>
std::vector<int> alignments() {
  if constexpr (std::is_same_v<T, float>) return {0, 1};
  else return {0, 1, 4};
}

}  // namespace tinygan::test
