// Batches read in the background: those of DataLoader, at any number of threads, after a seek, after a failure.
#include <tinygan/data/prefetch.hpp>

#include <algorithm>
#include <atomic>
#include <optional>
#include <thread>

#include <tinygan/data/data_loader.hpp>

#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/temporary.hpp"
#include "support/values.hpp"

using namespace tinygan;
using namespace tinygan::test;
using support::error_of;

namespace {

data::ImageDataset numbered(index_t count) {
  data::ImageDataset d;
  d.source = "test";
  d.count = count;
  d.height = 3;
  d.width = 4;
  d.channels = 2;
  for (index_t i = 0; i < count * d.pixels(); ++i) d.images.push_back(static_cast<std::uint8_t>(i * 11 % 256));
  for (index_t i = 0; i < count; ++i) d.labels.push_back(static_cast<std::uint8_t>(i % 5));
  return d;
}

constexpr data::AugmentOptions augment{.shift = 1, .horizontal_flip = true, .crop_padding = 1, .brightness = 0.3f};

}  // namespace

TEST_CASE("prefetched batches are those of DataLoader, at any number of threads and any depth") {
  const data::BatchOptions options{.batch_size = 4, .seed = 5};
  for (const Device device : {Device::cpu(), Device::emulated()})
    for (const data::AugmentOptions& o : {data::AugmentOptions{}, augment})
      for (const data::PrefetchOptions& prefetch :
           {data::PrefetchOptions{.threads = 1, .depth = 1}, {.threads = 1, .depth = 3}, {.threads = 4, .depth = 3}}) {
        data::DataLoader same(numbered(11), options, device, o);
        data::PrefetchLoader loader(data::image_source(numbered(11)), options, o, prefetch);
        CHECK(loader.per_epoch() == same.per_epoch());
        for (int i = 0; i < 7; ++i) {
          const auto batch = loader.next(-1.0f, 1.0f, device);
          CHECK(same_bits(batch.images, same.next(-1.0f, 1.0f)));
          CHECK(batch.images.device() == device);
          CHECK(loader.position() == same.position());
          const Array one_hot = array(same.labels());
          REQUIRE(batch.labels.size() == 4);
          const std::size_t classes = one_hot.size() / 4;
          for (std::size_t n = 0; n < 4; ++n)
            CHECK(one_hot[n * classes + static_cast<std::size_t>(batch.labels[n])] == 1);
        }
      }
}

TEST_CASE("a loader continues from a saved position, wherever its threads are") {
  const data::BatchOptions options{.batch_size = 3, .last = data::LastBatch::keep, .seed = 2};
  data::PrefetchLoader first(data::image_source(numbered(10)), options, augment, {.threads = 3, .depth = 4});
  std::vector<Tensor<float>> expected;
  std::vector<data::BatchPosition> positions;
  for (int i = 0; i < 9; ++i) {
    positions.push_back(first.position());
    expected.push_back(first.next(0, 1).images);
  }
  CHECK(expected[3].extent(0) == 1);  // the incomplete batch
  data::PrefetchLoader second(data::image_source(numbered(10)), options, augment, {.threads = 3, .depth = 4});
  for (const std::size_t i : {5u, 0u, 8u, 3u, 3u}) {
    second.seek(positions[i]);
    CHECK(second.position() == positions[i]);
    CHECK(same_bits(second.next(0, 1).images, expected[i]));
  }
}

TEST_CASE("a batch that was in work at a seek is dropped") {
  std::atomic<int> reads{0};
  std::atomic<bool> release{false};
  data::ImageSource source = data::image_source(numbered(5));
  source.read = [&](index_t i, std::span<std::uint8_t> pixels) {
    if (++reads == 1) release.wait(false);
    std::ranges::fill(pixels, static_cast<std::uint8_t>(i));
  };
  data::PrefetchLoader loader(source, {.batch_size = 1, .shuffle = false}, {}, {.threads = 1, .depth = 1});
  while (reads == 0) std::this_thread::yield();
  loader.seek({0, 3});
  release = true;
  release.notify_all();
  const auto batch = loader.next(0, 255);
  CHECK(array(batch.images)[0] == 3);
  CHECK(batch.labels == std::vector<std::int32_t>{3});
  CHECK(loader.position() == data::BatchPosition{0, 4});
}

TEST_CASE("a loader of a source without labels gives none, and ends while its threads wait") {
  data::ImageDataset d = numbered(8);
  d.labels.clear();
  data::PrefetchLoader loader(data::image_source(d), {.batch_size = 2}, {}, {.threads = 2, .depth = 8});
  CHECK(loader.next(0, 1).labels.empty());
}

TEST_CASE("a loader reads no further ahead than its depth") {
  std::atomic<int> reads{0};
  data::ImageSource source = data::image_source(numbered(100));
  source.read = [inner = source.read, &reads](index_t i, std::span<std::uint8_t> pixels) {
    inner(i, pixels);
    ++reads;
  };
  data::PrefetchLoader loader(source, {.batch_size = 2}, {}, {.threads = 4, .depth = 3});
  for (int i = 0; i < 5; ++i) {
    loader.next(0, 1);
    CHECK(reads <= 2 * (i + 1 + 3));
  }
}

