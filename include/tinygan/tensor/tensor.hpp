// Tensor<T>: a shape over shared storage on one device.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include <tinygan/backend/workspace.hpp>
#include <tinygan/base/device.hpp>
#include <tinygan/base/shape.hpp>
#include <tinygan/base/stream.hpp>
#include <tinygan/tensor/kernels.hpp>
#include <tinygan/tensor/storage.hpp>

namespace tinygan {

/// A contiguous row-major array. Copies share storage, as do reshape() and views of outer dimensions; clone() copies.
/// A default-constructed or moved-from tensor is empty: defined() is false, data() null, and all else throws Error.
template <class T>
class Tensor {
 public:
  Tensor() = default;
  Tensor(const Tensor&) = default;
  Tensor& operator=(const Tensor&) = default;
  /// Leaves `other` empty.
  Tensor(Tensor&& other) noexcept
      : storage_(std::move(other.storage_)), shape_(std::exchange(other.shape_, Shape{})),
        data_(std::exchange(other.data_, nullptr)) {}
  Tensor& operator=(Tensor&& other) noexcept {
    Tensor moved(std::move(other));
    std::swap(storage_, moved.storage_);
    std::swap(shape_, moved.shape_);
    std::swap(data_, moved.data_);
    return *this;
  }
  ~Tensor() = default;

  /// Uninitialised elements. Throws Error if the device is unavailable or out of memory.
  explicit Tensor(const Shape& shape, Device device = Device::cpu()) : shape_(shape) {
    shape.check_size("Tensor");
    storage_ = std::make_shared<detail::Storage>(static_cast<std::size_t>(shape.size()) * sizeof(T), device);
    data_ = static_cast<T*>(storage_->data());
  }

  /// Every element `value`. Throws Error if the device is unavailable or out of memory, as do zeros and scalar.
  static Tensor full(const Shape& shape, T value, Device device = Device::cpu());
  /// Every element 0.
  static Tensor zeros(const Shape& shape, Device device = Device::cpu()) { return full(shape, T(0), device); }
  /// One element without an axis, of shape ().
  static Tensor scalar(T value, Device device = Device::cpu()) { return full({}, value, device); }

  /// Elements copied from host memory. Throws Error unless there are shape.size() of them.
  static Tensor from(std::span<const T> values, const Shape& shape, Device device = Device::cpu());
  /// The same of a list.
  static Tensor from(std::initializer_list<T> values, const Shape& shape, Device device = Device::cpu());

  /// A tensor over foreign memory, without a copy: shape.size() elements from `data` on, in the device's memory.
  /// `owner` is released with the last tensor that shares the storage, after the device's kernels; without an owner the
  /// caller keeps the memory alive. Alignment to T suffices: kernels check for more, and are faster with 64 bytes.
  /// Throws Error if the device is unavailable, and on a null or misaligned address.
  static Tensor from_blob(T* data, const Shape& shape, std::shared_ptr<const void> owner,
                          Device device = Device::cpu());
  /// The same of memory that the caller keeps alive.
  static Tensor from_blob(T* data, const Shape& shape, Device device = Device::cpu()) {
    return from_blob(data, shape, nullptr, device);
  }

  bool defined() const { return storage_ != nullptr; }
  const Shape& shape() const& { return require().shape_; }
  Shape shape() && { return require().shape_; }
  index_t size() const { return require().shape_.size(); }
  int rank() const { return require().shape_.rank(); }
  /// The extent of an axis; negative ones count from the last. Throws Error outside them.
  index_t extent(int axis) const { return require().shape_[axis]; }
  Device device() const { return require().storage_->device(); }
  std::size_t bytes() const { return static_cast<std::size_t>(size()) * sizeof(T); }

  /// The first element, in the device's memory. After writing through it: bump_version().
  T* data() const { return data_; }

  /// The elements, for a tensor in host memory. After writing through it: bump_version(). Throws Error for any other
  /// device.
  std::span<T> host() const& {
    check(backend(device()).host_memory, "Tensor::host", "the tensor is on ", device(), "; use to(Device::cpu())");
    return {data_, static_cast<std::size_t>(size())};
  }
  /// The span of a temporary would outlive its elements: name the tensor first, or use to_vector().
  std::span<T> host() const&& = delete;

  /// Version of the storage's contents; views share it. A tape compares it with the version at recording, so that no
  /// gradient is computed from a value that was overwritten in between.
  std::uint64_t version() const { return require().storage_->version(); }
  /// Marks the contents as changed, after writes through data() or host(). fill(), copy_from(), optimisers and layers
  /// do it.
  void bump_version() const { require().storage_->bump_version(); }

  /// The same elements under another shape. Throws Error if the sizes differ or the tensor is empty.
  Tensor reshape(const Shape& shape) const;

  /// Rows [begin, end) of the outermost axis, without a copy. Throws Error outside it.
  Tensor rows(index_t begin, index_t end) const;

  /// One row of the outermost axis with that axis dropped, without a copy. Throws Error outside it.
  Tensor operator[](index_t row) const;

  /// Whether both are in the same memory, a row and its tensor for instance.
  bool shares_storage(const Tensor& other) const { return storage_ == other.storage_; }
  /// True if no other tensor shares the storage. Foreign memory always counts as shared.
  bool unique() const { return storage_.use_count() == 1 && !storage_->foreign(); }

  /// This tensor if it is on that device already, else a copy.
  Tensor to(Device target) const { return target == device() ? *this : copy_to(target); }
  Tensor clone() const { return copy_to(device()); }

