// Problems of the data and metric kernels.
#pragma once

#include <tinygan/base/shape.hpp>

namespace tinygan {

/// out(count, pixels) = images[index[count b + i]] * scale + shift, images being bytes (any number of them, pixels
/// each) and b the batch: step mod batches.
struct GatherDims {
  index_t count = 0, pixels = 0, batches = 1;
};

/// A metric ring: `capacity` rows of `count` scalars, at most max_count.
struct RecordDims {
  static constexpr index_t max_count = 8;

  index_t count = 0, capacity = 0;
};

}  // namespace tinygan
