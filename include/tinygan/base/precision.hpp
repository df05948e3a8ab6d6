// Precision: the format in which matrix products and convolutions multiply their operands.
#pragma once

#include <optional>
#include <ostream>
#include <string_view>

#include <tinygan/base/error.hpp>

namespace tinygan {

/// fp32: operands are not rounded. tf32: rounded to 10 bits of mantissa; bf16: to 7. Sums, epilogues, statistics,
/// gradients and all memory are float in each of the three. (Tensors of bfloat16 are multiplied without rounding.)
enum class Precision { fp32, tf32, bf16 };

inline constexpr int precision_count = 3;
inline constexpr const char* precision_names[precision_count] = {"fp32", "tf32", "bf16"};

/// "fp32", "tf32" or "bf16".
constexpr const char* name_of(Precision p) { return precision_names[static_cast<int>(p)]; }

/// Its name.
inline std::ostream& operator<<(std::ostream& out, Precision p) { return out << name_of(p); }

/// The precision of that name, or nullopt.
constexpr std::optional<Precision> find_precision(std::string_view name) {
  for (int i = 0; i < precision_count; ++i)
    if (name == precision_names[i]) return static_cast<Precision>(i);
  return std::nullopt;
}

/// The precision of that name. Throws Error naming the text and the choices if the name is unknown.
inline Precision parse_precision(std::string_view name) {
  const std::optional<Precision> p = find_precision(name);
  check(p.has_value(), "precision", "'", name, "', expected fp32, tf32 or bf16");
  return *p;
}

}  // namespace tinygan
