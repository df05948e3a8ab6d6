// Kernels with one fault each, under the names that cuda_compile.sh judges: its checks must find every one of them.
#include <cstdint>

struct MmaTile;

__device__ __forceinline__ void multiply(float (&d)[4], std::uint64_t a, std::uint64_t b) {
#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
  asm volatile("wgmma.mma_async.sync.aligned.m64n8k16.f32.bf16.bf16 {%0, %1, %2, %3}, %4, %5, 1, 1, 1, 0, 0;"
               : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
               : "l"(a), "l"(b));
#endif
}

// A sum between two products: ptxas serialises them. No UTMALDG either.
__global__ void wgmma_serialised_kernel(std::uint64_t a, std::uint64_t b, float* out) {
#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
  float d[4] = {};
  asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
  multiply(d, a, b);
  d[0] += 1;
  multiply(d, a + 2, b);
  asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
  asm volatile("wgmma.wait_group.sync.aligned 0;" ::: "memory");
  for (int i = 0; i < 4; ++i) out[threadIdx.x * 4 + i] = d[i];
#endif
}

// wgmma where it does not belong.
__global__ void gemv_dots_kernel(std::uint64_t a, std::uint64_t b, float* out) {
#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
  float d[4] = {};
  asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
  multiply(d, a, b);
  asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
  asm volatile("wgmma.wait_group.sync.aligned 0;" ::: "memory");
  for (int i = 0; i < 4; ++i) out[threadIdx.x * 4 + i] = d[i];
#endif
}

// Empty, as if the architecture had no wgmma.
__global__ void wgmma_empty_kernel() {}

// Tiles that multiply without tensor cores.
template <class P>
__global__ void gemm_kernel(const float* a, float* out) {
  out[threadIdx.x] += a[threadIdx.x] * a[threadIdx.x + 1];
}
template __global__ void gemm_kernel<MmaTile>(const float*, float*);

// Tensor cores outside of the tiles.
__global__ void tap_conv_kernel(unsigned a, unsigned b, float* out) {
  float d[4] = {};
  asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %4}, {%5}, {%0, %1, %2, %3};"
               : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
               : "r"(a), "r"(b));
  for (int i = 0; i < 4; ++i) out[threadIdx.x * 4 + i] = d[i];
}

// Packs stored in words.
template <int N>
__global__ void batch_norm_backward_kernel(int count, float* out) {
  for (int k = 0; k < N; k += 2)
    if (k < count) out[threadIdx.x * N + k] = 1.0f;
}
template __global__ void batch_norm_backward_kernel<8>(int, float*);

// An array indexed by data: local memory.
__global__ void adam_kernel(const int* at, float* out) {
  float kept[64] = {};
  for (int i = 0; i < at[0]; ++i) kept[at[i] & 63] += out[i];
  for (int i = 0; i < 64; ++i) out[threadIdx.x * 64 + i] = kept[i];
}
