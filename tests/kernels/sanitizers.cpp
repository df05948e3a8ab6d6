// Kernels with one mistake each, or none, for sanitizers.sh: under ThreadSanitizer or AddressSanitizer the mistake must
// be reported.
#include <cstdio>
#include <string>
#include <vector>

#include "../../kernels/device/reduce.cuh"
#include "../../kernels/launch.cuh"

namespace tinygan::cuda {
namespace {

/// y[i] = x[neighbour]: through shared memory, with or without the barrier in between. Every block works on its own 64
/// elements.
template <bool Barrier>
__global__ void rotate_kernel(const float* x, float* y) {
  float* const s = block_shared<float>(64);
  const unsigned i = threadIdx.x, first = 64 * blockIdx.x;
  s[i] = x[first + i];
  if constexpr (Barrier) __syncthreads();
  y[first + i] = s[(i + 1) % 64];
  __syncthreads();
  auto& reduce = block_shared<BlockReduceShared>();
  y[first + i] += block_reduce<Sum>(1.0f, reduce);
}

/// Exchanges in a warp, ordered by __syncwarp().
__global__ void warp_kernel(float* y) {
  float* const s = block_shared<float>(64);
  s[threadIdx.x] = static_cast<float>(threadIdx.x);
  __syncwarp();
  y[64 * blockIdx.x + threadIdx.x] = s[threadIdx.x ^ 1u];
}

/// All blocks add to the same element.
__global__ void shared_counter_kernel(float* y) {
  if (threadIdx.x == 0) y[0] += 1.0f;
}

__global__ void read_beyond_shared_kernel(float* y) { y[threadIdx.x] = block_shared<float>(64)[threadIdx.x + 1]; }
__global__ void read_beyond_global_kernel(const float* x, float* y) { y[grid_thread()] = x[grid_thread() + 1]; }

int run(const std::string& what) {
  std::vector<float> x(256, 1.0f), y(256);
  const Launch how{.grid = {4}, .block = {64}, .shared_bytes = 64 * sizeof(float)};
  for (int round = 0; round < 3; ++round) {  // stacks and shared memory are used again
    if (what == "clean") {
      launch<rotate_kernel<true>>(how, x.data(), y.data());
      launch<warp_kernel>(how, y.data());
    } else if (what == "missing_barrier") {
      launch<rotate_kernel<false>>(how, x.data(), y.data());
    } else if (what == "between_blocks") {
      launch<shared_counter_kernel>(how, y.data());
    } else if (what == "beyond_shared") {
      launch<read_beyond_shared_kernel>(how, y.data());
    } else if (what == "beyond_global") {
      launch<read_beyond_global_kernel>(how, x.data(), y.data());
    } else {
      return 2;
    }
  }
  std::printf("ran %s\n", what.c_str());
  return 0;
}

}  // namespace
}  // namespace tinygan::cuda

int main(int argc, char** argv) { return tinygan::cuda::run(argc > 1 ? argv[1] : ""); }
