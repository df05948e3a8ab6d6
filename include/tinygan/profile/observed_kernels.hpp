// Kernel tables that pass every call on to a device's own, and tell the profile of it.
#pragma once

#include <atomic>
#include <type_traits>

#include <tinygan/backend/kernel_list.hpp>
#include <tinygan/backend/kernel_work.hpp>
#include <tinygan/base/device.hpp>

namespace tinygan::profile::detail {

/// One kernel call while a profile is recorded.
struct KernelCall {
  const char *name, *element;
  DeviceType type;
  KernelWork work;
  const void* output;  ///< the first operand that the kernel writes to
  std::int64_t begin = 0;
  void* mark = nullptr;       ///< in the device's queue, where it has one
  std::uint64_t session = 0;  ///< 0: not recorded
};

void begin_kernel(KernelCall& call);
void end_kernel(KernelCall& call);

/// The table that kernels<T>() found last for devices of a type.
template <class T, DeviceType Type>
[[gnu::visibility("default")]] inline constinit std::atomic<const KernelTable<T>*> own_table{nullptr};

template <class T>
inline constexpr const char* element_name = std::is_same_v<T, float>    ? "float"
                                            : std::is_same_v<T, double> ? "double"
                                                                        : "bfloat16";

template <class Argument>
constexpr bool is_output =
    std::is_pointer_v<Argument> && !std::is_const_v<std::remove_pointer_t<Argument>> &&
    (std::is_arithmetic_v<std::remove_pointer_t<Argument>> || std::is_same_v<Argument, bfloat16*>);

/// The first of the arguments that points to elements to write, or null.
template <class... Args>
const void* output_of(const Args&... arguments) {
  const void* found = nullptr;
  const auto look = [&](const auto& argument) {
    if constexpr (is_output<std::remove_cvref_t<decltype(argument)>>)
      if (found == nullptr) found = argument;
  };
  (look(arguments), ...);
  return found;
}

/// The entry's own call, between begin_kernel and end_kernel. Describe: (arguments) -> KernelCall.
template <class T, DeviceType Type, auto Entry, class Describe, class... Args>
void observed(Args... arguments) {
  struct Observation {
    KernelCall call;
    explicit Observation(const KernelCall& c) : call(c) { begin_kernel(call); }
    ~Observation() { end_kernel(call); }
    Observation(const Observation&) = delete;
    Observation& operator=(const Observation&) = delete;
  };
  const Observation observation(Describe{}(arguments...));
  (own_table<T, Type>.load(std::memory_order_relaxed)->*Entry)(static_cast<Args>(arguments)...);
}

template <class T, DeviceType Type, auto Entry, class Describe, class... Args>
constexpr void observe_entry(KernelTable<T>& table, void (*KernelTable<T>::*)(Args...), Describe) {
  table.*Entry = &observed<T, Type, Entry, Describe, Args...>;
}

/// The observed table of devices of a type.
template <class T, DeviceType Type>
const KernelTable<T>& observed_table() {
  static constexpr KernelTable<T> table = [] {
    KernelTable<T> t{};
#define TINYGAN_OBSERVE(entry)                                                                      \
  observe_entry<T, Type, &KernelTable<T>::entry>(t, &KernelTable<T>::entry, [](const auto&... a) {  \
    return KernelCall{#entry, element_name<T>, Type, KernelWorks<T>::entry(a...), output_of(a...)}; \
  });
    TINYGAN_FOR_EACH_KERNEL(TINYGAN_OBSERVE)
#undef TINYGAN_OBSERVE
    return t;
  }();
  return table;
}

}  // namespace tinygan::profile::detail