TEST_CASE("an error of reading arrives with its batch, at every call until a seek") {
  std::atomic<bool> broken{true};
  data::ImageSource source = data::image_source(numbered(12));
  source.read = [inner = source.read, &broken](index_t i, std::span<std::uint8_t> pixels) {
    check(i != 9 || !broken, "image 9", "is broken");
    inner(i, pixels);
  };
  data::PrefetchLoader loader(source, {.batch_size = 4, .shuffle = false}, {}, {.threads = 2, .depth = 3});
  loader.next(0, 1);
  loader.next(0, 1);
  for (int i = 0; i < 2; ++i) CHECK(error_of([&] { loader.next(0, 1); }) == "image 9: is broken");
  CHECK(loader.position() == data::BatchPosition{0, 2});
  broken = false;
  loader.seek({0, 2});
  CHECK(loader.next(0, 1).labels == std::vector<std::int32_t>{3, 4, 0, 1});
}

TEST_CASE("a child of fork() is told that the threads are its parent's, and ends") {
  std::optional<data::PrefetchLoader> loader(std::in_place, data::image_source(numbered(8)),
                                             data::BatchOptions{.batch_size = 2});
  CHECK(support::status_of_child([&] {
          const bool told = error_of([&] { loader->next(0, 1); }) ==
                            "PrefetchLoader: the threads are in the parent process; make a new loader after fork()";
          loader.reset();
          return told;
        }) == 0);
  CHECK(loader->next(0, 1).labels.size() == 2);
}

TEST_CASE("images of a folder are decoded when they are read") {
  const support::TemporaryFolder folder;
  std::filesystem::create_directory(folder.path() / "a");
  std::filesystem::create_directory(folder.path() / "b");
  folder.file("a/1.png", std::vector<std::uint8_t>{10, 20});
  const std::string second = folder.file("b/2.png", std::vector<std::uint8_t>{30, 40}).string();
  const auto decode = [](std::span<const std::uint8_t> bytes, const std::string&) {
    return data::DecodedImage{1, static_cast<index_t>(bytes.size()), 1, {bytes.begin(), bytes.end()}};
  };
  const data::ImageSource source = data::image_source(data::image_folder(folder.path()), decode);
  CHECK(source.count == 2);
  CHECK(source.pixels() == 2);
  data::PrefetchLoader loader(source, {.batch_size = 2, .shuffle = false}, {}, {.depth = 1});
  const auto batch = loader.next(0, 255);
  CHECK(array(batch.images) == Array{10, 20, 30, 40});
  CHECK(batch.labels == std::vector<std::int32_t>{0, 1});
  folder.file("b/2.png", std::vector<std::uint8_t>{30});
  CHECK(error_of([&] {
          std::uint8_t pixels[2];
          source.read(1, pixels);
        }) == second + ": is 1x1x1, expected 1x2x1 like " + (folder.path() / "a/1.png").string());
}

TEST_CASE("loaders and sources name what does not fit") {
  const auto message = [](const data::ImageSource& s, const data::AugmentOptions& o, const data::PrefetchOptions& p) {
    return error_of([&] { data::PrefetchLoader(s, {.batch_size = 2}, o, p); });
  };
  const data::ImageSource source = data::image_source(numbered(4));
  CHECK(message(source, {}, {.threads = 0}) == "PrefetchLoader: 0 threads, expected 1 to 256");
  CHECK(message(source, {}, {.depth = 0}) == "PrefetchLoader: a depth of 0 batches, expected 1 to 1024");
  CHECK(message(source, {.shift = 17}, {}) == "augment: shift of 17 pixels, expected 0 to 16");
  CHECK(message({}, {}, {}) ==
        "PrefetchLoader: a source without images, expected extents of at least 1 and a function that reads");
  data::ImageSource fewer = source;
  fewer.labels.pop_back();
  CHECK(message(fewer, {}, {}) == "PrefetchLoader: 3 labels for 4 images of test, expected one each");
  data::ImageSource one = source;
  one.count = 1;
  one.labels.resize(1);
  CHECK(message(one, {}, {}) ==
        "Batches: batch size 2, expected at most 1, the number of images, since an incomplete batch is dropped");
  data::ImageDataset d = numbered(4);
  d.labels.pop_back();
  CHECK(error_of([&] { data::image_source(d); }) == "image_source: 3 labels for 4 images of test, expected one each");
  CHECK(error_of([] { data::image_source(data::ImageFolder{}, {}); }) == "image_source: no files");
  data::PrefetchLoader loader(source, {.batch_size = 2});
  CHECK(error_of([&] {
          loader.seek({0, 3});
        }) == "Batches: epoch 0, batch 3, expected an epoch from 0 on and a batch from 0 to 2");
}
