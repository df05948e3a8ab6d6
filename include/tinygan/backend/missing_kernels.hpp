// What a device's kernel table holds where the device has no kernel: a function that says so by name.
#pragma once

#include <cstddef>

#include <tinygan/backend/kernel_list.hpp>
#include <tinygan/base/device.hpp>
#include <tinygan/base/error.hpp>

namespace tinygan {

namespace detail {

/// A string literal as a template argument.
template <std::size_t Length>
struct KernelName {
  char text[Length];
  constexpr KernelName(const char (&s)[Length]) {
    for (std::size_t i = 0; i < Length; ++i) text[i] = s[i];
  }
};

/// Puts a function that throws into an entry that is null.
template <DeviceType Type, KernelName Name, class... Args>
constexpr void complete(void (*&entry)(Args...)) {
  if (!entry)
    entry = [](Args...) {
      fail(text("device ", Device{Type, 0}), "it has no kernel '", Name.text, "' yet; use another device for this");
    };
}

}  // namespace detail

/// Replaces every null entry by a function that throws Error naming the kernel and the device type.
template <DeviceType Type, class T>
constexpr void complete_kernels(KernelTable<T>& t) {
#define TINYGAN_COMPLETE(name) detail::complete<Type, #name>(t.name);
  TINYGAN_FOR_EACH_KERNEL(TINYGAN_COMPLETE)
#undef TINYGAN_COMPLETE
}

}  // namespace tinygan