  /// Overwrites the elements from host memory. Throws Error unless there are size() of them.
  void copy_from(std::span<const T> values) const;
  /// Overwrites the elements with those of a tensor on any device. Throws Error on another shape.
  void copy_from(const Tensor& other) const;
  /// Sets every element.
  void fill(T value) const;

  std::vector<T> to_vector() const;

  /// The value of a one-element tensor. Throws Error for any other.
  T item() const {
    check(size() == 1, "item", "a tensor of shape ", shape_, " has ", size(), " elements, expected 1");
    T value;
    detail::copy_bytes(&value, Device::cpu(), data_, device(), sizeof(T));
    return value;
  }

 private:
  const Tensor& require() const {
    check(defined(), "Tensor", "the tensor is empty: default-constructed or moved from");
    return *this;
  }

  Tensor copy_to(Device target) const;

  std::shared_ptr<detail::Storage> storage_;
  Shape shape_;
  T* data_ = nullptr;
};

template <class T>
Tensor<T> Tensor<T>::full(const Shape& shape, T value, Device device) {
  Tensor t(shape, device);
  t.fill(value);
  return t;
}

template <class T>
Tensor<T> Tensor<T>::from(std::span<const T> values, const Shape& shape, Device device) {
  Tensor t(shape, device);
  t.copy_from(values);
  return t;
}

template <class T>
Tensor<T> Tensor<T>::from(std::initializer_list<T> values, const Shape& shape, Device device) {
  return from(std::span<const T>(values.begin(), values.size()), shape, device);
}

template <class T>
Tensor<T> Tensor<T>::from_blob(T* data, const Shape& shape, std::shared_ptr<const void> owner, Device device) {
  shape.check_size("from_blob");
  backend(device);  // throws if unavailable
  check(data != nullptr, "from_blob", "the address is null, expected ", shape.size(), " elements");
  const auto address = reinterpret_cast<std::uintptr_t>(data);
  check(address % alignof(T) == 0, "from_blob", "the address is ", address % alignof(T), " bytes above a multiple of ",
        alignof(T), ", the alignment of an element");
  Tensor t;
  t.storage_ = std::make_shared<detail::Storage>(data, device, std::move(owner));
  t.shape_ = shape;
  t.data_ = data;
  return t;
}

template <class T>
Tensor<T> Tensor<T>::reshape(const Shape& shape) const {
  check(shape.size() == size(), "reshape", "shape ", shape, " has ", shape.size(), " elements, expected ", size(),
        ", as ", shape_, " has");
  Tensor t = *this;
  t.shape_ = shape;
  return t;
}

template <class T>
Tensor<T> Tensor<T>::rows(index_t begin, index_t end) const {
  check(rank() >= 1, "rows", "a scalar has no rows");
  check(begin >= 0 && begin < end && end <= shape_[0], "rows", "rows [", begin, ", ", end, ") of axis 0 of ", shape_,
        ", expected 0 <= begin < end <= ", shape_[0]);
  Tensor t = *this;
  t.shape_ = shape_.with(0, end - begin);
  t.data_ = data_ + begin * (size() / shape_[0]);
  return t;
}

template <class T>
Tensor<T> Tensor<T>::operator[](index_t row) const {
  check(rank() >= 1, "operator[]", "a scalar has no rows");
  check(row >= 0 && row < shape_[0], "operator[]", "row ", row, " of axis 0 of ", shape_, ", expected 0 to ",
        shape_[0] - 1);
  const Tensor one = rows(row, row + 1);
  return one.reshape(Shape(one.shape_.extents().subspan(1)));
}

template <class T>
void Tensor<T>::copy_from(std::span<const T> values) const {
  check(static_cast<index_t>(values.size()) == size(), "copy_from", values.size(), " values for shape ", shape_, " (",
        size(), " elements)");
  detail::copy_bytes(data_, device(), values.data(), Device::cpu(), bytes());
  bump_version();
}

template <class T>
void Tensor<T>::copy_from(const Tensor& other) const {
  check(other.shape() == shape(), "copy_from", "shape ", other.shape_, ", expected ", shape_);
  detail::copy_bytes(data_, device(), other.data_, other.device(), bytes());
  bump_version();
}

template <class T>
void Tensor<T>::fill(T value) const {
  if constexpr (std::is_floating_point_v<T> || std::is_same_v<T, bfloat16>) {
    kernels<T>(device()).fill(size(), static_cast<wide_t<T>>(value), data_, Stream{});
    bump_version();
  } else {
    const std::vector<T> values(static_cast<std::size_t>(size()), value);
    copy_from(std::span<const T>(values));
  }
}

template <class T>
std::vector<T> Tensor<T>::to_vector() const {
  std::vector<T> values(static_cast<std::size_t>(size()));
  detail::copy_bytes(values.data(), Device::cpu(), data_, device(), bytes());
  return values;
}

template <class T>
Tensor<T> Tensor<T>::copy_to(Device target) const {
  Tensor t(shape_, target);
  detail::copy_bytes(t.data_, target, data_, device(), bytes());
  return t;
}

/// A kernel's scratch from the device's memory pool.
class PoolWorkspace final : public Workspace {
 public:
  explicit PoolWorkspace(Device device) : device_(device) {}

 private:
  void* allocate_bytes(std::size_t bytes) override {
    check(!memory_.defined(), "workspace", "a kernel allocates twice, expected once");
    memory_ = Tensor<std::byte>({static_cast<index_t>(bytes)}, device_);
    return memory_.data();
  }

  Device device_;
  Tensor<std::byte> memory_;
};

}  // namespace tinygan
