#include <zlib.h>

#include <cmath>
#include <cstdlib>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <tinygan/data/device_images.hpp>
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
        CHECK(contains(error_of([&] { d.image(3); }), "image 3, expected 0 to 2"));
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
  CHECK(contains(load(folder.path() / "none"), "directory not found"));
  std::filesystem::create_symlink("loop", folder.path() / "loop");
  CHECK(
      contains(load(folder.path() / "loop"), "MNIST: cannot open " + (folder.path() / "loop").string() + ": Too many"));
  CHECK(contains(load(folder.file("file", std::string_view("x"))),
                 ", expected a directory or the name of a file of images"));
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
  CHECK(with(images(2), labels({1, 26})).empty());
  CHECK(with(images(2), labels({1, 61})).empty());
  CHECK(with(images(2), labels({1, 62})) == label_path.string() + ": label 1 is 62, expected 0 to 61");
  std::filesystem::remove(label_path);
  CHECK(contains(load(folder.path()),
                 "MNIST: no train-labels in " + folder.path().string() + "; looked for train-labels-idx1"));
}

TEST_CASE("labels are read only where they are wanted") {
  const support::TemporaryFolder folder;
  io::write_file(folder.path() / "train-images-idx3-ubyte", images(3));
  const auto skip = [&] { return data::load_mnist(folder.path(), Split::train, data::Labels::skip); };
  CHECK(skip().count == 3);
  io::write_file(folder.path() / "train-labels-idx1-ubyte", labels({1}));
  const data::ImageDataset d = skip();
  CHECK(d.labels.empty());
  CHECK(d.labels_md5.empty());
  CHECK(contains(error_of([&] { data::verify_mnist(d); }), "MD5"));
}

TEST_CASE("every layout in which sets of the family are published is read") {
  const support::TemporaryFolder root;
  int serial = 0;
  struct File {
    std::string path;
    bool labels = false;
  };
  // The folder to name, the files below it, and what the source is called behind that folder.
  struct Layout {
    std::vector<File> files;
    Split split;
    std::string below;
  };
  const std::string i = "-images-idx3-ubyte", l = "-labels-idx1-ubyte";
  const std::vector<Layout> layouts = {
      {{{"train" + i}, {"train" + l, true}}, Split::train, ""},
      {{{"train.images.idx3.ubyte"}, {"train_labels_idx1_ubyte", true}}, Split::train, ""},
      {{{"MNIST/raw/train" + i + ".gz"}, {"MNIST/raw/train" + i}, {"MNIST/raw/train" + l, true}},
       Split::train,
       "/MNIST/raw"},
      {{{"FashionMNIST/raw/train" + i}, {"FashionMNIST/raw/train" + l, true}}, Split::train, "/FashionMNIST/raw"},
      {{{"KMNIST/raw/t10k" + i + ".gz"}, {"KMNIST/raw/t10k" + l + ".gz", true}}, Split::test, "/KMNIST/raw"},
      {{{"gzip/emnist-byclass-test" + i + ".gz"}, {"gzip/emnist-byclass-test" + l + ".gz", true}},
       Split::test,
       "/gzip (emnist-byclass)"},
      {{{"EMNIST/raw/gzip/emnist-letters-train" + i}, {"EMNIST/raw/gzip/emnist-letters-train" + l, true}},
       Split::train,
       "/EMNIST/raw/gzip (emnist-letters)"},
      {{{"qmnist-test" + i}, {"qmnist-test-labels-idx2-int", true}}, Split::test, " (qmnist)"},
      {{{"QMNIST/raw/qmnist-train" + i + ".gz"}, {"QMNIST/raw/qmnist-train-labels.idx2-int.gz", true}},
       Split::train,
       "/QMNIST/raw (qmnist)"},
      {{{"train" + i + "/train" + i}, {"train" + l + "/train" + l, true}}, Split::train, ""},
      {{{"train" + i + "/train.images-idx3-ubyte.gz"}, {"train" + l + ".gz/train" + l, true}}, Split::train, ""},
      {{{"archive/train" + i + "/train" + i}, {"archive/train.labels-idx1-ubyte", true}}, Split::train, "/archive"}};
  for (const Layout& layout : layouts) {
    const auto place = root.path() / std::to_string(serial++);
    for (const File& f : layout.files) {
      const auto path = place / f.path;
      std::filesystem::create_directories(path.parent_path());
      Bytes content = f.labels ? labels({7, 0, 9}) : images(3);
      if (f.labels && contains(f.path, "idx2")) {
        content = idx({3, 2}, {0, 0, 0, 7, 0, 0, 9, 9, 0, 0, 0, 0, 0, 1, 9, 9, 0, 0, 0, 9, 9, 9, 9, 9});
        content[2] = 0x0C;
      }
      if (f.path.ends_with(".gz")) pack(path, content);
      else io::write_file(path, content);
    }
    // What lies beside them in such archives.
    std::filesystem::create_directories(place / "MNIST" / "processed");
    std::filesystem::create_directories(place / "__MACOSX");
    std::filesystem::create_directories(place / ".git");
    for (const char* other :
         {"MNIST/processed/training.pt", "__MACOSX/train-images-idx3-ubyte", ".git/train-images-idx3-ubyte",
          "._train-images-idx3-ubyte", "readme.txt", "xtrain-images-idx3-ubyte", "qmnist-test-labels.tsv.gz"})
      io::write_file(place / other, labels({1}));
    INFO(layout.files[0].path);
    const data::ImageDataset d = data::load_mnist(place, layout.split);
    CHECK(d.source == place.string() + layout.below);
    CHECK(d.count == 3);
    CHECK(d.labels == Bytes{7, 0, 9});
    if (layout.split == Split::train) {
      const auto found = data::find_mnist(place);
      REQUIRE(found.has_value());
      CHECK(data::load_mnist(*found, Split::train, data::Labels::skip).source == d.source);
    }
  }
}

