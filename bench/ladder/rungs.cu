#include "ladder/rungs.hpp"

#include <vector>

#include "ladder/ladder.cuh"

namespace tinygan::bench {

std::span<const LadderRung> ladder_rungs() {
  static const std::vector<LadderRung> rungs = [] {
    std::vector<LadderRung> all;
    for (const cuda::Rung& r : cuda::ladder) all.push_back({r.name, r.precision, r.run});
    return all;
  }();
  return rungs;
}

}  // namespace tinygan::bench
