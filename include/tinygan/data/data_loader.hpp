// DataLoader: the batches of a training run, gathered on the device where the images and their order lie.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include <tinygan/base/host_work.hpp>
#include <tinygan/data/batches.hpp>
#include <tinygan/data/device_images.hpp>
#include <tinygan/tensor/step_clock.hpp>

namespace tinygan::data {

/// Batches of a data set, epoch after epoch. The order of an epoch is copied to the device once; a clock says which
/// batch is next, so that next() may be part of a captured step.
class DataLoader {
 public:
  /// Counts the batches itself. Throws Error on an empty data set, or options that do not make batches of one size.
  explicit DataLoader(const ImageDataset& images, const BatchOptions& options = {}, Device device = Device::cpu())
      : DataLoader(images, options, StepClock(device), true) {}
  /// On the device of `clock`, which ticks before each next(): one launch less.
  DataLoader(const ImageDataset& images, const BatchOptions& options, const StepClock& clock)
      : DataLoader(images, options, clock, false) {}
  DataLoader(const DataLoader&) = delete;  // a captured step refers to its loader
  DataLoader& operator=(const DataLoader&) = delete;

  const DeviceImages& images() const { return images_; }
  index_t per_epoch() const { return batches_.per_epoch(); }
  BatchPosition position() const { return batches_.position(); }
  /// Goes on from a saved position. Throws Error if there is no such position.
  void seek(BatchPosition to) { batches_.seek(to); }

  /// The next batch as (N,H,W,1), byte 0 mapped to `low` and 255 to `high`. Throws Error if a step that is to be
  /// captured takes more than one.
  template <class T = float>
  Tensor<T> next(wide_t<T> low, wide_t<T> high) {
    if (counts_) clock_.tick();
    HostWork::each_step(this, "DataLoader", [this] { advance(); });
    return images_.batch<T>(order_, clock_.counter(), per_epoch(), batches_.options().batch_size, low, high);
  }

 private:
  DataLoader(const ImageDataset& images, const BatchOptions& options, const StepClock& clock, bool counts)
      : images_(images, clock.device()), batches_(images_.count(), options), clock_(clock), counts_(counts),
        order_({images_.count()}, clock.device()) {
    check(options.last == LastBatch::drop || images_.count() % options.batch_size == 0, "DataLoader", "the last of ",
          images_.count(), " images make a smaller batch than ", options.batch_size,
          "; LastBatch::drop leaves them out");
  }

  /// Moves the position on. The device gathers batch step mod per_epoch() of order_, which is therefore the order of
  /// the epoch rotated by `shift` batches; copied where that is not what it has: in a new epoch, after seek().
  void advance() {
    batches_.next();
    const BatchPosition at = batches_.position();
    const index_t count = per_epoch(), slot = static_cast<index_t>(clock_.step() % static_cast<std::uint64_t>(count));
    const index_t shift = (slot - (at.batch - 1) + count) % count;
    if (at.epoch == sent_epoch_ && shift == sent_shift_) return;
    std::vector<std::int32_t> rotated(batches_.order().begin(), batches_.order().end());
    const auto end = rotated.begin() + count * batches_.options().batch_size;  // of the batches; then images left out
    std::rotate(rotated.begin(), end - shift * batches_.options().batch_size, end);
    order_.copy_from(std::span<const std::int32_t>(rotated));
    sent_epoch_ = at.epoch;
    sent_shift_ = shift;
  }

  DeviceImages images_;
  Batches batches_;
  StepClock clock_;
  bool counts_;
  index_t sent_epoch_ = -1, sent_shift_ = 0;
  Tensor<std::int32_t> order_;  // of the epoch, rotated
};

}  // namespace tinygan::data
