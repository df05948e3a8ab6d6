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

TEST_CASE("A loader refuses batches of two sizes") {
  const auto loads = [](const data::BatchOptions& options) { data::DataLoader(numbered(11), options); };
  CHECK(contains(error_of([&] { loads({.batch_size = 4, .last = data::LastBatch::keep}); }),
                 "make a smaller batch than 4"));
  CHECK_NOTHROW(loads({.batch_size = 11, .last = data::LastBatch::keep}));
}
