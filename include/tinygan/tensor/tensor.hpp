// Tensor<T>: a shape over shared storage on one device.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include <tinygan/base/device.hpp>
#include <tinygan/base/shape.hpp>
#include <tinygan/base/stream.hpp>
#include <tinygan/tensor/registry.hpp>

namespace tinygan {

/// A contiguous row-major array. Copies share storage, as do reshape() and views of outer dimensions; clone() copies.
/// A default-constructed tensor is empty: it has no storage, and only defined() may be asked of it.
template <class T>
class Tensor {
 public:
  Tensor() = default;

  /// Uninitialised elements. Throws Error when the device is not to be had or out of memory.
  explicit Tensor(const Shape& shape, Device device = Device::cpu())
      : storage_(std::make_shared<Storage>(static_cast<std::size_t>(shape.size()) * sizeof(T), device)), shape_(shape) {
    data_ = static_cast<T*>(storage_->data());
  }

  static Tensor full(const Shape& shape, T value, Device device = Device::cpu()) {
    Tensor t(shape, device);
    t.fill(value);
    return t;
  }
  static Tensor zeros(const Shape& shape, Device device = Device::cpu()) { return full(shape, T(0), device); }
  static Tensor scalar(T value, Device device = Device::cpu()) { return full({}, value, device); }

  /// Elements copied from host memory. Throws Error unless there are shape.size() of them.
  static Tensor from(std::span<const T> values, const Shape& shape, Device device = Device::cpu()) {
    Tensor t(shape, device);
    t.copy_from(values);
    return t;
  }
  static Tensor from(std::initializer_list<T> values, const Shape& shape, Device device = Device::cpu()) {
    return from(std::span<const T>(values.begin(), values.size()), shape, device);
  }

  bool defined() const { return storage_ != nullptr; }
  const Shape& shape() const { return shape_; }
  index_t size() const { return shape_.size(); }
  int rank() const { return shape_.rank(); }
  index_t extent(int axis) const { return shape_[axis]; }
  Device device() const { return storage_->device(); }
  std::size_t bytes() const { return static_cast<std::size_t>(size()) * sizeof(T); }

  /// The first element, in the device's memory.
  T* data() const { return data_; }

  /// The elements, for a tensor in host memory. Throws Error for any other.
  std::span<T> host() const {
    check(device().type == DeviceType::cpu, "Tensor::host", "the tensor lives on ", device(), "; use to(Device::cpu())");
    return {data_, static_cast<std::size_t>(size())};
  }

  /// The same elements under another shape. Throws Error if the sizes differ.
  Tensor reshape(const Shape& shape) const {
    check(shape.size() == size(), "reshape", "cannot make ", shape, " (", shape.size(), " elements) of ", shape_, " (",
          size(), ")");
    Tensor t = *this;
    t.shape_ = shape;
    return t;
  }

  /// Rows [begin, end) of the outermost axis, without a copy. Throws Error outside it.
  Tensor rows(index_t begin, index_t end) const {
    check(rank() >= 1, "rows", "a scalar has no rows");
    check(begin >= 0 && begin < end && end <= shape_[0], "rows", "[", begin, ", ", end, ") of ", shape_);
    Tensor t = *this;
    t.shape_ = shape_.with(0, end - begin);
    t.data_ = data_ + begin * (size() / shape_[0]);
    return t;
  }

  /// One row of the outermost axis with that axis dropped, without a copy. Throws Error outside it.
  Tensor operator[](index_t row) const {
    const Tensor one = rows(row, row + 1);
    return one.reshape(Shape(one.shape_.extents().subspan(1)));
  }

  bool shares_storage(const Tensor& other) const { return storage_ == other.storage_; }
  /// True if no other tensor sees these elements.
  bool unique() const { return storage_.use_count() == 1; }

  /// This tensor if it lives there already, else a copy on that device.
  Tensor to(Device target) const { return target == device() ? *this : copy_to(target); }
  Tensor clone() const { return copy_to(device()); }

  void copy_from(std::span<const T> values) const {
    check(static_cast<index_t>(values.size()) == size(), "copy_from", values.size(), " values for shape ", shape_, " (",
          size(), " elements)");
    detail::copy_bytes(data_, device(), values.data(), Device::cpu(), bytes());
  }
  void copy_from(const Tensor& other) const {
    check(other.shape_ == shape_, "copy_from", "shape ", other.shape_, ", expected ", shape_);
    detail::copy_bytes(data_, device(), other.data_, other.device(), bytes());
  }
  void fill(T value) const {
    if constexpr (std::is_floating_point_v<T> || std::is_same_v<T, bfloat16>) {
      kernels<T>(device()).fill(size(), static_cast<wide_t<T>>(value), data_, Stream{});
    } else {
      const std::vector<T> values(static_cast<std::size_t>(size()), value);
      copy_from(std::span<const T>(values));
    }
  }

  std::vector<T> to_vector() const {
    std::vector<T> values(static_cast<std::size_t>(size()));
    detail::copy_bytes(values.data(), Device::cpu(), data_, device(), bytes());
    return values;
  }

  /// The value of a one-element tensor. Throws Error for any other.
  T item() const {
    check(size() == 1, "item", "a tensor of shape ", shape_, " has ", size(), " elements, expected 1");
    T value;
    detail::copy_bytes(&value, Device::cpu(), data_, device(), sizeof(T));
    return value;
  }

 private:
  class Storage {
   public:
    Storage(std::size_t bytes, Device device)
        : pool_(&pool(device)), block_(pool_->allocate(bytes)), device_(device) {}
    ~Storage() { pool_->release(block_); }
    Storage(const Storage&) = delete;
    Storage& operator=(const Storage&) = delete;

    void* data() const { return block_->data; }
    Device device() const { return device_; }

   private:
    Pool* pool_;
    Pool::Block* block_;
    Device device_;
  };

  Tensor copy_to(Device target) const {
    Tensor t(shape_, target);
    detail::copy_bytes(t.data_, target, data_, device(), bytes());
    return t;
  }

  std::shared_ptr<Storage> storage_;
  Shape shape_;
  T* data_ = nullptr;
};

/// Scratch memory for one kernel call; null when nothing is needed.
class Workspace {
 public:
  Workspace(std::size_t bytes, Device device) {
    if (bytes > 0) memory_ = Tensor<std::byte>({static_cast<index_t>(bytes)}, device);
  }
  void* data() const { return memory_.data(); }

 private:
  Tensor<std::byte> memory_;
};

}  // namespace tinygan
