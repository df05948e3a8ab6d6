// Problems of gathering along an axis by indices, and of its adjoint.
#pragma once

#include <tinygan/base/shape.hpp>

namespace tinygan {

/// y(outer, count, inner) from x(outer, extent, inner): y(o, j, i) = x(o, k, i), k being index[j] where indices are
/// shared by all o and i, else index[(o, j, i)].
struct IndexDims {
  /// index(count), or index(outer, count, inner).
  enum class Indices { shared, each };

  index_t outer = 1, extent = 1, count = 1, inner = 1;
  Indices indices = Indices::shared;
};

}  // namespace tinygan
