#include <zlib.h>

#include <cmath>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include <tinygan/data/mnist.hpp>

#include "support/catch.hpp"
#include "support/temporary.hpp"

using namespace tinygan;
using data::Split;
using support::contains;
using support::error_of;

namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes idx(const std::vector<std::uint32_t>& dims, const Bytes& content) {
  Bytes b = {0, 0, 8, static_cast<std::uint8_t>(dims.size())};
  for (const std::uint32_t d : dims)
    for (const int shift : {24, 16, 8, 0}) b.push_back(static_cast<std::uint8_t>(d >> shift));
  b.insert(b.end(), content.begin(), content.end());
  return b;
}

Bytes images(std::uint32_t n, std::uint32_t side = 28) {
  Bytes content(std::size_t{n} * side * side);
  for (std::size_t i = 0; i < content.size(); ++i) content[i] = static_cast<std::uint8_t>(i % 251);
  return idx({n, side, side}, content);
}

Bytes labels(const Bytes& l) { return idx({static_cast<std::uint32_t>(l.size())}, l); }

void pack(const std::filesystem::path& path, const Bytes& content) {
  const gzFile f = gzopen(path.c_str(), "wb");
  REQUIRE(gzwrite(f, content.data(), static_cast<unsigned>(content.size())) == static_cast<int>(content.size()));
  REQUIRE(gzclose(f) == Z_OK);
}

/// Sets or unsets an environment variable and the working directory, and puts both back.
class Surroundings {
 public:
  Surroundings(const std::optional<std::string>& mnist, const std::filesystem::path& directory)
      : directory_(std::filesystem::current_path()) {
    if (const char* value = std::getenv("TINYGAN_MNIST")) before_ = value;
    set(mnist);
    std::filesystem::current_path(directory);
  }
  ~Surroundings() {
    set(before_);
    std::filesystem::current_path(directory_);
  }
  Surroundings(const Surroundings&) = delete;
  Surroundings& operator=(const Surroundings&) = delete;

 private:
  static void set(const std::optional<std::string>& value) {
    if (value) ::setenv("TINYGAN_MNIST", value->c_str(), 1);
    else ::unsetenv("TINYGAN_MNIST");
  }
  std::optional<std::string> before_;
  std::filesystem::path directory_;
};

void write_all_four(const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder);
  io::write_file(folder / "train-images-idx3-ubyte", images(3));
  io::write_file(folder / "train-labels-idx1-ubyte", labels({0, 9, 4}));
  io::write_file(folder / "t10k-images-idx3-ubyte", images(2));
  io::write_file(folder / "t10k-labels-idx1-ubyte", labels({1, 2}));
}

}  // namespace

TEST_CASE("load_mnist reads both spellings, plain and gzipped, and both splits") {
  const support::TemporaryFolder folder;
  const std::string images_spelling[] = {"-images-idx3-ubyte", "-images.idx3-ubyte"};
  const std::string labels_spelling[] = {"-labels-idx1-ubyte", "-labels.idx1-ubyte"};
  int serial = 0;
  for (const Split split : {Split::train, Split::test})
    for (std::size_t spelling = 0; spelling < 2; ++spelling)
      for (const bool packed : {false, true}) {
        const auto place = folder.path() / std::to_string(serial++);
        std::filesystem::create_directory(place);
        const std::string stem = split == Split::train ? "train" : "t10k";
        const auto write = [&](const std::string& name, const Bytes& content) {
          if (packed) pack(place / (name + ".gz"), content);
          else io::write_file(place / name, content);
        };
        write(stem + images_spelling[spelling], images(3));
        write(stem + labels_spelling[spelling], labels({7, 0, 9}));
        const data::ImageDataset d = data::load_mnist(place, split);
        CHECK(d.source == place.string());
        CHECK(d.split == split);
        CHECK(d.count == 3);
        CHECK(d.height == 28);
        CHECK(d.width == 28);
        CHECK(d.labels == Bytes{7, 0, 9});
        const Bytes all = images(3);
        CHECK(d.images == Bytes(all.begin() + 16, all.end()));
        CHECK(d.images_md5 == io::md5(all));
        CHECK(d.labels_md5 == io::md5(labels({7, 0, 9})));
        const auto second = d.image(1);
        CHECK(Bytes(second.begin(), second.end()) == Bytes(all.begin() + 16 + 784, all.begin() + 16 + 2 * 784));
        CHECK(contains(error_of([&] { d.image(3); }), "no image 3 among 3"));
        CHECK(contains(error_of([&] { data::verify_mnist(d); }), "has the MD5 sum " + d.images_md5));
      }
}

