// The emulated device finds what it promises to find, and accepts correct kernels.
#include "../../kernels/launch.cuh"

#include <atomic>

#include "../../kernels/device/async_copy.cuh"
#include "../../kernels/device/map.cuh"
#include "../../kernels/device/reduce.cuh"
#include "support/catch.hpp"
#include "support/temporary.hpp"

namespace tinygan::cuda {
namespace {

using support::contains;

/// The Error's text; every one names the kernel and where it was launched.
template <auto Kernel, class... Args>
std::string violation(Launch how, Args... args) {
  const std::string text = support::error_of([&] { launch<Kernel>(how, args...); });
  CHECK(contains(text, "test_emulated_rules.cpp:"));
  return text;
}

__global__ void diverging_barrier_kernel(int* x) {
  if (threadIdx.x < 4) {
    __syncthreads();
    x[threadIdx.x] = 1;
  } else {
    __syncthreads();
    x[threadIdx.x] = 2;
  }
}

__global__ void early_exit_kernel(int n, int* x) {
  const auto i = static_cast<int>(threadIdx.x);
  x[i] += 1;
  if (i >= n) return;
  __syncthreads();
  x[i] += 10;
}

__global__ void exited_lane_kernel(float* x) {
  if (threadIdx.x >= 16) return;
  x[threadIdx.x] = __shfl_down_sync(all_lanes, x[threadIdx.x], 1);
}
__global__ void foreign_mask_kernel() { __syncwarp(0xffff0000u); }
__global__ void disagreeing_masks_kernel() { __syncwarp(threadIdx.x < 16 ? all_lanes : 0xffffu | 1u << threadIdx.x); }
__global__ void warp_against_barrier_kernel() {
  if (threadIdx.x < 31) __syncwarp();
  else __syncthreads();
}
__global__ void different_collectives_kernel() {
  if (threadIdx.x % 2 == 0) __syncwarp();
  else __ballot_sync(all_lanes, true);
}
__global__ void stranger_kernel(int* x) {
  const unsigned mine = threadIdx.x < 16 ? 0xffffu : 0xffff0000u;
  x[threadIdx.x] = __shfl_sync(mine, x[threadIdx.x], 20);
}

__global__ void too_much_shared_kernel() { block_shared<float>(5); }
__attribute__((no_sanitize("address"), noinline)) void write_float(float* x) { *x = 1; }
__global__ void overrun_kernel(index_t at) {
  if (threadIdx.x == 3) write_float(block_shared<float>(4) + at);
}
__global__ void read_shared_kernel(float* y) { y[threadIdx.x] = block_shared<float>(32)[threadIdx.x]; }
__global__ void misaligned_kernel(float* x) { store_pack(x + 1, load_pack<4>(x)); }

/// Depends on the order of threads; by atomic accesses, so that RunBackward finds it, not ThreadSanitizer.
__global__ void neighbour_kernel(float* x) {
  const float neighbour = std::atomic_ref(x[(grid_thread() + 1) % grid_threads()]).load(std::memory_order_relaxed);
  std::atomic_ref(x[grid_thread()]).store(neighbour, std::memory_order_relaxed);
}
__global__ void places_kernel(int* visits) {
  const unsigned thread = threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
  const unsigned block = blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z);
  visits[block * blockDim.x * blockDim.y * blockDim.z + thread] += 1;
}
__global__ void votes_kernel(unsigned* y) {
  const bool odd = threadIdx.x % 2 == 1;
  const unsigned ballot = __ballot_sync(all_lanes, odd);
  y[threadIdx.x] = ballot == 0xaaaaaaaau && __any_sync(all_lanes, odd) && !__all_sync(all_lanes, odd) ? 1 : 0;
}
__global__ void shuffles_kernel(int* y) {
  const int lane = static_cast<int>(lane_id());
  y[threadIdx.x] = __shfl_sync(all_lanes, lane, 5) + 100 * __shfl_xor_sync(all_lanes, lane, 3) +
                   10000 * __shfl_down_sync(all_lanes, lane, 30) + 1000000 * __shfl_up_sync(all_lanes, lane, 1);
}
__global__ void half_warps_kernel(int* y) {  // the two halves of a warp go their own ways
  const int lane = static_cast<int>(lane_id());
  if (lane < 16) y[lane] = __shfl_xor_sync(0x0000ffffu, lane, 1);
  else y[lane] = __shfl_xor_sync(0xffff0000u, lane, 2);
}
__global__ void block_sum_kernel(float* y) {
  auto& s = block_shared<BlockReduceShared>();
  y[threadIdx.x] = block_reduce<Sum>(static_cast<float>(threadIdx.x), s);
}

// ---- cp.async -------------------------------------------------------------------------------------------------------

/// y = what the thread sees of its element: right away, after waiting for the first of two groups, after waiting for
/// both.
__global__ void async_kernel(const float* x, float* y) {
  float* const s = block_shared<float>(256);  // two halves of 128
  const unsigned i = threadIdx.x;
  async_copy<16>(s + 4 * i, x + 4 * i);
  async_commit();
  async_copy<16>(s + 128 + 4 * i, x + 128 + 4 * i, i != 7);  // thread 7: zeros
  async_commit();
  y[i] = s[4 * i];
  async_wait<1>();
  y[32 + i] = s[4 * i];
  y[64 + i] = s[128 + 4 * i];
  async_wait<0>();
  y[96 + i] = s[128 + 4 * i];
}
__global__ void uncommitted_kernel(const float* x, float* y) {
  float* const s = block_shared<float>(4);
  async_copy<4>(s, x);
  async_wait<0>();  // of no group: the copy was not committed
  y[0] = s[0];
}
__global__ void async_outside_kernel(const float* x, float* y) {
  async_copy<16>(y, x);
  async_commit();
}
__global__ void async_misaligned_kernel(const float* x) { async_copy<16>(block_shared<float>(8), x + 1); }

TEST_CASE("Barriers: divergence is found, early exit is not an error") {
  int x[8] = {};
  const std::string text = violation<diverging_barrier_kernel>({.block = {8}}, x);
  CHECK(contains(text, "kernel diverging_barrier_kernel"));
  CHECK(contains(text, "block (0,0,0), thread (4,0,0)"));
  CHECK(contains(text, "barrier divergence"));

  int y[8] = {};
  launch<early_exit_kernel>({.block = {8}}, 6, y);
  for (int i = 0; i < 8; ++i) CHECK(y[i] == (i < 6 ? 11 : 1));
}

TEST_CASE("Warp collectives: bad masks, exited lanes and deadlocks are found") {
  float x[32] = {};
  int ints[32] = {};
  CHECK(contains(violation<exited_lane_kernel>({.block = {32}}, x), "exited lane: its warp collective names lane 16"));
  CHECK(contains(violation<exited_lane_kernel>({.block = {16}}, x), "lane 16, which the block does not have"));
  CHECK(contains(violation<foreign_mask_kernel>({.block = {32}}), "does not name the calling lane"));
  CHECK(contains(violation<disagreeing_masks_kernel>({.block = {32}}), "warp mask"));
  CHECK(contains(violation<warp_against_barrier_kernel>({.block = {32}}), "deadlock"));
  CHECK(contains(violation<different_collectives_kernel>({.block = {32}}), "deadlock"));
  CHECK(contains(violation<stranger_kernel>({.block = {32}}, ints), "lane 20, which takes no part"));
}

TEST_CASE("Shared memory: size, overruns and poison") {
  CHECK(contains(violation<too_much_shared_kernel>({.block = {32}, .shared_bytes = 16}), "shared memory size"));
  for (const index_t at : {index_t{4}, index_t{-1}})
    CHECK(contains(violation<overrun_kernel>({.grid = {2}, .block = {32}, .shared_bytes = 16}, at),
                   "shared memory overrun"));
  launch<overrun_kernel>({.grid = {2}, .block = {32}, .shared_bytes = 16}, 3);

  float y[32] = {};
  launch<read_shared_kernel>({.block = {32}, .shared_bytes = 128}, y);
  for (const float v : y) CHECK(v != v);
}

TEST_CASE("Misaligned packs and impossible launches are found") {
  alignas(16) float x[8] = {};
  CHECK(contains(violation<misaligned_kernel>({}, x), "misaligned address: a store of 16 bytes"));
  CHECK(contains(violation<misaligned_kernel>({}, x + 2), "misaligned address: a load of 16 bytes"));
  CHECK(contains(violation<foreign_mask_kernel>({.block = {1025}}), "a block of (1025,1,1) threads"));
  CHECK(contains(violation<foreign_mask_kernel>({.grid = {0}}), "a grid of (0,1,1) blocks"));
  CHECK(contains(violation<foreign_mask_kernel>({.grid = {1, 65536}}), "a grid of (1,65536,1) blocks"));
  CHECK(contains(violation<foreign_mask_kernel>({.shared_bytes = 300000}), "300000 bytes of shared memory"));
}

TEST_CASE("After a violation the device works on") {
  for (int round = 0; round < 3; ++round) {
    CHECK(contains(violation<warp_against_barrier_kernel>({.grid = {3}, .block = {256}}), "deadlock"));
    float y[256];
    launch<block_sum_kernel>({.block = {256}, .shared_bytes = sizeof(BlockReduceShared)}, y);
    for (const float v : y) CHECK(v == 256 * 255 / 2);
  }
}

TEST_CASE("Threads and blocks: each runs once, where it should") {
  int visits[2 * 3 * 4 * 5 * 3 * 2] = {};
  launch<places_kernel>({.grid = {2, 3, 4}, .block = {5, 3, 2}}, visits);
  for (const int v : visits) CHECK(v == 1);
}

TEST_CASE("Shuffles and votes do what CUDA's do") {
  unsigned yes[64];
  launch<votes_kernel>({.block = {64}}, yes);
  for (const unsigned v : yes) CHECK(v == 1);

  int y[64];
  launch<shuffles_kernel>({.block = {64}}, y);
  for (int i = 0; i < 64; ++i) {
    const int lane = i % 32, down = lane + 30 < 32 ? lane + 30 : lane, up = lane > 0 ? lane - 1 : lane;
    CHECK(y[i] == 5 + 100 * (lane ^ 3) + 10000 * down + 1000000 * up);
  }
  int half[32];
  launch<half_warps_kernel>({.block = {32}}, half);
  for (int i = 0; i < 32; ++i) CHECK(half[i] == (i < 16 ? i ^ 1 : i ^ 2));
}

TEST_CASE("Running backwards shows a kernel whose threads read what others write") {
  std::vector<float> forward(64), backward(64);
  for (std::size_t i = 0; i < 64; ++i) forward[i] = backward[i] = static_cast<float>(i);
  launch<neighbour_kernel>({.grid = {2}, .block = {32}}, forward.data());
  const emulated::RunBackward reversed;
  launch<neighbour_kernel>({.grid = {2}, .block = {32}}, backward.data());
  CHECK(forward != backward);
}

TEST_CASE("cp.async: nothing to be seen before the wait for its group") {
  alignas(16) float x[256];
  for (int i = 0; i < 256; ++i) x[i] = static_cast<float>(i + 1);
  float y[128];
  launch<async_kernel>({.block = {32}, .shared_bytes = 1024}, x, y);
  for (int i = 0; i < 32; ++i) {
    CHECK(y[i] != y[i]);
    CHECK(y[32 + i] == x[4 * i]);
    CHECK(y[64 + i] != y[64 + i]);
    CHECK(y[96 + i] == (i == 7 ? 0.0f : x[128 + 4 * i]));
  }
  launch<uncommitted_kernel>({.shared_bytes = 16}, x, y);
  CHECK(y[0] != y[0]);
  CHECK(contains(violation<async_outside_kernel>({.shared_bytes = 16}, x, x + 16), "a cp.async destination"));
  CHECK(contains(violation<async_misaligned_kernel>({.shared_bytes = 32}, x), "misaligned address: a cp.async source"));
}

TEST_CASE("Divisor divides") {
  for (const index_t d :
       {index_t{1}, index_t{2}, index_t{3}, index_t{7}, index_t{641}, index_t{65536}, index_t{0x7fffffff},
        index_t{0x80000001}, index_t{0xffffffff}, index_t{0x100000000}, index_t{0x123456789ab}}) {
    const Divisor by(d);
    for (index_t n : {index_t{0}, index_t{1}, index_t{2}, index_t{12345}, index_t{0x7fffffff}, index_t{0xffffffff},
                      index_t{0x100000000}, index_t{0x7fffffffffffff}, std::numeric_limits<index_t>::max()})
      for (const index_t near : {n, n / d * d, n / d * d - 1})
        if (near >= 0) CHECK(by.divide(near) == near / d);
  }
}

}  // namespace
}  // namespace tinygan::cuda
