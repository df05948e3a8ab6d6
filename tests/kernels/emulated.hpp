// What the tests of CUDA kernels share: the emulated device's table, both orders of execution, unaligned operands.
#pragma once

#include <vector>

#include <tinygan/tensor/registry.hpp>

#include "../../kernels/emulate/order.hpp"
#include "support/catch.hpp"
#include "support/kernel_check.hpp"
#include "support/temporary.hpp"

namespace tinygan::test {

/// The CUDA kernels, run on the CPU. The device's memory is the host's, so they take pointers into vectors.
inline const KernelTable<float>& emulated_kernels() { return kernels<float>(Device::emulated()); }

/// f(y) on a poisoned y of `size` elements, blocks and threads in order and then in reverse: must give the same bits,
/// or threads depend on each other without a barrier between them.
template <class T = float, class F>
std::vector<T> both_ways(index_t size, const F& f) {
  std::vector<T> forward(static_cast<std::size_t>(size)), backward(static_cast<std::size_t>(size));
  std::memset(forward.data(), 0xff, forward.size() * sizeof(T));
  std::memset(backward.data(), 0xff, backward.size() * sizeof(T));
  f(forward.data());
  {
    const emulated::RunBackward reversed;
    f(backward.data());
  }
  CHECK(same_bits(forward, backward));
  return forward;
}

/// Values of which the first stands `offset` elements behind a 16-byte boundary, so that kernels meet every alignment;
/// four elements stand before them, none behind, where AddressSanitizer watches.
template <class T = float>
class Operand {
 public:
  Operand(index_t size, int offset, unsigned seed = 1)
      : memory_(random_values<T>(4 + offset + size, seed)), size_(size) {
    static_assert(sizeof(T) == 4 && __STDCPP_DEFAULT_NEW_ALIGNMENT__ >= 16);
    first_ = memory_.data() + 4 + offset;
  }
  Operand(const Operand&) = delete;
  Operand& operator=(const Operand&) = delete;

  T* data() const { return first_; }
  T& operator[](index_t i) const { return first_[i]; }
  index_t size() const { return size_; }
  std::vector<T> values() const { return {first_, first_ + size_}; }

 private:
  std::vector<T> memory_;
  index_t size_;
  T* first_;
};

/// found within `bound(i)` of expected(i) for every element; NaN only where expected.
template <class T, class Expected, class Bound>
void check_elements(const std::vector<T>& found, const Expected& expected, const Bound& bound) {
  for (std::size_t i = 0; i < found.size(); ++i) {
    const auto at = static_cast<index_t>(i);
    const double want = expected(at), have = static_cast<double>(found[i]);
    if (want == have || (want != want && have != have)) continue;
    if (std::fabs(have - want) <= bound(at)) continue;
    CAPTURE(i, have, want, bound(at));
    FAIL_CHECK("element outside its error bound");
    return;
  }
}

inline constexpr double float_eps = std::numeric_limits<float>::epsilon();

}  // namespace tinygan::test
