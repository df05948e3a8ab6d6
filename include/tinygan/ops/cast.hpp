// cast: variables between element types, on one tape.
#pragma once

#include <tinygan/ops/inputs.hpp>

namespace tinygan {

/// y = x with elements of type U, bfloat16 or float; x itself if T is U. The gradient is cast back.
template <class U, class T>
Variable<U> cast(const Variable<T>& x) {
  ops::detail::check_input("cast", "input", x);
  if constexpr (std::is_same_v<U, T>) return x;
  else
    return record<U>("cast", cast<U>(x.value()), {x}, [](const Backward<U>& c) { return std::vector{cast<T>(c.g)}; });
}

}  // namespace tinygan
