// The order in which the emulated device runs blocks, and threads between two barriers. A kernel without races gives
// the same bits either way, so tests run it both ways. The only emulation state that all translation units
// share.
#pragma once

#include <atomic>

namespace tinygan::emulated {

inline std::atomic<bool> backward{false};

/// Runs the rest of the enclosing scope backwards: last block first, last thread first.
class RunBackward {
 public:
  RunBackward() { backward.store(true); }
  ~RunBackward() { backward.store(false); }
  RunBackward(const RunBackward&) = delete;
  RunBackward& operator=(const RunBackward&) = delete;
};

}  // namespace tinygan::emulated
