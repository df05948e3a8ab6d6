// Permutations of axes, and the layouts that other libraries use: channels first for images and filters.
#pragma once

#include <cstddef>
#include <type_traits>
#include <vector>

#include <tinygan/base/outline.hpp>
#include <tinygan/tensor/tensor.hpp>

namespace tinygan {

namespace detail {

/// Axis i of the result is axis order[i] of the operand.
struct Permutation {
  Shape shape;               ///< of the result
  PermuteDims dims;          ///< extents of the result, strides of the operand
  std::vector<int> inverse;  ///< the order that undoes this one
};

/// Throws Error, as "permute", unless `order` names every axis of the operand once.
Permutation permutation(const Shape& shape, const std::vector<int>& order);

/// to[i] = from[sum of index x stride], in host memory: `to` is row-major, strides are in elements.
template <class T>
void gather_strided(const PermuteDims& d, const T* from, T* to) {
  index_t at[PermuteDims::rank] = {};
  while (true) {
    *to++ = *from;
    int axis = PermuteDims::rank - 1;
    for (; axis >= 0; --axis) {
      from += d.stride[axis];
      if (++at[axis] < d.extent[axis]) break;
      from -= d.stride[axis] * d.extent[axis];
      at[axis] = 0;
    }
    if (axis < 0) return;
  }
}

template <class T>
Tensor<T> permute(const Tensor<T>& x, const Permutation& p) {
  if constexpr (std::is_floating_point_v<T> || std::is_same_v<T, bfloat16>) {
    Tensor<T> y(p.shape, x.device());
    kernels<T>(x.device()).permute(p.dims, x.data(), y.data(), Stream{});
    return y;
  } else {  // no kernels
    const Tensor<T> from = x.to(Device::cpu()), y(p.shape);
    gather_strided(p.dims, static_cast<const T*>(from.data()), y.data());
    return y.to(x.device());
  }
}

/// The four axes of images or of a filter, reordered. Throws Error on another rank.
template <class T>
Tensor<T> permute_four(const char* op, const char* axes, const Tensor<T>& x, const std::vector<int>& order) {
  check(x.rank() == 4, op, "input ", x.shape(), " has rank ", x.rank(), ", expected 4 ", axes);
  return permute(x, permutation(x.shape(), order));
}

}  // namespace detail

/// A copy of x with axis i being x's axis order[i]. Throws Error unless `order` names every axis once.
template <class T>
Tensor<T> permute(const Tensor<T>& x, const std::vector<int>& order) {
  return detail::permute(x, detail::permutation(x.shape(), order));
}

/// Images (N,H,W,C) as a copy (N,C,H,W), channels first. Throws Error on another rank.
template <class T>
Tensor<T> to_nchw(const Tensor<T>& x) {
  return detail::permute_four("to_nchw", "(N,H,W,C)", x, {0, 3, 1, 2});
}

/// Images (N,C,H,W) as a copy (N,H,W,C), channels last. Throws Error on another rank.
template <class T>
Tensor<T> to_nhwc(const Tensor<T>& x) {
  return detail::permute_four("to_nhwc", "(N,C,H,W)", x, {0, 2, 3, 1});
}

/// A filter (R,S,C,K) as a copy (K,C,R,S), PyTorch's layout of Conv2d; (R,S,out,in) of a transposed convolution becomes
/// (in,out,R,S), that of ConvTranspose2d. Throws Error on another rank.
template <class T>
Tensor<T> to_kcrs(const Tensor<T>& w) {
  return detail::permute_four("to_kcrs", "(R,S,C,K)", w, {3, 2, 0, 1});
}

/// A filter (K,C,R,S) as a copy (R,S,C,K): the inverse of to_kcrs. Throws Error on another rank.
template <class T>
Tensor<T> to_rsck(const Tensor<T>& w) {
  return detail::permute_four("to_rsck", "(K,C,R,S)", w, {2, 3, 1, 0});
}

}  // namespace tinygan

#ifdef TINYGAN_FUNC

namespace tinygan::detail {

TINYGAN_FUNC Permutation permutation(const Shape& shape, const std::vector<int>& order) {
  const int rank = shape.rank();
  check(static_cast<int>(order.size()) == rank, "permute", order.size(), " axes for shape ", shape);
  std::vector<index_t> strides(order.size()), extents;
  index_t run = 1;
  for (int axis = rank - 1; axis >= 0; --axis) {
    strides[static_cast<std::size_t>(axis)] = run;
    run *= shape[axis];
  }
  Permutation p;
  p.inverse.assign(order.size(), -1);
  for (int i = 0; i < rank; ++i) {
    const int named = order[static_cast<std::size_t>(i)];
    check(named >= -rank && named < rank, "permute", "axis ", named, " of ", shape, ", expected ", -rank, " to ",
          rank - 1);
    const int from = shape.resolve(named);
    check(p.inverse[static_cast<std::size_t>(from)] < 0, "permute", "axis ", from, " is named twice");
    p.inverse[static_cast<std::size_t>(from)] = i;
    extents.push_back(shape[from]);
    p.dims.extent[PermuteDims::rank - rank + i] = shape[from];
    p.dims.stride[PermuteDims::rank - rank + i] = strides[static_cast<std::size_t>(from)];
  }
  p.shape = Shape(extents);
  return p;
}

}  // namespace tinygan::detail

#endif
