// DataLoader: the batches of a training run, gathered on the device from images and an order in device memory.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include <tinygan/base/host_work.hpp>
#include <tinygan/base/outline.hpp>
#include <tinygan/data/augment.hpp>
#include <tinygan/data/batches.hpp>
#include <tinygan/data/device_images.hpp>
#include <tinygan/tensor/step_clock.hpp>

namespace tinygan::data {

/// Batches of a data set, epoch after epoch. The order of an epoch is copied to the device once; the batch number is
/// read from a clock, so that next() can be captured. With augmentation, every epoch has new transforms of all images, a
/// function of (seed, epoch, image), which the host computes and copies when the epoch begins.
class DataLoader {
 public:
  /// With a clock of its own. Throws Error on an empty data set, on labels for a part of it, on batches of different
  /// sizes and on augmentation out of range.
  explicit DataLoader(const ImageDataset& images, const BatchOptions& options = {}, Device device = Device::cpu(),
                      const AugmentOptions& augment = {});
  /// On the device of `clock`, which must tick before each next(): saves a launch.
  DataLoader(const ImageDataset& images, const BatchOptions& options, const StepClock& clock,
             const AugmentOptions& augment = {});
  DataLoader(const DataLoader&) = delete;  // a captured step refers to its loader
  DataLoader& operator=(const DataLoader&) = delete;

  const DeviceImages& images() const { return images_; }
  index_t per_epoch() const { return batches_.per_epoch(); }
  BatchPosition position() const { return batches_.position(); }
  /// Continues from a saved position. Throws Error if the position is out of range.
  void seek(BatchPosition to) { batches_.seek(to); }

  /// The next batch (N,H,W,C), byte 0 mapped to `low` and 255 to `high`. Throws Error on a second call in a captured
  /// step.
  template <class T = float>
  Tensor<T> next(wide_t<T> low, wide_t<T> high) {
    if (counts_) clock_.tick();
    HostWork::each_step(this, "DataLoader", [this] { advance(); });
    return images_.batch<T>(order_, clock_.counter(), per_epoch(), batches_.options().batch_size, low, high);
  }

  /// The one-hot labels (N,K) of the batch that next() gave in this step. Throws Error if the data set has none.
  template <class T = float>
  Tensor<T> labels() const {
    check(labels_.has_value(), "DataLoader", "the data set has no labels, expected one for each image");
    const index_t size = batches_.options().batch_size;
    const Tensor<T> rows = labels_->batch<T>(order_, clock_.counter(), per_epoch(), size, 0, 255);
    return rows.reshape({size, rows.size() / size});
  }

 private:
  DataLoader(const ImageDataset& images, const BatchOptions& options, const StepClock& clock, bool counts,
             const AugmentOptions& augment);

  /// Advances the position. The device gathers batch step mod per_epoch() of order_, which is therefore the order of
  /// the epoch rotated by `shift` batches. The order is copied to the device only if it changes: in a new epoch, after
  /// seek().
  void advance();

  /// Label i as an "image" of one row, whose pixel of its class is 1.
  static std::optional<DeviceImages> one_hot_labels(const ImageDataset& images, Device device);

  /// Copies the images of an epoch to the device.
  void augment_images(index_t epoch);

  DeviceImages images_;
  std::optional<DeviceImages> labels_;
  Batches batches_;
  StepClock clock_;
  bool counts_;
  index_t copied_epoch_ = -1, copied_shift_ = 0;  // of order_
  Tensor<std::int32_t> order_;                    // of the epoch, rotated
  AugmentOptions augment_;
  ImageDataset originals_;  // empty without augmentation
};

}  // namespace tinygan::data

#ifdef TINYGAN_FUNC

namespace tinygan::data {

TINYGAN_CTOR DataLoader::DataLoader(const ImageDataset& images, const BatchOptions& options, Device device,
                                    const AugmentOptions& augment)
    : DataLoader(images, options, StepClock(device), true, augment) {}

TINYGAN_CTOR DataLoader::DataLoader(const ImageDataset& images, const BatchOptions& options, const StepClock& clock,
                                    const AugmentOptions& augment)
    : DataLoader(images, options, clock, false, augment) {}

TINYGAN_CTOR DataLoader::DataLoader(const ImageDataset& images, const BatchOptions& options, const StepClock& clock,
                                    bool counts, const AugmentOptions& augment)
    : images_(images, clock.device()), labels_(one_hot_labels(images, clock.device())),
      batches_(images_.count(), options), clock_(clock), counts_(counts), order_({images_.count()}, clock.device()),
      augment_(augment) {
  detail::check_augment(augment);
  if (augment.any()) originals_ = images;
  check(options.last == LastBatch::drop || images_.count() % options.batch_size == 0, "DataLoader", images_.count(),
        " images, expected a multiple of the batch size ", options.batch_size, ", or LastBatch::drop");
}

TINYGAN_FUNC std::optional<DeviceImages> DataLoader::one_hot_labels(const ImageDataset& images, Device device) {
  if (images.labels.empty()) return {};
  check(std::cmp_equal(images.labels.size(), images.count), "DataLoader", images.labels.size(), " labels for ",
        images.count, " images of ", images.source, ", expected one each");
  ImageDataset rows;
  rows.count = images.count;
  rows.height = 1;
  rows.width = static_cast<index_t>(class_counts(images).size());
  rows.images.resize(static_cast<std::size_t>(rows.count * rows.width));
  for (index_t i = 0; i < rows.count; ++i)
    rows.images[static_cast<std::size_t>(i * rows.width + images.labels[static_cast<std::size_t>(i)])] = 1;
  return std::optional<DeviceImages>(std::in_place, rows, device);
}

TINYGAN_FUNC void DataLoader::advance() {
  batches_.next();
  const BatchPosition at = batches_.position();
  const index_t count = per_epoch(), slot = static_cast<index_t>(clock_.step() % static_cast<std::uint64_t>(count));
  const index_t shift = (slot - (at.batch - 1) + count) % count;
  if (at.epoch == copied_epoch_ && shift == copied_shift_) return;
  if (augment_.any() && at.epoch != copied_epoch_) augment_images(at.epoch);
  std::vector<std::int32_t> rotated(batches_.order().begin(), batches_.order().end());
  const auto end = rotated.begin() + count * batches_.options().batch_size;  // of the batches, before dropped images
  std::rotate(rotated.begin(), end - shift * batches_.options().batch_size, end);
  order_.copy_from(std::span<const std::int32_t>(rotated));
  copied_epoch_ = at.epoch;
  copied_shift_ = shift;
}

TINYGAN_FUNC void DataLoader::augment_images(index_t epoch) {
  const ImageDataset& d = originals_;
  std::vector<std::uint8_t> bytes(d.images.size());
  augment(std::span<const std::uint8_t>(d.images), std::span(bytes), d.height, d.width, d.channels, augment_,
          batches_.options().seed, static_cast<std::uint64_t>(epoch));
  images_.replace(bytes);
}

}  // namespace tinygan::data

#endif
