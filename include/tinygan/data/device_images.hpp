// DeviceImages: a data set's pixels in device memory, from which batches are gathered.
#pragma once

#include <tinygan/base/outline.hpp>
#include <tinygan/data/dataset.hpp>
#include <tinygan/tensor/tensor.hpp>

namespace tinygan::data {

/// The bytes of all images on one device; 47 MB for MNIST's training set.
class DeviceImages {
 public:
  /// Throws Error on an empty data set and on a wrong number of pixels.
  explicit DeviceImages(const ImageDataset& d, Device device = Device::cpu());

  index_t count() const { return images_.extent(0); }
  Device device() const { return images_.device(); }

  /// Overwrites all images, at the same address, by as many bytes.
  void replace(std::span<const std::uint8_t> bytes) { images_.copy_from(bytes); }

  /// The images at `index` (N,H,W,C), byte 0 mapped to `low` and 255 to `high`. Throws Error on an index out of range.
  template <class T>
  Tensor<T> batch(std::span<const std::int32_t> index, wide_t<T> low, wide_t<T> high) const {
    for (const std::int32_t i : index)
      check(i >= 0 && i < count(), "DeviceImages", "image ", i, ", expected 0 to ", count() - 1);
    const GatherDims d{static_cast<index_t>(index.size()), pixels()};
    const auto where = Tensor<std::int32_t>::from(index, {d.count}, device());
    Tensor<T> out({d.count, images_.extent(1), images_.extent(2), images_.extent(3)}, device());
    kernels<T>(device()).gather_images(d, images_.data(), where.data(), nullptr, (high - low) / 255, low, out.data(),
                                       Stream{});
    return out;
  }

  /// The images at order[b size .. (b+1) size - 1], b = *step mod batches, with order and step in device memory. The
  /// order is not checked.
  template <class T>
  Tensor<T> batch(const Tensor<std::int32_t>& order, const Tensor<std::uint64_t>& step, index_t batches, index_t size,
                  wide_t<T> low, wide_t<T> high) const {
    const GatherDims d{size, pixels(), batches};
    Tensor<T> out({size, images_.extent(1), images_.extent(2), images_.extent(3)}, device());
    kernels<T>(device()).gather_images(d, images_.data(), order.data(), step.data(), (high - low) / 255, low,
                                       out.data(), Stream{});
    return out;
  }

 private:
  index_t pixels() const { return images_.size() / count(); }

  Tensor<std::uint8_t> images_;  // (count, height, width, channels)
};

}  // namespace tinygan::data

#ifdef TINYGAN_FUNC

namespace tinygan::data {

TINYGAN_CTOR DeviceImages::DeviceImages(const ImageDataset& d, Device device) {
  check(d.count >= 1, "DeviceImages", "the data set ", d.source, " is empty");
  d.check_size();
  const std::span<const std::uint8_t> bytes(d.images);
  images_ = Tensor<std::uint8_t>::from(bytes, {d.count, d.height, d.width, d.channels}, device);
}

}  // namespace tinygan::data

#endif
