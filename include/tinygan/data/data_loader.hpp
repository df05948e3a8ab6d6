// DataLoader: the batches of a training run, gathered on the device where the images and their order lie.
#pragma once

#include <cstdint>

#include <tinygan/data/batches.hpp>
#include <tinygan/data/device_images.hpp>
#include <tinygan/runtime/host_work.hpp>

namespace tinygan::data {

/// Batches of a data set, epoch after epoch. The order of an epoch is copied to the device once; a counter there says which
/// batch is next, so that next() may be part of a captured step.
class DataLoader {
 public:
  /// Throws Error on an empty data set, or options that do not make batches of one size.
  explicit DataLoader(const ImageDataset& images, const BatchOptions& options = {}, Device device = Device::cpu())
      : images_(images, device),
        batches_(images_.count(), options),
        order_({images_.count()}, device),
        next_(Tensor<std::uint64_t>::zeros({1}, device)) {
    check(options.last == LastBatch::drop || images_.count() % options.batch_size == 0, "DataLoader", "the last of ",
          images_.count(), " images make a smaller batch than ", options.batch_size,
          "; LastBatch::drop leaves them out");
  }
  DataLoader(const DataLoader&) = delete;  // a captured step refers to its loader
  DataLoader& operator=(const DataLoader&) = delete;

  const DeviceImages& images() const { return images_; }
  index_t per_epoch() const { return batches_.per_epoch(); }
  BatchPosition position() const { return batches_.position(); }
  /// Goes on from a saved position. Throws Error if there is no such position.
  void seek(BatchPosition to) { batches_.seek(to); }

  /// The next batch as (N,H,W,1), byte 0 mapped to `low` and 255 to `high`. Throws Error if a step that is to be captured
  /// takes more than one.
  template <class T = float>
  Tensor<T> next(wide_t<T> low, wide_t<T> high) {
    runtime::HostWork::each_step(this, "DataLoader", [this] { advance(); });
    const Tensor<T> batch = images_.batch<T>(order_, next_, batches_.options().batch_size, low, high);
    count_up(next_.data(), batch.device());
    return batch;
  }

 private:
  /// Moves the position on, and tells the device where that is not what it expects: in a new epoch, after seek().
  void advance() {
    batches_.next();
    const BatchPosition at = batches_.position();
    if (at.epoch != sent_.epoch) {
      order_.copy_from(batches_.order());
      sent_.batch = -1;
    }
    if (at.batch != sent_.batch + 1) {
      const auto next = static_cast<std::uint64_t>(at.batch - 1);
      next_.copy_from(std::span<const std::uint64_t>(&next, 1));
    }
    sent_ = at;
  }

  DeviceImages images_;
  Batches batches_;
  BatchPosition sent_{-1, 0};   // what the device gathers next comes after this
  Tensor<std::int32_t> order_;  // of the epoch
  Tensor<std::uint64_t> next_;  // batch of the epoch, counted up by the device
};

}  // namespace tinygan::data
