// Printing of variables: as their tensors, with what the tape knows of them.
#pragma once

#include <ostream>

#include <tinygan/autograd/variable.hpp>
#include <tinygan/tensor/print.hpp>

namespace tinygan {

/// "Variable float (2, 3) on cpu", then ", requires grad" if it does and ", computed by add" if an op recorded it, then
/// the values as a tensor prints them. An empty variable is "Variable float (empty)".
template <class T>
std::ostream& operator<<(std::ostream& out, const Variable<T>& x) {
  if (!x.defined()) return out << text("Variable ", detail::printed_type<T>(), " (empty)");
  return out << text("Variable ", detail::printed_head(x.value()), x.requires_grad() ? ", requires grad" : "",
                     x.is_leaf() ? "" : text(", computed by ", x.op()), '\n', detail::printed_values(x.value()));
}

}  // namespace tinygan
