// Stream: the queue on which a kernel is launched; the last argument of every kernel.
#pragma once

namespace tinygan {

/// On a GPU a cudaStream_t, null for the default stream; the CPU runs kernels synchronously and ignores it.
struct Stream {
  void* handle = nullptr;
};

}  // namespace tinygan
