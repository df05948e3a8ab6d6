// Batches gathered on a device: the same images as gathering them one by one.
#include <tinygan/data/device_batches.hpp>

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
    const data::DeviceImages images(numbered(11), device);
    data::Batches order(11, {.batch_size = 4, .seed = 5}), same(11, {.batch_size = 4, .seed = 5});
    data::DeviceBatches batches(images, order);
    const auto check_next = [&] {
      batches.advance();
      const auto expected = images.batch<float>(same.next(), -1, 1);
      CHECK(batches.next(-1.0f, 1.0f).to_vector() == expected.to_vector());
      CHECK(order.position() == same.position());
    };
    for (int i = 0; i < 5; ++i) check_next();
    for (const data::BatchPosition to : {data::BatchPosition{7, 1}, {7, 0}, {0, 2}, {0, 2}}) {
      order.seek(to);
      same.seek(to);
      check_next();
    }
  }
}

TEST_CASE("Batches on a device refuse what does not fit") {
  const data::DeviceImages images(numbered(11));
  data::Batches other(12, {.batch_size = 4}), partial(11, {.batch_size = 4, .last = data::LastBatch::keep});
  CHECK(contains(error_of([&] { data::DeviceBatches(images, other); }), "11 images, batches of 12"));
  CHECK(contains(error_of([&] { data::DeviceBatches(images, partial); }), "make a smaller batch than 4"));
}
