// Images (N,H,W,C): translation by an offset and erasure of a window, per image.
//
// Elements     float or bfloat16, copied.
// Owns         a thread makes packs of 4 elements of a row of W*C (single ones where a row's size or an address does
//              not allow it); a translation reads them one by one, as an offset breaks their alignment.
// Shared       none.      Requires  sm_75.
// Determinism  every element is copied by itself.
// Cost         x read once, y written once; an image's offset is read by each of its threads, from L1.
#pragma once

#include <tinygan/backend/image_dims.hpp>
#include <tinygan/base/stream.hpp>

#include "device/map.cuh"
#include "launch.cuh"

namespace tinygan::cuda {
namespace {

/// Packs of rows, and which image, row and first element of the row one of them is.
struct ImagePacks {
  Divisor row, height;  // row in packs
  index_t count;

  struct At {
    index_t image, row, element;
  };
  __device__ At at(index_t i, index_t N) const {
    const index_t line = row.divide(i), image = height.divide(line);
    return {image, line - image * height.value(), (i - line * row.value()) * N};
  }
};

template <int N, class T>
__global__ void __launch_bounds__(map_threads)
    translate_kernel(ImagePacks packs, TranslateDims d, const std::int32_t* offset, const T* x, T* y) {
  const index_t size = packs.row.value() * N;  // of a row
  for (index_t i = grid_thread(); i < packs.count; i += grid_threads()) {
    const ImagePacks::At at = packs.at(i, N);
    const index_t from = at.row - d.sign * index_t{offset[2 * at.image]};
    const index_t first = at.element - d.sign * index_t{offset[2 * at.image + 1]} * d.C;
    const bool inside = from >= 0 && from < d.H;
    const index_t source = (at.image * d.H + from) * size + first;
    Pack<float, N> r;
    TINYGAN_UNROLL
    for (int k = 0; k < N; ++k) r.at[k] = inside && first + k >= 0 && first + k < size ? to_float(x[source + k]) : 0.0f;
    store_floats(y + N * i, r);
  }
}

template <int N, class T>
__global__ void __launch_bounds__(map_threads)
    cutout_kernel(ImagePacks packs, CutoutDims d, const std::int32_t* corner, const T* x, T* y) {
  for (index_t i = grid_thread(); i < packs.count; i += grid_threads()) {
    const ImagePacks::At at = packs.at(i, N);
    const index_t below = at.row - corner[2 * at.image];
    const index_t first = at.element - corner[2 * at.image + 1] * d.C;  // from the window's first element on
    const bool inside = below >= 0 && below < d.rows;
    Pack<float, N> r = load_floats<N>(x + N * i);
    TINYGAN_UNROLL
    for (int k = 0; k < N; ++k)
      if (inside && first + k >= 0 && first + k < d.columns * d.C) r.at[k] = 0.0f;
    store_floats(y + N * i, r);
  }
}

/// f.operator()<N>(packs, launch) with N = 4 if rows and arrays are aligned for vectorised access, else 1.
template <class F, class Dims, class T>
void with_image_packs(const F& f, const Dims& d, const T* x, const T* y, Stream stream) {
  const index_t row = d.W * d.C, N = row % 4 == 0 && is_vector_aligned<4>(x, y) ? 4 : 1;
  const ImagePacks packs{Divisor(row / N), Divisor(d.H), d.N * d.H * row / N};
  const Launch how{.grid = {grid_stride_blocks(packs.count, map_threads)}, .block = {map_threads}, .stream = stream};
  if (N == 4) f.template operator()<4>(packs, how);
  else f.template operator()<1>(packs, how);
}

template <class T>
void translate(const TranslateDims& d, const std::int32_t* offset, const T* x, T* y, Stream stream) {
  with_image_packs([&]<int N>(const ImagePacks& packs,
                              const Launch& how) { launch<translate_kernel<N, T>>(how, packs, d, offset, x, y); },
                   d, x, y, stream);
}

template <class T>
void cutout(const CutoutDims& d, const std::int32_t* corner, const T* x, T* y, Stream stream) {
  with_image_packs([&]<int N>(const ImagePacks& packs,
                              const Launch& how) { launch<cutout_kernel<N, T>>(how, packs, d, corner, x, y); },
                   d, x, y, stream);
}

}  // namespace
}  // namespace tinygan::cuda
