// DeviceBatches: the batches of a training run, gathered on the device from an order that lies there.
#pragma once

#include <cstdint>

#include <tinygan/data/batches.hpp>
#include <tinygan/data/device_images.hpp>

namespace tinygan::data {

/// Joins the images on a device with the batches of a run. The order of an epoch is sent there once; a counter on the device
/// says which batch is next, so that gathering it can be part of a captured step.
class DeviceBatches {
 public:
  /// Keeps references to both. Throws Error if batches differ in size, or if there are not as many images as in the order.
  DeviceBatches(const DeviceImages& images, Batches& batches)
      : images_(&images),
        batches_(&batches),
        order_({batches.count()}, images.device()),
        next_(Tensor<std::uint64_t>::zeros({1}, images.device())) {
    check(images.count() == batches.count(), "DeviceBatches", images.count(), " images, batches of ", batches.count());
    check(batches.options().last == LastBatch::drop || batches.count() % batches.options().batch_size == 0, "DeviceBatches",
          "the last of ", batches.count(), " images make a smaller batch than ", batches.options().batch_size,
          "; LastBatch::drop leaves them out");
  }

  DeviceBatches(const DeviceImages&&, Batches&) = delete;  // a reference to a temporary would dangle

  /// By the host, before each step: moves the run's position on, and tells the device where that is not what it expects: in
  /// a new epoch, after a seek.
  void advance() {
    batches_->next();
    const BatchPosition at = batches_->position();
    if (at.epoch != sent_.epoch) {
      order_.copy_from(batches_->order());
      sent_.batch = -1;
    }
    if (at.batch != sent_.batch + 1) {
      const auto next = static_cast<std::uint64_t>(at.batch - 1);
      next_.copy_from(std::span<const std::uint64_t>(&next, 1));
    }
    sent_ = at;
  }

  /// By the device, in each step: the next batch as (N,H,W,1), byte 0 mapped to `low` and 255 to `high`.
  template <class T = float>
  Tensor<T> next(wide_t<T> low, wide_t<T> high) const {
    const Tensor<T> batch = images_->batch<T>(order_, next_, batches_->options().batch_size, low, high);
    count_up(next_.data(), batch.device());
    return batch;
  }

 private:
  const DeviceImages* images_;
  Batches* batches_;
  BatchPosition sent_{-1, 0};    // what the device gathers next comes after this
  Tensor<std::int32_t> order_;   // of the epoch
  Tensor<std::uint64_t> next_;   // batch of the epoch, counted up by the device
};

}  // namespace tinygan::data
