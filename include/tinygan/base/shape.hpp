// Shape: the extents of a tensor, outermost first.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <ostream>
#include <span>
#include <sstream>
#include <string_view>

#include <tinygan/base/error.hpp>
#include <tinygan/base/outline.hpp>

namespace tinygan {

/// Extents, counts and offsets, in elements.
using index_t = std::int64_t;

/// The largest number of elements: for every element type the number of bytes fits into an index_t.
inline constexpr index_t max_elements = std::numeric_limits<index_t>::max() / 16;

namespace detail {

/// n *= factor, unless that is more than max_elements.
constexpr bool multiply(index_t& n, index_t factor) {
  return !__builtin_mul_overflow(n, factor, &n) && n <= max_elements;
}

/// The product of extents and counts. Throws Error if it is more than max_elements.
index_t product(std::string_view op, std::initializer_list<index_t> factors);

}  // namespace detail

/// Up to six extents, each at least 1; rank 0 is a scalar. Throws Error on an extent below 1.
class Shape {
 public:
  static constexpr int max_rank = 6;

  Shape() = default;
  Shape(std::initializer_list<index_t> extents) : Shape(std::span(extents.begin(), extents.size())) {}
  explicit Shape(std::span<const index_t> extents);

  int rank() const { return rank_; }

  /// Extent of one axis; negative axes count from the end. Throws Error if the axis is out of range.
  index_t operator[](int axis) const { return extents_[static_cast<std::size_t>(resolve(axis))]; }

  /// The non-negative number of an axis given as in Python. Throws Error if the axis is out of range.
  int resolve(int axis) const;

  /// Number of elements; above max_elements the largest index_t.
  index_t size() const { return range_size(0, rank_); }

  /// Throws Error, with the name of the op, if there are more than max_elements.
  void check_size(std::string_view op) const;

  /// Number of elements spanned by the axes [first, last); above max_elements as size().
  index_t range_size(int first, int last) const;

  /// The same shape with one extent replaced.
  Shape with(int axis, index_t extent) const;

  std::span<const index_t> extents() const { return {extents_.data(), static_cast<std::size_t>(rank_)}; }
  auto begin() const { return extents().begin(); }
  auto end() const { return extents().end(); }

  friend bool operator==(const Shape& a, const Shape& b) { return std::equal(a.begin(), a.end(), b.begin(), b.end()); }

  /// "(2, 3)"; "(3,)" for one axis, as Python.
  friend std::ostream& operator<<(std::ostream& out, const Shape& s) {
    out << '(';
    for (int axis = 0; axis < s.rank_; ++axis) out << (axis ? ", " : "") << s.extents_[static_cast<std::size_t>(axis)];
    return out << (s.rank_ == 1 ? ",)" : ")");
  }

 private:
  std::array<index_t, max_rank> extents_{};
  int rank_ = 0;
};

}  // namespace tinygan

#ifdef TINYGAN_FUNC

namespace tinygan::detail {

TINYGAN_FUNC index_t product(std::string_view op, std::initializer_list<index_t> factors) {
  index_t n = 1;
  for (index_t f : factors)
    if (!multiply(n, f)) {
      std::ostringstream what;
      const char* times = "";
      for (index_t g : factors) what << times << g, times = " x ";
      fail(op, what.str(), " elements, more than ", max_elements);
    }
  return n;
}

}  // namespace tinygan::detail

namespace tinygan {

TINYGAN_CTOR Shape::Shape(std::span<const index_t> extents) {
  check(extents.size() <= max_rank, "Shape", "rank ", extents.size(), " is above the limit of ", max_rank);
  for (index_t e : extents) extents_[static_cast<std::size_t>(rank_++)] = e;
  for (int axis = 0; axis < rank_; ++axis)
    check((*this)[axis] >= 1, "Shape", "extent ", axis, " of ", *this, " is ", (*this)[axis], ", expected at least 1");
}

TINYGAN_FUNC int Shape::resolve(int axis) const {
  check(axis >= -rank_ && axis < rank_, "Shape", "axis ", axis, " is out of range for ", *this);
  return axis < 0 ? axis + rank_ : axis;
}

TINYGAN_FUNC void Shape::check_size(std::string_view op) const {
  check(size() <= max_elements, op, *this, " has more than ", max_elements, " elements");
}

TINYGAN_FUNC index_t Shape::range_size(int first, int last) const {
  index_t n = 1;
  for (int axis = first; axis < last; ++axis)
    if (!detail::multiply(n, extents_[static_cast<std::size_t>(axis)])) return std::numeric_limits<index_t>::max();
  return n;
}

TINYGAN_FUNC Shape Shape::with(int axis, index_t extent) const {
  Shape s = *this;
  s.extents_[static_cast<std::size_t>(resolve(axis))] = extent;
  return Shape(s.extents());
}

}  // namespace tinygan

#endif
