// Printing of tensors: element type, shape, device, and the values in nested brackets, as NumPy prints an array.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <tinygan/backend/bfloat16.hpp>
#include <tinygan/base/outline.hpp>
#include <tinygan/tensor/tensor.hpp>

namespace tinygan {

namespace detail {

/// "float", "bfloat16", "int32", ...
template <class T>
std::string printed_type() {
  if constexpr (std::is_same_v<T, bfloat16>) return "bfloat16";
  else if constexpr (std::is_same_v<T, float>) return "float";
  else if constexpr (std::is_same_v<T, double>) return "double";
  else {
    static_assert(std::is_integral_v<T>, "tensors of numbers are printed");
    if constexpr (std::is_same_v<T, bool>) return "bool";
    else return text(std::is_signed_v<T> ? "int" : "uint", 8 * sizeof(T));
  }
}

/// Above this number of elements an axis shows its first and last values only.
inline constexpr index_t print_threshold = 1000;
inline constexpr index_t print_edge = 3;

/// Six significant digits, "nan" and "inf", whatever the locale.
std::string printed_number(double value);
inline std::string printed_number(std::int64_t value) { return std::to_string(value); }
inline std::string printed_number(std::uint64_t value) { return std::to_string(value); }

/// The shown values of a tensor, in order, and the shape with the elided part of each axis.
class PrintedValues {
 public:
  explicit PrintedValues(const Shape& shape) : shape_(shape), elide_(shape.size() > print_threshold) {}

  bool elides(int axis) const { return elide_ && shape_[axis] > 2 * print_edge; }
  const Shape& shape() const { return shape_; }
  void add(std::string value) { values_.push_back(std::move(value)); }

  /// The values, right-aligned, in nested brackets.
  std::string brackets() const;

 private:
  void append(std::string& out, int axis, std::size_t& next, std::size_t width) const;

  Shape shape_;
  bool elide_;
  std::vector<std::string> values_;
};

/// Adds the shown values of a part of a tensor that begins at `axis`. Of an elided tensor only these are copied.
template <class T>
void add_values(PrintedValues& out, const Tensor<T>& x, int axis) {
  if (axis < out.shape().rank() && out.elides(axis)) {
    const index_t n = x.extent(0);
    for (const Tensor<T>& edge : {x.rows(0, print_edge), x.rows(n - print_edge, n)}) {
      if (axis + 1 == out.shape().rank()) add_values(out, edge, axis + 1);
      else
        for (index_t i = 0; i < print_edge; ++i) add_values(out, edge[i], axis + 1);
    }
  } else if (axis + 1 < out.shape().rank() && out.shape().size() > print_threshold) {
    for (index_t i = 0; i < x.extent(0); ++i) add_values(out, x[i], axis + 1);
  } else {
    using Number = std::conditional_t<!std::is_integral_v<T>, double,
                                      std::conditional_t<std::is_signed_v<T>, std::int64_t, std::uint64_t>>;
    const Tensor<T> here = x.to(Device::cpu());
    for (const T& value : here.host()) {
      if constexpr (std::is_same_v<T, bfloat16>) out.add(printed_number(Number{static_cast<float>(value)}));
      else out.add(printed_number(static_cast<Number>(value)));
    }
  }
}

/// "float (2, 3) on cpu".
template <class T>
std::string printed_head(const Tensor<T>& x) {
  return text(printed_type<T>(), ' ', x.shape(), " on ", x.device());
}

template <class T>
std::string printed_values(const Tensor<T>& x) {
  PrintedValues values(x.shape());
  add_values(values, x, 0);
  return values.brackets();
}

}  // namespace detail

/// "Tensor float (2, 3) on cpu" and the values in nested brackets on the lines below, six significant digits each.
/// Above 1000 elements a long axis shows its first and last three. Copies what it shows to host memory. The stream's
/// format and locale have no effect. An empty tensor is "Tensor float (empty)".
/// Source of the form: NumPy's array printing.
template <class T>
std::ostream& operator<<(std::ostream& out, const Tensor<T>& x) {
  if (!x.defined()) return out << text("Tensor ", detail::printed_type<T>(), " (empty)");
  return out << text("Tensor ", detail::printed_head(x), '\n', detail::printed_values(x));
}

}  // namespace tinygan

#ifdef TINYGAN_FUNC

namespace tinygan::detail {

TINYGAN_FUNC std::string printed_number(double value) {
  if (std::isnan(value)) return "nan";  // without the sign, which differs by processor
  return text(value);                   // in the classic locale, six digits by default
}

TINYGAN_FUNC std::string PrintedValues::brackets() const {
  std::size_t width = 0, next = 0;
  for (const std::string& v : values_) width = std::max(width, v.size());
  std::string out;
  append(out, 0, next, width);
  return out;
}

TINYGAN_FUNC void PrintedValues::append(std::string& out, int axis, std::size_t& next, std::size_t width) const {
  const int rank = shape_.rank();
  if (axis == rank) {
    const std::string& value = values_[next++];
    out.append(width - value.size(), ' ') += value;
    return;
  }
  // Within the innermost axis a comma and a space; between matrices, as NumPy, an empty line more for each axis.
  std::string separator = ", ";
  if (axis + 1 < rank) {
    separator = "," + std::string(static_cast<std::size_t>(rank - axis - 1), '\n');
    separator.append(static_cast<std::size_t>(axis) + 1, ' ');
  }
  const bool elided = elides(axis);
  const index_t shown = elided ? 2 * print_edge : shape_[axis];
  out += '[';
  for (index_t i = 0; i < shown; ++i) {
    if (i > 0) out += separator;
    if (elided && i == print_edge) out += "..." + separator;
    append(out, axis + 1, next, width);
  }
  out += ']';
}

}  // namespace tinygan::detail

#endif
