// Peak rates: multiply-adds in registers on every multiprocessor, nothing loaded.
//
// Owns         each warp: eight independent accumulator fragments (mma) or each thread sixteen accumulators (FFMA), so
// that
//              the pipelines stay full whatever their latency.
// Shared       none.      Requires  sm_75 for fp32, sm_80 for tf32 and bf16.
// Determinism  the results are stored only so that the loop is not optimised away.
#include "peak.hpp"

#include "../../kernels/device/mma.cuh"
#include "timing.hpp"

namespace tinygan::cuda {
namespace {

constexpr int peak_threads = 256, peak_steps = 2000, ffma_chains = 16, mma_chains = 8;

__global__ void __launch_bounds__(peak_threads) ffma_peak_kernel(float factor, float* out) {
  float acc[ffma_chains];
  TINYGAN_UNROLL
  for (int i = 0; i < ffma_chains; ++i) acc[i] = static_cast<float>(threadIdx.x + i);
  for (int step = 0; step < peak_steps; ++step) TINYGAN_UNROLL
  for (int i = 0; i < ffma_chains; ++i) acc[i] = fmaf(acc[i], factor, 1e-3f);
  float sum = 0;
  TINYGAN_UNROLL
  for (int i = 0; i < ffma_chains; ++i) sum += acc[i];
  out[grid_thread()] = sum;
}

template <bool Tf32>
__global__ void __launch_bounds__(peak_threads) mma_peak_kernel(std::uint32_t bits, float* out) {
  FragmentC acc[mma_chains] = {};
  const FragmentA a{{bits, bits + threadIdx.x, bits + 2 * threadIdx.x, bits}};
  const FragmentB b{{bits, bits + threadIdx.x}};
  for (int step = 0; step < peak_steps; ++step) TINYGAN_UNROLL
  for (int i = 0; i < mma_chains; ++i) {
    if constexpr (Tf32) mma_tf32(acc[i], a, b);
    else mma_bf16(acc[i], a, b);
  }
  float sum = 0;
  TINYGAN_UNROLL
  for (int i = 0; i < mma_chains; ++i) sum += acc[i].at[0] + acc[i].at[3];
  out[grid_thread()] = sum;
}

}  // namespace
}  // namespace tinygan::cuda

namespace tinygan::bench::gpu {

namespace {

/// FLOP/s of a kernel that does `flops` per block, best of a few launches.
template <class Launcher>
double best_rate(double flops, int blocks, const Launcher& launch) {
  const CudaStream& stream = bench_stream();
  const CudaEvent begin, end;
  double best = 0;
  for (int i = 0; i < 8; ++i) {
    begin.record(stream);
    launch(stream);
    end.record(stream);
    best = std::max(best, flops * blocks / end.seconds_since(begin));
  }
  return best;
}

}  // namespace

double register_peak(Precision precision) {
  using namespace cuda;
  const int blocks = 16 * gpu_facts().multiprocessors;
  const DeviceMemory out(sizeof(float) * static_cast<std::size_t>(blocks) * peak_threads);
  const auto run = [&]<auto Kernel>(auto argument, double flops) {
    return best_rate(flops, blocks, [&](cudaStream_t stream) {
      launch<Kernel>({.grid = {static_cast<unsigned>(blocks)}, .block = {peak_threads}, .stream = {stream}}, argument,
                     reinterpret_cast<float*>(out.data()));
    });
  };
  constexpr double steps = peak_steps, warps = peak_threads / 32;
  const std::uint32_t one = 0x3f800000u, ones = 0x3f803f80u;
  switch (precision) {
    case Precision::fp32:
      return run.template operator()<ffma_peak_kernel>(0.999f, steps * ffma_chains * 2 * peak_threads);
    case Precision::tf32:
      return run.template operator()<mma_peak_kernel<true>>(one, steps * mma_chains * warps * 2 * 16 * 8 * 8);
    case Precision::bf16:
      return run.template operator()<mma_peak_kernel<false>>(ones, steps * mma_chains * warps * 2 * 16 * 8 * 16);
  }
  return 0;
}

double copy_bandwidth(double bytes) {
  const auto half = static_cast<std::size_t>(bytes / 2);
  const DeviceMemory from(half), to(half);
  const CudaStream& stream = bench_stream();
  check_cuda(cudaMemsetAsync(from.data(), 1, half, stream), "cudaMemsetAsync");
  const CudaEvent begin, end;
  double best = 0;
  for (int i = 0; i < 8; ++i) {
    begin.record(stream);
    check_cuda(cudaMemcpyAsync(to.data(), from.data(), half, cudaMemcpyDeviceToDevice, stream), "cudaMemcpyAsync");
    end.record(stream);
    best = std::max(best, 2.0 * static_cast<double>(half) / end.seconds_since(begin));
  }
  return best;
}

}  // namespace tinygan::bench::gpu
