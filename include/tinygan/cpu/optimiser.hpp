// Lists of tensors in one parallel region, for kernels over all parameters at once: adam.hpp, sgd.hpp, clip.hpp.
//
// The tensors count as one concatenation of elements, cut into chunks of 32 Ki whatever their single sizes: evenly
// loaded, and no parallel region for small networks.
#pragma once

#include <algorithm>

#include <tinygan/cpu/map.hpp>

namespace tinygan::cpu::detail {

template <class S>
index_t total_size(int count, const S* segments) {
  index_t n = 0;
  for (int k = 0; k < count; ++k) n += segments[k].n;
  return n;
}

/// f(chunk, segment, begin, n) for every range of a segment that lies in a chunk of the concatenation.
template <class S, class F>
void for_segments(int count, const S* segments, const F& f) {
  parallel_for(total_size(count, segments), chunk_elements, [&](index_t begin, index_t end) {
    index_t start = 0;  // of segment k
    for (int k = 0; k < count && start < end; start += segments[k++].n) {
      const index_t first = std::max(begin - start, index_t{0}), last = std::min(end - start, segments[k].n);
      if (first < last) f(begin / chunk_elements, segments[k], first, last - first);
    }
  });
}

}  // namespace tinygan::cpu::detail