TEST_CASE("folders named as the files stand beside the files, and empty ones are no files") {
  const support::TemporaryFolder folder;
  const auto& place = folder.path();
  for (const char* name : {"train-images-idx3-ubyte", "train-labels-idx1-ubyte"})
    std::filesystem::create_directory(place / name);
  CHECK(contains(error_of([&] { data::load_mnist(place, Split::train); }), "no train-images in"));
  io::write_file(place / "train-images-idx3-ubyte" / "train-images-idx3-ubyte", images(5));
  io::write_file(place / "train-labels.idx1-ubyte", labels({1, 2, 3, 4, 5}));
  CHECK(data::load_mnist(place, Split::train).count == 5);
  io::write_file(place / "train-images.idx3-ubyte", images(3));  // a file goes before one in a folder of its name
  CHECK(data::load_mnist(place, Split::train, data::Labels::skip).count == 3);
}

TEST_CASE("of several sets MNIST's own names win, and others are named for the user to choose") {
  const support::TemporaryFolder folder;
  const auto& place = folder.path();
  const auto put = [&](const std::string& name, std::uint32_t n) {
    std::filesystem::create_directories((place / name).parent_path());
    io::write_file(place / name, images(n));
  };
  const auto count = [&](const std::filesystem::path& d) {
    return data::load_mnist(d, Split::train, data::Labels::skip).count;
  };
  put("emnist-letters-train-images-idx3-ubyte", 2);
  put("emnist-letters-test-images-idx3-ubyte", 7);
  CHECK(count(place) == 2);
  put("emnist-digits-train-images-idx3-ubyte", 3);
  for (const auto& f :
       {std::function<void()>([&] { count(place); }), std::function<void()>([&] { data::find_mnist(place); })})
    CHECK(error_of(f) ==
          "MNIST: several data sets in " + place.string() +
              ": emnist-digits-train-images-idx3-ubyte, emnist-letters-train-images-idx3-ubyte; name the one file in "
              "place of the directory");
  const auto file = place / "emnist-letters-train-images-idx3-ubyte";
  CHECK(count(file) == 2);
  CHECK(data::find_mnist(file) == file);
  CHECK(data::load_mnist(file, Split::test, data::Labels::skip).count == 7);
  CHECK(contains(error_of([&] { data::load_mnist(place / "emnist-digits-train-images-idx3-ubyte", Split::test); }),
                 "no test images beside"));
  put("deeper/train-images-idx3-ubyte", 4);  // what is nearer counts
  CHECK(contains(error_of([&] { count(place); }), "several data sets"));
  put("train-images-idx3-ubyte", 5);
  CHECK(count(place) == 5);

  // In folders of their own they have one name all.
  const auto root = place / "torch";
  put("torch/FashionMNIST/raw/train-images-idx3-ubyte", 1);
  put("torch/KMNIST/raw/train-images-idx3-ubyte", 2);
  CHECK(contains(error_of([&] { count(root); }),
                 ": FashionMNIST/raw/train-images-idx3-ubyte, KMNIST/raw/train-images-idx3-ubyte; name"));
  put("torch/MNIST/raw/train-images-idx3-ubyte", 3);
  CHECK(count(root) == 3);
  CHECK(data::find_mnist(root) == root / "MNIST" / "raw");
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
    CHECK(data::find_mnist().has_value());  // enough to train on
    CHECK_FALSE(data::has_mnist(work / "data" / "mnist"));
    std::filesystem::remove(work / "data" / "mnist" / "train-images-idx3-ubyte");
    CHECK(data::find_mnist() == std::nullopt);
  }
  const Surroundings s("", empty);
  CHECK(data::find_mnist() == std::nullopt);
}

