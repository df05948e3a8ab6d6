// PrefetchLoader: batches of images and class numbers that threads read and augment while a step runs.
//
// A batch is a function of its position alone, so results do not depend on the number of threads or on their timing.
// Unlike DataLoader, which holds all images in device memory, it copies each batch to the device, and a captured step
// cannot call it.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <numeric>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <tinygan/base/fork.hpp>
#include <tinygan/base/outline.hpp>
#include <tinygan/data/augment.hpp>
#include <tinygan/data/batches.hpp>
#include <tinygan/data/image_source.hpp>
#include <tinygan/tensor/tensor.hpp>

namespace tinygan::data {

/// Threads and depth of a PrefetchLoader.
struct PrefetchOptions {
  int threads = 1;    ///< that read and augment, each a batch at a time; 1 to 256
  index_t depth = 2;  ///< batches that wait or are in work; 1 to 1024
};

/// Images (N,H,W,C), and the class of each, as the losses take them.
template <class T>
struct LabelledBatch {
  Tensor<T> images;
  std::vector<std::int32_t> labels;  ///< empty if the source has none
};

/// The batches of `Batches` in its order, epoch after epoch, with the transforms that DataLoader gives the same images:
/// a function of (seed, epoch, image).
class PrefetchLoader {
 public:
  /// Starts the threads. Throws Error on an empty source, on options out of range, and if no thread can be started.
  explicit PrefetchLoader(ImageSource source, const BatchOptions& options = {}, const AugmentOptions& augment = {},
                          const PrefetchOptions& prefetch = {});
  ~PrefetchLoader();
  PrefetchLoader(const PrefetchLoader&) = delete;
  PrefetchLoader& operator=(const PrefetchLoader&) = delete;

  /// Batches in an epoch.
  index_t per_epoch() const { return per_epoch_; }
  /// After the batch that next() gave last.
  BatchPosition position() const { return position_; }
  /// Continues from a saved position; batches in work are dropped. Throws Error if the position is out of range.
  void seek(BatchPosition to);

  /// The next batch, byte 0 mapped to `low` and 255 to `high`. Rethrows what reading an image threw, at every call
  /// until a seek. Throws Error in a child of fork(), which has none of the threads.
  template <class T = float>
  LabelledBatch<T> next(wide_t<T> low, wide_t<T> high, Device device = Device::cpu()) {
    Bytes batch = take();
    const auto count = static_cast<index_t>(batch.pixels.size()) / source().pixels();
    std::vector<std::int32_t> in_order(static_cast<std::size_t>(count));
    std::iota(in_order.begin(), in_order.end(), 0);
    const auto index = Tensor<std::int32_t>::from(std::span<const std::int32_t>(in_order), {count}, device);
    const auto bytes =
        Tensor<std::uint8_t>::from(std::span<const std::uint8_t>(batch.pixels), {count, source().pixels()}, device);
    Tensor<T> images({count, source().height, source().width, source().channels}, device);
    kernels<T>(device).gather_images({count, source().pixels()}, bytes.data(), index.data(), nullptr,
                                     (high - low) / 255, low, images.data(), Stream{});
    return {std::move(images), std::move(batch.labels)};
  }

 private:
  struct Bytes {
    std::vector<std::uint8_t> pixels;
    std::vector<std::int32_t> labels;
    BatchPosition position;
    std::exception_ptr failure;
    bool ready = false;
  };

  /// State shared by the threads and the caller. Batch n of this generation belongs to slot n mod depth.
  struct Work {
    Work(ImageSource images, const AugmentOptions& a, const BatchOptions& b, index_t depth)
        : source(std::move(images)), augment(a), batches(source.count, b), slots(static_cast<std::size_t>(depth)) {}

    ImageSource source;
    AugmentOptions augment;
    Batches batches;
    std::vector<Bytes> slots;
    std::mutex mutex;
    std::condition_variable changed;
    std::size_t begun = 0, taken = 0;  ///< batches
    std::uint64_t generation = 0;      ///< of seek()
    bool closing = false;

    void run();
    Bytes make(std::span<const std::int32_t> images, BatchPosition at) const;
  };

  const ImageSource& source() const { return work_->source; }
  bool is_inherited() const { return process_ != tinygan::detail::fork_count(); }
  void check_usable() const;
  Bytes take();
  void stop();

  std::uint32_t process_ = tinygan::detail::fork_count();
  BatchPosition position_;
  index_t per_epoch_ = 0;
  std::unique_ptr<Work> work_;
  std::vector<std::thread> threads_;
};

}  // namespace tinygan::data

#ifdef TINYGAN_FUNC

