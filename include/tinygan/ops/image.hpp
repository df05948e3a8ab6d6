// Translation and cutout of images x(N,H,W,C), each image by integers of its own in device memory.
#pragma once

#include <cstdint>

#include <tinygan/autograd/grad.hpp>
#include <tinygan/ops/inputs.hpp>

namespace tinygan::ops {

namespace detail {

/// Throws Error unless x is images and `positions` has a row and a column for each on the same device.
template <class T>
void check_images(const char* op, const Variable<T>& x, const char* name, const Tensor<std::int32_t>& positions) {
  check_input(op, "input", x);
  check(x.rank() == 4, op, "input ", x.shape(), " has rank ", x.rank(), ", expected 4 (N,H,W,C)");
  check(positions.defined(), op, name, " are empty, expected a tensor");
  check(positions.shape() == Shape{x.shape()[0], 2}, op, name, " ", positions.shape(), ", expected ",
        Shape{x.shape()[0], 2}, ", a row and a column for each image");
  check(positions.device() == x.device(), op, name, " on ", positions.device(), ", input on ", x.device());
}

template <class T>
Variable<T> translate(const Variable<T>& x, const SavedTensor<std::int32_t>& offsets, int sign) {
  const Shape& s = x.shape();
  const TranslateDims d{s[0], s[1], s[2], s[3], sign};
  Tensor<T> y(s, x.device());
  kernels<T>(x.device()).translate(d, offsets.get().data(), x.value().data(), y.data(), Stream{});
  return record<T>("translate", y, {x},
                   [offsets, sign](const Backward<T>& c) { return std::vector{translate(c.g, offsets, -sign)}; });
}

template <class T>
Variable<T> cutout(const Variable<T>& x, const SavedTensor<std::int32_t>& corners, index_t rows, index_t columns) {
  const Shape& s = x.shape();
  const CutoutDims d{s[0], s[1], s[2], s[3], rows, columns};
  Tensor<T> y(s, x.device());
  kernels<T>(x.device()).cutout(d, corners.get().data(), x.value().data(), y.data(), Stream{});
  return record<T>("cutout", y, {x}, [corners, rows, columns](const Backward<T>& c) {
    return std::vector{cutout(c.g, corners, rows, columns)};
  });
}

}  // namespace detail

/// y[n,h,w,c] = x[n, h - o[n,0], w - o[n,1], c], 0 outside x: each image moved down and to the right by its offsets
/// o(N,2). The gradient is the opposite translation. Throws Error on a wrong rank, shape or device.
template <class T>
Variable<T> translate(const Variable<T>& x, const Tensor<std::int32_t>& offsets) {
  detail::check_images("translate", x, "offsets", offsets);
  return detail::translate(x, {"the offsets of a translation", offsets}, 1);
}

/// y = x with a window of rows x columns in each image set to zero, its first pixel at corner[n] (row, column); it may
/// lie partly or wholly outside. Throws Error on a wrong rank, shape or device, and on a window below 1x1.
/// Source: DeVries & Taylor 2017.
template <class T>
Variable<T> cutout(const Variable<T>& x, const Tensor<std::int32_t>& corners, index_t rows, index_t columns) {
  detail::check_images("cutout", x, "corners", corners);
  check(rows >= 1 && columns >= 1, "cutout", "a window of ", rows, "x", columns, ", expected at least 1x1");
  return detail::cutout(x, {"the corners of a cutout", corners}, rows, columns);
}

}  // namespace tinygan::ops