TEST_CASE("a data set that has not as many pixels as it says is refused") {
  data::ImageDataset d;
  d.source = "here";
  d.count = 3, d.height = 2, d.width = 1;
  d.images = {1, 2, 3, 4, 5, 6};
  d.labels = {7, 8, 9};
  CHECK(d.image(2)[1] == 6);
  CHECK(contains(error_of([&] { d.keep_first(4); }), "4 images, expected 0 to 3, the number in here"));
  d.keep_first(2);
  CHECK(d.images == Bytes{1, 2, 3, 4});
  CHECK(d.labels == Bytes{7, 8});
  d.labels.clear();
  d.keep_first(1);
  CHECK(d.labels.empty());
  d.count = 2;
  const std::string e = "ImageDataset: 2 bytes for 2 images of 2x1, expected 4";
  CHECK(error_of([&] { d.image(1); }) == e);
  CHECK(error_of([&] { data::DeviceImages images(d); }) == e);
  constexpr index_t half = index_t{1} << 32;
  d.images.clear();
  for (const auto& [h, w] : {std::pair{half, half}, std::pair{half / 2, half}, std::pair{index_t{-1}, index_t{2}}}) {
    d.height = h, d.width = w;
    CHECK(contains(error_of([&] { d.pixels(); }), "expected at least 0 and a product below 2^63"));
    CHECK(contains(error_of([&] { d.image(0); }), "expected at least 0 and a product below 2^63"));
    CHECK(contains(error_of([&] { data::DeviceImages images(d); }), "expected at least 0 and a product below 2^63"));
  }
}

TEST_CASE("pixel statistics and class counts by hand") {
  data::ImageDataset d;
  d.images = {0, 255, 255, 0, 51, 51};
  d.labels = {3, 3, 9};
  const auto s = data::pixel_statistics(d);
  // mean (2 + 2/5) / 6 = 0.4; mean of squares (2 + 2/25) / 6; at most 6 + 2 roundings of numbers below 0.4
  CHECK(std::fabs(s.mean - 0.4) <= 8 * 0x1p-53 * 0.4);
  CHECK(std::fabs(s.variance - (2.08 / 6 - 0.16)) <= 2 * 8 * 0x1p-53 * 0.4);
  CHECK(data::class_counts(d) == std::vector<index_t>{0, 0, 0, 2, 0, 0, 0, 0, 0, 1});
  d.labels[0] = 11;
  CHECK(data::class_counts(d) == std::vector<index_t>{0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 1});
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
  CHECK(data::class_counts(train) == std::vector<index_t>{5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949});
  data::ImageDataset swapped = test;
  swapped.split = Split::train;
  CHECK(contains(error_of([&] { data::verify_mnist(swapped); }), "expected 6bbc9ace"));
}
