// TMA: copies of boxes of a tensor into shared memory by the copy engine (sm_90). The host describes the tensor once, a
// single thread names a box; its bytes count towards a phase of an mbarrier. Elements outside of the tensor are
// zero.
//
// A tensor has four dimensions, innermost first, and comes as rows of 128 bytes in which 16-byte chunks are exchanged
// by bits 7 to 9 of their address (SWIZZLE_128B): the layout of wgmma, free of bank conflicts. The destination is
// 1024-byte aligned. On the emulated device it is poison until a thread waits for its mbarrier.
// Source: PTX ISA, "cp.async.bulk.tensor" and "Swizzling modes"; CUDA driver API, cuTensorMapEncodeTiled.
#pragma once

#include <tinygan/backend/bfloat16.hpp>

#include "mbarrier.cuh"

#ifdef __CUDACC__
#include <cuda.h>
#else
#define __grid_constant__
#endif

namespace tinygan::cuda {
namespace {

/// Bytes of a row of a box, all of which one swizzle pattern covers.
inline constexpr int box_row_bytes = 128;

/// A dense tensor (extent[3], extent[2], extent[1], extent[0]) of float or bfloat16 at a 16-byte aligned address, and
/// the box of one copy: 128 bytes of dimension 0.
struct BoxedTensor {
  const void* data;
  int element_bytes;
  index_t extent[4];
  int box[4];
};

#ifdef __CUDACC__

using TensorMap = CUtensorMap;

/// Throws Error if the driver refuses it.
inline TensorMap tensor_map(const BoxedTensor& t) {
  using Encode = decltype(&cuTensorMapEncodeTiled);
  static const Encode encode = [] {  // from the driver at run time, so that programs need not link it
    void* f = nullptr;
    cudaDriverEntryPointQueryResult found{};
#if CUDART_VERSION >= 12050
    check_cuda(cudaGetDriverEntryPointByVersion("cuTensorMapEncodeTiled", &f, 12000, cudaEnableDefault, &found),
               "cudaGetDriverEntryPointByVersion");
#else
    check_cuda(cudaGetDriverEntryPoint("cuTensorMapEncodeTiled", &f, cudaEnableDefault, &found),
               "cudaGetDriverEntryPoint");
#endif
    check(f && found == cudaDriverEntryPointSuccess, "cuTensorMapEncodeTiled", "the driver has no such function");
    return reinterpret_cast<Encode>(f);
  }();
  cuuint64_t extent[4], stride[3];
  cuuint32_t box[4], step[4] = {1, 1, 1, 1};
  cuuint64_t bytes = static_cast<cuuint64_t>(t.element_bytes);
  for (std::size_t i = 0; i < 4; ++i) {
    extent[i] = static_cast<cuuint64_t>(t.extent[i]);
    box[i] = static_cast<cuuint32_t>(t.box[i]);
    bytes *= extent[i];
    if (i < 3) stride[i] = bytes;
  }
  TensorMap map;
  const auto type = t.element_bytes == 2 ? CU_TENSOR_MAP_DATA_TYPE_BFLOAT16 : CU_TENSOR_MAP_DATA_TYPE_FLOAT32;
  const CUresult e =
      encode(&map, type, 4, const_cast<void*>(t.data), extent, stride, box, step, CU_TENSOR_MAP_INTERLEAVE_NONE,
             CU_TENSOR_MAP_SWIZZLE_128B, CU_TENSOR_MAP_L2_PROMOTION_L2_256B, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
  check(e == CUDA_SUCCESS, "cuTensorMapEncodeTiled", "error ", static_cast<int>(e), " for a tensor of ", extent[3],
        " x ", extent[2], " x ", extent[1], " x ", extent[0]);
  return map;
}

/// Prefetches a map into the descriptor cache, so that the first copy does not wait for it. By one thread.
__device__ __forceinline__ void tma_prefetch(const TensorMap& map) {
#if __CUDA_ARCH__ >= 900
  asm volatile("prefetch.tensormap [%0];" ::"l"(&map) : "memory");
#endif
}

/// Starts the copy of the box whose first element is (x0, x1, x2, x3), innermost first. By one thread.
__device__ __forceinline__ void tma_load(void* to, const TensorMap& map, int x0, int x1, int x2, int x3, Mbarrier& b) {
#if __CUDA_ARCH__ >= 900
  asm volatile(
      "cp.async.bulk.tensor.4d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%0], [%1, {%2, %3, %4, %5}], "
      "[%6];" ::"r"(shared_address(to)),
      "l"(&map), "r"(x0), "r"(x1), "r"(x2), "r"(x3), "r"(shared_address(&b))
      : "memory");
#else
  __trap();
#endif
}

#else

struct TensorMap : BoxedTensor {};

inline TensorMap tensor_map(const BoxedTensor& t) {
  const auto refused = [&](const char* what) { fail("cuTensorMapEncodeTiled", what); };
  if (!is_aligned(16, static_cast<const std::byte*>(t.data))) refused("the tensor is not 16-byte aligned");
  if (t.box[0] * t.element_bytes != box_row_bytes) refused("a row of the box is not 128 bytes");
  index_t bytes = t.element_bytes;
  for (std::size_t i = 0; i < 4; ++i) {
    const bool possible = t.extent[i] >= 1 && t.extent[i] <= index_t{1} << 32 && t.box[i] >= 1 && t.box[i] <= 256;
    if (!possible) refused("an extent is out of range");
    bytes *= t.extent[i];
    if (i < 3 && bytes % 16 != 0) refused("a stride is not a multiple of 16 bytes");
  }
  return {t};
}

namespace emulate {

inline int box_bytes(const BoxedTensor& t) { return box_row_bytes * t.box[1] * t.box[2] * t.box[3]; }

/// Not instrumented, as no CUDA thread writes: the first to wait finds the box in place.
TINYGAN_NO_SANITIZE inline void fill_box(const PendingBulk& copy) {
  const auto& t = *static_cast<const TensorMap*>(copy.map);
  auto* const to = static_cast<std::byte*>(copy.to);
  std::uint64_t at = 0;
  for (int i = 0; i < t.box[3]; ++i)
    for (int j = 0; j < t.box[2]; ++j)
      for (int k = 0; k < t.box[1]; ++k)
        for (int l = 0; l < t.box[0]; ++l, at += static_cast<std::uint64_t>(t.element_bytes)) {
          const index_t x[4] = {copy.at[0] + l, copy.at[1] + k, copy.at[2] + j, copy.at[3] + i};
          bool inside = true;
          index_t element = 0;
          for (std::size_t d = 4; d-- > 0;) {
            inside = inside && x[d] >= 0 && x[d] < t.extent[d];
            element = element * t.extent[d] + x[d];
          }
          std::byte* const place = to + (at ^ (at >> 7 & 7) << 4);  // `to` has zeros where the swizzle looks
          const std::byte* const from = static_cast<const std::byte*>(t.data) + element * t.element_bytes;
          for (int b = 0; b < t.element_bytes; ++b) place[b] = inside ? from[b] : std::byte{0};
        }
  arrive(*static_cast<Mbarrier*>(copy.barrier), 0, box_bytes(t));
}

TINYGAN_NO_SANITIZE inline void poison(void* to, std::size_t bytes) {
  auto* const words = static_cast<volatile std::uint64_t*>(to);  // volatile: no call of memset, which is instrumented
  for (std::size_t i = 0; i < bytes / 8; ++i) words[i] = ~std::uint64_t{0};
}

}  // namespace emulate

inline void tma_prefetch(const TensorMap&) {}
inline void tma_load(void* to, const TensorMap& map, int x0, int x1, int x2, int x3, Mbarrier& b) {
  const auto bytes = static_cast<std::size_t>(emulate::box_bytes(map));
  emulate::check_aligned(to, 1024, "a swizzled tile");
  emulate::check_shared(to, 16, "a swizzled tile");
  emulate::check_shared(static_cast<std::byte*>(to) + bytes - 16, 16, "the end of a swizzled tile");
  emulate::poison(to, bytes);
  if (!emulate::machine->bulk_copies().start({&b, to, &emulate::fill_box, &map, {x0, x1, x2, x3}}))
    emulate::machine->violation("tensor copies", "more than ", emulate::PendingBulks::capacity,
                                " are in flight, the limit of the emulated device");
}

#endif

}  // namespace
}  // namespace tinygan::cuda
