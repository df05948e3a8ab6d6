// count_work: the kernels that some code calls, counted without running them.
#pragma once

#include <type_traits>
#include <utility>

#include <tinygan/backend/kernel_list.hpp>
#include <tinygan/backend/kernel_work.hpp>
#include <tinygan/profile/scope.hpp>
#include <tinygan/tensor/kernels.hpp>

namespace tinygan::profile {

namespace detail {

[[gnu::visibility("default")]] inline constinit thread_local KernelTotals* counted = nullptr;

/// Kernels of any device that add their work to `counted`, and do nothing else.
template <class T>
const KernelTable<T>& counting_table() {
  static constexpr KernelTable<T> table = [] {
    KernelTable<T> t{};
#define TINYGAN_COUNT(name)                                     \
  t.name = [](auto... arguments) {                              \
    const KernelWork work = KernelWorks<T>::name(arguments...); \
    counted->add(work.flops, work.bytes);                       \
  };
    TINYGAN_FOR_EACH_KERNEL(TINYGAN_COUNT)
#undef TINYGAN_COUNT
    return t;
  }();
  return table;
}

/// The calling thread gets counting tables for T.
template <class T>
class CountingScope {
 public:
  CountingScope() : outer_(std::exchange(tinygan::detail::substitute_table<T>, &counting_table<T>())) {
    tinygan::detail::table_hook<T>.users.fetch_add(1);
  }
  ~CountingScope() {
    tinygan::detail::table_hook<T>.users.fetch_sub(1);
    tinygan::detail::substitute_table<T> = outer_;
  }
  CountingScope(const CountingScope&) = delete;
  CountingScope& operator=(const CountingScope&) = delete;

 private:
  const KernelTable<T>* outer_;
};

}  // namespace detail

/// The kernels for T and wide_t<T> that f() calls in this thread. They do not run: what they would compute stays
/// uninitialised, so f must not depend on values.
template <class T, class F>
KernelTotals count_work(F&& f) {
  KernelTotals totals;
  struct Restore {
    KernelTotals* outer;
    ~Restore() { detail::counted = outer; }
  };
  const Restore restore{std::exchange(detail::counted, &totals)};
  const detail::CountingScope<T> scope;
  if constexpr (std::is_same_v<T, wide_t<T>>) {
    f();
  } else {
    const detail::CountingScope<wide_t<T>> wide;
    f();
  }
  return totals;
}

}  // namespace tinygan::profile
