// Rings of scalars: metrics that training steps record on their device and the host reads later.
#pragma once

#include <cstdint>
#include <limits>

#include <tinygan/backend/data_dims.hpp>
#include <tinygan/base/stream.hpp>

namespace tinygan::cpu {

template <class T>
void record_values(const RecordDims& d, const T* const* values, const std::uint64_t* step, T* ring, Stream) {
  T* const row = ring + static_cast<index_t>(*step % static_cast<std::uint64_t>(d.capacity)) * d.count;
  for (index_t i = 0; i < d.count; ++i) row[i] = values[i] ? *values[i] : std::numeric_limits<T>::quiet_NaN();
}

}  // namespace tinygan::cpu
