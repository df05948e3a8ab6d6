// Ops between this library's layouts and channels first, that of PyTorch and cuDNN: permutations of four axes.
#pragma once

#include <vector>

#include <tinygan/ops/shape.hpp>

namespace tinygan::ops {

namespace detail {

template <class T>
Variable<T> permute_four(const char* op, const char* axes, const Variable<T>& x, const std::vector<int>& order) {
  check_input(op, "input", x);
  check(x.rank() == 4, op, "input ", x.shape(), " has rank ", x.rank(), ", expected 4 ", axes);
  return permute(x, order);
}

}  // namespace detail

/// Images (N,H,W,C) as (N,C,H,W), channels first. Throws Error on another rank.
template <class T>
Variable<T> to_nchw(const Variable<T>& x) {
  return detail::permute_four("to_nchw", "(N,H,W,C)", x, {0, 3, 1, 2});
}

/// Images (N,C,H,W) as (N,H,W,C), channels last. Throws Error on another rank.
template <class T>
Variable<T> to_nhwc(const Variable<T>& x) {
  return detail::permute_four("to_nhwc", "(N,C,H,W)", x, {0, 2, 3, 1});
}

/// A filter (R,S,C,K) as (K,C,R,S). Throws Error on another rank.
template <class T>
Variable<T> to_kcrs(const Variable<T>& w) {
  return detail::permute_four("to_kcrs", "(R,S,C,K)", w, {3, 2, 0, 1});
}

/// A filter (K,C,R,S) as (R,S,C,K). Throws Error on another rank.
template <class T>
Variable<T> to_rsck(const Variable<T>& w) {
  return detail::permute_four("to_rsck", "(K,C,R,S)", w, {2, 3, 1, 0});
}

}  // namespace tinygan::ops
