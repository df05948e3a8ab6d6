// The layout of an operand of a matrix product.
#pragma once

namespace tinygan {

/// The dimension along which the elements of an operand are contiguous: K, or M of the left and N of the right operand.
enum class Major : unsigned char { k, mn };

}  // namespace tinygan
