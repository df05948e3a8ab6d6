// Batches gathered on a device: the same images as gathering them one by one.
#include <tinygan/data/data_loader.hpp>

#include "kernels/emulated.hpp"

using namespace tinygan;
using namespace tinygan::test;
using support::contains;
using support::error_of;

namespace {

data::ImageDataset numbered(index_t count) {
  data::ImageDataset d;
  d.source = "test";
  d.count = count;
  d.height = 2;
  d.width = 3;
  for (index_t i = 0; i < count * 6; ++i) d.images.push_back(static_cast<std::uint8_t>(i * 11 % 256));
  return d;
}

}  // namespace

TEST_CASE("Batches on a device are those of the order, across epochs and after a seek") {
  for (const Device device : {Device::cpu(), Device::emulated()}) {
    const data::BatchOptions options{.batch_size = 4, .seed = 5};
    data::DataLoader loader(numbered(11), options, device);
    data::Batches same(11, options);
    const auto check_next = [&] {
      const auto expected = loader.images().batch<float>(same.next(), -1, 1);
      CHECK(loader.next(-1.0f, 1.0f).to_vector() == expected.to_vector());
      CHECK(loader.position() == same.position());
    };
    for (int i = 0; i < 5; ++i) check_next();
    for (const data::BatchPosition to : {data::BatchPosition{7, 1}, {7, 0}, {0, 2}, {0, 2}}) {
      loader.seek(to);
      same.seek(to);
      check_next();
    }
  }
}

TEST_CASE("A loader on a clock has the batches of its own position, wherever the clock stands") {
  const data::BatchOptions options{.batch_size = 4, .seed = 5};
  for (const Device device : {Device::cpu(), Device::emulated()})
    for (const std::uint64_t start : {0u, 1u, 2u, 7u}) {
      const StepClock clock(device);
      clock.set(start);
      data::DataLoader loader(numbered(15), options, clock), same(numbered(15), options, device);
      const auto check_next = [&] {
        CHECK(loader.next(-1.0f, 1.0f).to_vector() == same.next(-1.0f, 1.0f).to_vector());
        CHECK(loader.position() == same.position());
      };
      for (int i = 0; i < 7; ++i) {
        clock.tick();
        check_next();
      }
      check_next();  // a clock that was forgotten, and one that went on
      clock.set(100);
      check_next();
      for (data::DataLoader* l : {&loader, &same}) l->seek({1, 1});
      check_next();
    }
}

TEST_CASE("A loader refuses batches of two sizes") {
  const auto loads = [](const data::BatchOptions& options) { data::DataLoader(numbered(11), options); };
  CHECK(contains(error_of([&] { loads({.batch_size = 4, .last = data::LastBatch::keep}); }),
                 "expected a multiple of the batch size 4"));
  CHECK_NOTHROW(loads({.batch_size = 11, .last = data::LastBatch::keep}));
}

TEST_CASE("One-hot labels of a batch are those of its images, across epochs") {
  for (const Device device : {Device::cpu(), Device::emulated()}) {
    data::ImageDataset d = numbered(11);
    for (index_t i = 0; i < d.count; ++i) d.labels.push_back(static_cast<std::uint8_t>(i * 7 % 12));
    const data::BatchOptions options{.batch_size = 4, .seed = 5};
    data::DataLoader loader(d, options, device);
    data::Batches same(11, options);
    for (int step = 0; step < 5; ++step) {
      const std::span<const std::int32_t> expected = same.next();
      loader.next(-1.0f, 1.0f);
      const Tensor<float> labels = loader.labels();
      REQUIRE(labels.shape() == Shape{4, 12});
      const std::vector<float> rows = labels.to_vector();
      for (std::size_t i = 0; i < rows.size(); ++i)
        CHECK(rows[i] == (i % 12 == d.labels[static_cast<std::size_t>(expected[i / 12])] ? 1 : 0));
    }
    data::DataLoader unlabelled(numbered(11), options, device);
    unlabelled.next(-1.0f, 1.0f);
    CHECK(error_of([&] { unlabelled.labels(); }) ==
          "DataLoader: the data set has no labels, expected one for each image");
  }
}

TEST_CASE("Batches of images with channels keep them together") {
  data::ImageDataset d = numbered(8);
  d.height = 1;
  d.channels = 2;
  CHECK(d.extents() == "1x3x2");
  CHECK(d.pixels() == 6);
  for (const Device device : {Device::cpu(), Device::emulated()}) {
    data::DataLoader loader(d, {.batch_size = 4, .shuffle = false}, device);
    const Tensor<float> batch = loader.next(0.0f, 255.0f);
    CHECK(batch.shape() == Shape{4, 1, 3, 2});
    const std::vector<float> found = batch.to_vector(), expected(d.images.begin(), d.images.begin() + 24);
    check_elements(
        found, [&](index_t i) { return static_cast<double>(expected[static_cast<std::size_t>(i)]); },
        [](index_t) { return 0.0; });
  }
}

TEST_CASE("Augmented batches are a function of seed, epoch and image, also after a seek") {
  const data::AugmentOptions augment{.shift = 1};
  for (const Device device : {Device::cpu(), Device::emulated()}) {
    const data::BatchOptions options{.batch_size = 4, .seed = 5, .shuffle = false};
    data::DataLoader loader(numbered(8), options, device, augment), plain(numbered(8), options, device);
    std::vector<std::vector<float>> seen;
    for (int i = 0; i < 6; ++i) {
      seen.push_back(loader.next(-1.0f, 1.0f).to_vector());
      CHECK(seen.back() != plain.next(-1.0f, 1.0f).to_vector());
    }
    CHECK(seen[0] != seen[2]);  // the same images in the next epoch
    std::vector<std::uint8_t> expected(48);
    const data::ImageDataset d = numbered(8);
    data::augment(std::span<const std::uint8_t>(d.images), std::span(expected), 2, 3, 1, augment, 5, 1);
    for (std::size_t i = 0; i < 24; ++i) CHECK(seen[3][i] == static_cast<float>(expected[24 + i]) * (2.0f / 255) - 1);
    for (const index_t batch : {0, 3, 1, 4}) {
      loader.seek({batch / 2, batch % 2});
      CHECK(loader.next(-1.0f, 1.0f).to_vector() == seen[static_cast<std::size_t>(batch)]);
    }
  }
  CHECK(contains(error_of([&] { data::DataLoader(numbered(8), {.batch_size = 4}, Device::cpu(), {.shift = 17}); }),
                 "augment: shift of"));
}

TEST_CASE("Labels for a part of the images are refused") {
  data::ImageDataset d = numbered(4);
  d.labels = {1, 2, 3};
  CHECK(error_of([&] { data::DataLoader(d, {.batch_size = 2}); }) ==
        "DataLoader: 3 labels for 4 images of test, expected one each");
}
