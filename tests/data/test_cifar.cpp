// CIFAR-10's binary files: planes to pixels, labels, and what is refused.
#include <tinygan/data/cifar.hpp>

#include <filesystem>

#include "support/catch.hpp"
#include "support/temporary.hpp"

using namespace tinygan;
using support::error_of;

namespace {

/// Records whose red, green and blue of pixel p are functions of the record, the plane and p.
std::uint8_t value(std::size_t record, std::size_t plane, std::size_t p) {
  return static_cast<std::uint8_t>(record * 50 + plane * 85 + p % 83 + p / 83);
}

std::vector<std::uint8_t> records(std::size_t first, std::size_t count) {
  std::vector<std::uint8_t> bytes;
  for (std::size_t i = first; i < first + count; ++i) {
    bytes.push_back(static_cast<std::uint8_t>(i % 10));
    for (std::size_t plane = 0; plane < 3; ++plane)
      for (std::size_t p = 0; p < 1024; ++p) bytes.push_back(value(i, plane, p));
  }
  return bytes;
}

void check_images(const data::ImageDataset& d, std::size_t first, std::size_t count) {
  REQUIRE(d.count == static_cast<index_t>(count));
  CHECK(d.extents() == "32x32x3");
  REQUIRE(d.labels.size() == count);
  for (std::size_t i = 0; i < count; ++i) {
    CHECK(d.labels[i] == (first + i) % 10);
    const auto image = d.image(static_cast<index_t>(i));
    bool same = true;
    for (std::size_t p = 0; p < 1024; ++p)
      for (std::size_t c = 0; c < 3; ++c) same = same && image[3 * p + c] == value(first + i, c, p);
    CHECK(same);
  }
}

}  // namespace

TEST_CASE("CIFAR-10: the training files in order, and the test file") {
  const support::TemporaryFolder folder;
  for (std::size_t i = 0; i < 5; ++i) folder.file(text("data_batch_", i + 1, ".bin"), records(2 * i, 2));
  folder.file("test_batch.bin", records(30, 3));
  const data::ImageDataset train = data::load_cifar10(folder.path()),
                           test = data::load_cifar10(folder.path(), data::Split::test);
  check_images(train, 0, 10);
  check_images(test, 30, 3);
  CHECK(train.split == data::Split::train);
  CHECK(test.split == data::Split::test);
  CHECK(train.source == folder.path().string());
  CHECK(data::class_counts(train) == std::vector<index_t>(10, 1));
  CHECK(std::string(data::cifar10_classes[9]) == "truck");
}

TEST_CASE("CIFAR-10 is found in the archive's folder") {
  const support::TemporaryFolder folder;
  std::filesystem::create_directory(folder.path() / "cifar-10-batches-bin");
  folder.file("cifar-10-batches-bin/test_batch.bin", records(1, 1));
  check_images(data::load_cifar10(folder.path(), data::Split::test), 1, 1);
}

TEST_CASE("CIFAR-10 names what is wrong with a file") {
  const support::TemporaryFolder folder;
  const std::string file = (folder.path() / "test_batch.bin").string();
  const auto message = [&] { return error_of([&] { data::load_cifar10(folder.path(), data::Split::test); }); };
  CHECK(message() == "CIFAR-10: no test_batch.bin in " + folder.path().string() +
                         " or in cifar-10-batches-bin there; unpack cifar-10-binary.tar.gz, the binary version");
  auto bytes = records(0, 3);
  bytes.pop_back();
  folder.file("test_batch.bin", bytes);
  CHECK(message() == file + ": 9218 bytes, expected a multiple of 3073, the records of CIFAR-10's binary version");
  CHECK(error_of([] {
          data::ImageDataset d;
          data::append_cifar10(d, {}, "f");
        }) == "f: 0 bytes, expected a multiple of 3073, the records of CIFAR-10's binary version");
  bytes = records(0, 3);
  bytes[3073] = 10;
  folder.file("test_batch.bin", bytes);
  CHECK(message() == file + ": record 1 has the class 10, expected 0 to 9");
  data::ImageDataset grey;
  grey.count = 1;
  grey.height = grey.width = 28;
  CHECK(error_of([&] { data::append_cifar10(grey, records(0, 1), "f"); }) ==
        "f: images of 32x32x3 after images of 28x28");
}
