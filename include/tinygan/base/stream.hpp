// Stream: the queue a kernel is put into; the last argument of every kernel.
#pragma once

namespace tinygan {

/// On a GPU a cudaStream_t, null for the device's own queue; the CPU runs everything at once and ignores it.
struct Stream {
  void* handle = nullptr;
};

}  // namespace tinygan
