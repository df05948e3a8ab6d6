// Extents in files: of any rank, and 0 is allowed, unlike in a Shape.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include <tinygan/base/error.hpp>
#include <tinygan/base/outline.hpp>
#include <tinygan/base/shape.hpp>

namespace tinygan::io {

/// Product of `first` and extents that are all at least 0; nullopt if it does not fit into 63 bits.
constexpr std::optional<index_t> product(std::span<const index_t> extents, index_t first = 1) {
  index_t n = first;
  for (const index_t extent : extents)
    if (extent == 0) return 0;
  for (const index_t extent : extents)
    if (__builtin_mul_overflow(n, extent, &n)) return std::nullopt;
  return n;
}

/// "(2, 3)", like a Shape.
std::string shape_text(std::span<const index_t> extents);

}  // namespace tinygan::io

#ifdef TINYGAN_FUNC

namespace tinygan::io {

TINYGAN_FUNC std::string shape_text(std::span<const index_t> extents) {
  std::string out = "(";
  for (std::size_t i = 0; i < extents.size(); ++i) out += text(i > 0 ? ", " : "", extents[i]);
  return out + (extents.size() == 1 ? ",)" : ")");
}

}  // namespace tinygan::io

#endif