TEST_CASE("load_mnist says what is missing, wrong, or does not fit together") {
  const support::TemporaryFolder folder;
  const auto load = [](const std::filesystem::path& place) {
    return error_of([&] { data::load_mnist(place, Split::train); });
  };
  const auto image_path = folder.path() / "train-images-idx3-ubyte";
  const auto label_path = folder.path() / "train-labels-idx1-ubyte";
  CHECK(contains(load(folder.path() / "none"), "there is no directory"));
  CHECK(contains(load(folder.file("file", std::string_view("x"))), "is not a directory"));
  const std::string looked = load(folder.path());
  for (const char* name : {"train-images-idx3-ubyte.gz", "train-images-idx3-ubyte", "train-images.idx3-ubyte.gz",
                           "train-images.idx3-ubyte", "no train-images in"})
    CHECK(contains(looked, name));
  CHECK(contains(looked, folder.path().string()));

  const auto with = [&](const Bytes& i, const Bytes& l) {
    io::write_file(image_path, i);
    io::write_file(label_path, l);
    return load(folder.path());
  };
  CHECK(with(images(2), labels({1, 2})).empty());
  CHECK(with(images(2, 32), labels({1, 2})) == image_path.string() + ": has the dimensions 2x32x32, expected Nx28x28");
  CHECK(contains(with(labels({1, 2}), labels({1, 2})), "has the dimensions 2, expected Nx28x28"));
  CHECK(with(images(2), images(1)) == label_path.string() + ": has the dimensions 1x28x28, expected N");
  CHECK(contains(with(images(2), labels({1, 2, 3})), "has 3 labels for the 2 images of " + image_path.string()));
  CHECK(with(images(2), labels({1, 10})) == label_path.string() + ": label 1 is 10, expected 0 to 9");
}

TEST_CASE("find_mnist looks in the given directory, then TINYGAN_MNIST, then data/mnist") {
  const support::TemporaryFolder folder;
  const auto given = folder.path() / "given", named = folder.path() / "named", work = folder.path() / "work",
             empty = folder.path() / "empty";
  for (const auto& place : {given, named, work / "data" / "mnist"}) write_all_four(place);
  std::filesystem::create_directory(empty);
  {
    const Surroundings s(named.string(), work);
    CHECK(data::find_mnist(given) == given);
    CHECK(data::find_mnist() == named);
    CHECK(contains(error_of([&] { data::find_mnist(empty); }), "no train-images in " + empty.string()));
  }
  {
    const Surroundings s(empty.string(), work);  // named, so not replaced by data/mnist
    const std::string e = error_of([&] { data::find_mnist(); });
    CHECK(contains(e, "TINYGAN_MNIST"));
    CHECK(contains(e, "no train-images in " + empty.string()));
  }
  {
    const Surroundings s(std::nullopt, work);
    CHECK(data::find_mnist() == std::filesystem::path("data") / "mnist");
    std::filesystem::remove(work / "data" / "mnist" / "t10k-labels-idx1-ubyte");
    CHECK(data::find_mnist() == std::nullopt);  // incomplete: left to the download
  }
  const Surroundings s("", empty);
  CHECK(data::find_mnist() == std::nullopt);
}

TEST_CASE("pixel statistics and class counts by hand") {
  data::ImageDataset d;
  d.images = {0, 255, 255, 0, 51, 51};
  d.labels = {3, 3, 9};
  const auto s = data::pixel_statistics(d);
  // mean (2 + 2/5) / 6 = 0.4; mean of squares (2 + 2/25) / 6; each sum rounds a few times at most
  CHECK(std::fabs(s.mean - 0.4) < 1e-15);
  CHECK(std::fabs(s.variance - (2.08 / 6 - 0.16)) < 1e-14);
  CHECK(data::class_counts(d) == std::array<index_t, 10>{0, 0, 0, 2, 0, 0, 0, 0, 0, 1});
  d.labels[0] = 10;
  CHECK(contains(error_of([&] { data::class_counts(d); }), "label 10"));
  CHECK(contains(error_of([] { data::pixel_statistics(std::span<const std::uint8_t>()); }), "no pixels"));
}

TEST_CASE("the real MNIST files have the published counts, sums and statistics") {
  const char* directory = std::getenv("TINYGAN_MNIST");
  if (directory == nullptr || *directory == '\0') {
    WARN("TINYGAN_MNIST is not set: the real MNIST files are not checked");
    return;
  }
  const data::ImageDataset train = data::load_mnist(directory, Split::train);
  const data::ImageDataset test = data::load_mnist(directory, Split::test);
  CHECK_NOTHROW(data::verify_mnist(train));
  CHECK_NOTHROW(data::verify_mnist(test));
  CHECK(train.count == 60000);
  CHECK(test.count == 10000);
  const auto s = data::pixel_statistics(train);
  CHECK(std::fabs(s.mean - 0.1307) < 5e-5);  // the published four digits
  CHECK(std::fabs(std::sqrt(s.variance) - 0.3081) < 5e-5);
  CHECK(data::class_counts(train) ==
        std::array<index_t, 10>{5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949});
  data::ImageDataset swapped = test;
  swapped.split = Split::train;
  CHECK(contains(error_of([&] { data::verify_mnist(swapped); }), "the published file has 6bbc9ace"));
}
