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