namespace tinygan::data {

TINYGAN_CTOR PrefetchLoader::PrefetchLoader(ImageSource source, const BatchOptions& options,
                                            const AugmentOptions& augment, const PrefetchOptions& prefetch) {
  detail::check_augment(augment);
  check(prefetch.threads >= 1 && prefetch.threads <= 256, "PrefetchLoader", prefetch.threads,
        " threads, expected 1 to 256");
  check(prefetch.depth >= 1 && prefetch.depth <= 1024, "PrefetchLoader", "a depth of ", prefetch.depth,
        " batches, expected 1 to 1024");
  check(source.read != nullptr && source.height >= 1 && source.width >= 1 && source.channels >= 1, "PrefetchLoader",
        "a source without images, expected extents of at least 1 and a function that reads");
  check(source.labels.empty() || std::cmp_equal(source.labels.size(), source.count), "PrefetchLoader",
        source.labels.size(), " labels for ", source.count, " images of ", source.name, ", expected one each");
  work_ = std::make_unique<Work>(std::move(source), augment, options, prefetch.depth);
  per_epoch_ = work_->batches.per_epoch();
  try {
    for (int i = 0; i < prefetch.threads; ++i) threads_.emplace_back([work = work_.get()] { work->run(); });
  } catch (const std::system_error& e) {
    stop();
    fail("PrefetchLoader", "cannot start a thread: ", e.code().message());
  }
}

TINYGAN_CTOR PrefetchLoader::~PrefetchLoader() {
  if (!is_inherited()) {
    stop();
    return;
  }
  for (std::thread& t : threads_) t.detach();
  static_cast<void>(work_.release());  // the parent's threads may have held its lock
}

TINYGAN_FUNC void PrefetchLoader::stop() {
  {
    const std::lock_guard lock(work_->mutex);
    work_->closing = true;
  }
  work_->changed.notify_all();
  for (std::thread& t : threads_) t.join();
}

TINYGAN_FUNC void PrefetchLoader::check_usable() const {
  check(!is_inherited(), "PrefetchLoader", "the threads are in the parent process; make a new loader after fork()");
}

TINYGAN_FUNC void PrefetchLoader::seek(BatchPosition to) {
  check_usable();
  {
    const std::lock_guard lock(work_->mutex);
    work_->batches.seek(to);
    ++work_->generation;
    work_->begun = work_->taken = 0;
    for (Bytes& slot : work_->slots) slot = {};
  }
  work_->changed.notify_all();
  position_ = to;
}

TINYGAN_FUNC PrefetchLoader::Bytes PrefetchLoader::take() {
  check_usable();
  Bytes batch;
  {
    std::unique_lock lock(work_->mutex);
    Bytes& slot = work_->slots[work_->taken % work_->slots.size()];
    work_->changed.wait(lock, [&slot] { return slot.ready; });
    if (slot.failure) std::rethrow_exception(slot.failure);
    batch = std::exchange(slot, {});
    ++work_->taken;
  }
  work_->changed.notify_all();  // there is room for one more
  position_ = batch.position;
  return batch;
}

TINYGAN_FUNC void PrefetchLoader::Work::run() {
  std::unique_lock lock(mutex);
  for (;;) {
    changed.wait(lock, [this] { return closing || begun < taken + slots.size(); });
    if (closing) return;
    const std::size_t slot = begun++ % slots.size();
    const std::uint64_t current = generation;
    const std::span<const std::int32_t> next = batches.next();
    const std::vector<std::int32_t> images(next.begin(), next.end());
    const BatchPosition at = batches.position();
    lock.unlock();
    Bytes batch = make(images, at);
    lock.lock();
    if (current != generation) continue;
    slots[slot] = std::move(batch);
    changed.notify_all();
  }
}

TINYGAN_FUNC PrefetchLoader::Bytes PrefetchLoader::Work::make(std::span<const std::int32_t> images,
                                                              BatchPosition at) const {
  Bytes batch;
  batch.position = at;
  batch.ready = true;
  try {
    const auto size = static_cast<std::size_t>(source.pixels());
    batch.pixels.resize(images.size() * size);
    std::vector<std::uint8_t> original(augment.any() ? size : 0);
    for (std::size_t i = 0; i < images.size(); ++i) {
      const index_t image = images[i];
      const std::span<std::uint8_t> to(batch.pixels.data() + i * size, size);
      source.read(image, augment.any() ? std::span<std::uint8_t>(original) : to);
      if (augment.any())
        augment_image(original.data(), to.data(), source.height, source.width, source.channels, augment,
                      batches.options().seed, static_cast<std::uint64_t>(at.epoch), static_cast<std::uint64_t>(image));
      if (!source.labels.empty()) batch.labels.push_back(source.labels[static_cast<std::size_t>(image)]);
    }
  } catch (...) {
    batch.failure = std::current_exception();
  }
  return batch;
}

}  // namespace tinygan::data

#endif
