// Elements by index along an axis: gathering, and addition at indices, each the adjoint of the other.
//
// Indices are tensors of std::int32_t on the device of the data. On the CPU one outside the axis is an Error. In device
// memory reading them would make the host wait in every step, so it gives NaN when gathered and is ignored when added,
// but in an AnomalyScope.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <tinygan/autograd/anomaly.hpp>
#include <tinygan/ops/inputs.hpp>

namespace tinygan::ops {

namespace detail {

/// Throws Error unless there are indices, on the device of the data and, where they can be read, in [0, extent).
inline void check_indices(const char* op, const Tensor<std::int32_t>& index, index_t extent, Device device) {
  check(index.defined(), op, "the indices are empty, expected a tensor of them");
  check(index.device() == device, op, "indices on ", index.device(), " and data on ", device);
  const bool on_host = backend(device).host_memory;
  if (!on_host && !detecting_anomalies()) return;
  const std::vector<std::int32_t> copy = on_host ? std::vector<std::int32_t>() : index.to_vector();
  const std::span<const std::int32_t> values = on_host ? index.host() : std::span<const std::int32_t>(copy);
  for (std::size_t i = 0; i < values.size(); ++i)
    check(values[i] >= 0 && values[i] < extent, op, "index ", values[i], " at element ", i, " of ", index.shape(),
          ", expected 0 to ", extent - 1);
}

/// A gather or scatter along one axis, and the shapes of its two sides.
struct Indexed {
  IndexDims d;
  Shape whole, selected;  // with the axis, and at the indices
  SavedTensor<std::int32_t> index;
};

template <class T>
Variable<T> scatter(const Variable<T>& g, const Indexed& a);

template <class T>
Variable<T> gather(const Variable<T>& x, const Indexed& a) {
  Tensor<T> y(a.selected, x.device());
  kernels<T>(x.device()).gather(a.d, a.index.get().data(), x.value().data(), y.data(), Stream{});
  return record<T>("gather", y, {x}, [a](const Backward<T>& c) { return std::vector{scatter(c.g, a)}; });
}

template <class T>
Variable<T> scatter(const Variable<T>& g, const Indexed& a) {
  Tensor<T> dx(a.whole, g.device());
  kernels<T>(g.device()).scatter_add(a.d, a.index.get().data(), g.value().data(), dx.data(), Stream{});
  return record<T>("scatter_add", dx, {g}, [a](const Backward<T>& c) { return std::vector{gather(c.g, a)}; });
}

/// By one list of indices for the whole axis, whose place the list's axes take.
inline Indexed shared_indices(const char* op, const Shape& whole, const Tensor<std::int32_t>& index, int axis,
                              Device device) {
  const int at = resolve_axis(op, whole, axis);
  check_indices(op, index, whole[at], device);
  std::vector<index_t> extents;
  for (int i = 0; i < at; ++i) extents.push_back(whole[i]);
  for (const index_t e : index.shape().extents()) extents.push_back(e);
  for (int i = at + 1; i < whole.rank(); ++i) extents.push_back(whole[i]);
  check(static_cast<int>(extents.size()) <= Shape::max_rank, op, "indices ", index.shape(), " along axis ", axis,
        " of ", whole, " give rank ", extents.size(), ", expected at most ", Shape::max_rank);
  const IndexDims d{whole.range_size(0, at), whole[at], index.size(), whole.range_size(at + 1, whole.rank())};
  return {d, whole, Shape(extents), {"the indices", index}};
}

/// By an index of its own for every element of the result.
inline Indexed own_indices(const char* op, const Shape& whole, const Tensor<std::int32_t>& index, int axis,
                           Device device) {
  const int at = resolve_axis(op, whole, axis);
  check_indices(op, index, whole[at], device);
  const Shape& shape = index.shape();
  check(shape.rank() == whole.rank() && shape.with(at, 1) == whole.with(at, 1), op, "indices ", shape, " for ", whole,
        ", expected the same extents beside axis ", axis);
  return {
      {whole.range_size(0, at), whole[at], shape[at], whole.range_size(at + 1, whole.rank()), IndexDims::Indices::each},
      whole,
      shape,
      {"the indices", index}};
}

}  // namespace detail

/// The slices of x along an axis that `index` names, in its order: for indices of shape (J, ..) along axis 1 of
/// x(O,E,I), y(O,J,..,I)[o,j,..,i] = x[o, index[j,..], i], as NumPy's take and PyTorch's index_select. Throws Error on
/// a missing axis and, on the CPU, on an index outside it.
template <class T>
Variable<T> take(const Variable<T>& x, const Tensor<std::int32_t>& index, int axis = 0) {
  detail::check_input("take", "input", x);
  return detail::gather(x, detail::shared_indices("take", x.shape(), index, axis, x.device()));
}

/// One element along an axis for every index: y[o,j,i] = x[o, index[o,j,i], i], as NumPy's take_along_axis and
/// PyTorch's gather. Throws Error unless `index` has x's extents beside the axis and, on the CPU, on an index outside
/// the axis.
template <class T>
Variable<T> take_along_axis(const Variable<T>& x, const Tensor<std::int32_t>& index, int axis) {
  detail::check_input("take_along_axis", "input", x);
  return detail::gather(x, detail::own_indices("take_along_axis", x.shape(), index, axis, x.device()));
}

/// Zeros with `extent` slices along an axis, to which those of g are added at the indices: the adjoint of take with a
/// list of indices. Throws Error unless there is an index for each slice of g and, on the CPU, on one outside [0,
/// extent).
template <class T>
Variable<T> scatter_add(const Variable<T>& g, const Tensor<std::int32_t>& index, index_t extent, int axis = 0) {
  detail::check_input("scatter_add", "input", g);
  const int at = detail::resolve_axis("scatter_add", g.shape(), axis);
  check(extent >= 1, "scatter_add", "extent ", extent, ", expected at least 1");
  check(index.defined() && index.rank() == 1 && index.size() == g.shape()[at], "scatter_add", "indices ",
        index.defined() ? index.shape() : Shape{}, " for axis ", axis, " of ", g.shape(), ", expected (", g.shape()[at],
        ",)");
  return detail::scatter(g, detail::shared_indices("scatter_add", g.shape().with(at, extent), index, axis, g.device()));
}

}  // namespace tinygan::ops
