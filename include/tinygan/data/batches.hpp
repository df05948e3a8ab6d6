// Batches: the order of a training run's images, shuffled every epoch.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include <tinygan/base/error.hpp>
#include <tinygan/base/outline.hpp>
#include <tinygan/base/shape.hpp>
#include <tinygan/data/random.hpp>

namespace tinygan::data {

/// Whether an incomplete last batch of an epoch is dropped or kept.
enum class LastBatch { drop, keep };

/// The size of a batch, the order, and what becomes of the rest of an epoch.
struct BatchOptions {
  index_t batch_size = 128;
  LastBatch last = LastBatch::drop;
  std::uint64_t seed = 0;
  bool shuffle = true;
};

/// The position of a run: `batch` batches of `epoch` were returned. With the options it suffices to resume.
struct BatchPosition {
  index_t epoch = 0, batch = 0;

  friend bool operator==(const BatchPosition&, const BatchPosition&) = default;
};

/// Divides each epoch, a permutation of 0..count-1, into batches. The permutation is a function of (seed, epoch) alone
/// (Fisher-Yates over a Philox stream), so that any position can be restored directly.
class Batches {
 public:
  /// Throws Error on a batch size below 1, on no images, and, with LastBatch::drop, on a batch size above their number.
  explicit Batches(index_t count, const BatchOptions& options = {});

  index_t count() const { return static_cast<index_t>(order_.size()); }
  const BatchOptions& options() const { return options_; }

  /// Batches in an epoch, the partial one included if it is kept.
  index_t per_epoch() const;

  /// The images of the next batch, valid until the next call. After the last batch of an epoch the next one begins.
  std::span<const std::int32_t> next();

  /// The images of the current epoch, in order; changes with the epoch.
  std::span<const std::int32_t> order() const { return order_; }

  /// Epochs count from 0; batch == per_epoch() after the last batch of one.
  BatchPosition position() const { return at_; }

  /// Continues from a saved position. Throws Error if the position is out of range.
  void seek(BatchPosition to);

 private:
  void arrange();

  BatchOptions options_;
  BatchPosition at_;
  std::vector<std::int32_t> order_;
};

}  // namespace tinygan::data

#ifdef TINYGAN_FUNC

namespace tinygan::data {

TINYGAN_CTOR Batches::Batches(index_t count, const BatchOptions& options) : options_(options) {
  check(count >= 1 && count <= std::numeric_limits<std::int32_t>::max(), "Batches", count,
        " images, expected 1 to 2^31 - 1");
  check(options.batch_size >= 1, "Batches", "batch size ", options.batch_size, ", expected at least 1");
  check(options.last == LastBatch::keep || options.batch_size <= count, "Batches", "batch size ", options.batch_size,
        ", expected at most ", count, ", the number of images, since an incomplete batch is dropped");
  order_.resize(static_cast<std::size_t>(count));
  arrange();
}

TINYGAN_FUNC index_t Batches::per_epoch() const {
  const bool partial = options_.last == LastBatch::keep && count() % options_.batch_size != 0;
  return count() / options_.batch_size + (partial ? 1 : 0);
}

TINYGAN_FUNC std::span<const std::int32_t> Batches::next() {
  if (at_.batch == per_epoch()) seek({at_.epoch + 1, 0});
  const index_t first = at_.batch++ * options_.batch_size;
  return std::span<const std::int32_t>(order_).subspan(
      static_cast<std::size_t>(first), static_cast<std::size_t>(std::min(options_.batch_size, count() - first)));
}

TINYGAN_FUNC void Batches::seek(BatchPosition to) {
  check(to.epoch >= 0 && to.batch >= 0 && to.batch <= per_epoch(), "Batches", "epoch ", to.epoch, ", batch ", to.batch,
        ", expected an epoch from 0 on and a batch from 0 to ", per_epoch());
  const bool same_epoch = to.epoch == at_.epoch;
  at_ = to;
  if (!same_epoch) arrange();
}

TINYGAN_FUNC void Batches::arrange() {
  std::iota(order_.begin(), order_.end(), 0);
  if (!options_.shuffle) return;
  const auto epoch = static_cast<std::uint64_t>(at_.epoch);
  RandomStream random(options_.seed, Purpose::shuffle, epoch, epoch >> 32);
  for (std::size_t i = order_.size(); i > 1; --i)
    std::swap(order_[i - 1], order_[static_cast<std::size_t>(random.below(static_cast<index_t>(i)))]);
}

}  // namespace tinygan::data

#endif
