// Folders of images, decoded by a function of the program: here one of a format made up for the test.
#include <tinygan/data/image_folder.hpp>

#include "support/catch.hpp"
#include "support/temporary.hpp"

using namespace tinygan;
using support::error_of;

namespace {

namespace fs = std::filesystem;

/// Height, width and channels in a byte each, then the pixels.
data::DecodedImage decode(std::span<const std::uint8_t> bytes, const std::string& name) {
  check(bytes.size() >= 3, name, "truncated");
  return {bytes[0], bytes[1], bytes[2], {bytes.begin() + 3, bytes.end()}};
}

using Bytes = std::vector<std::uint8_t>;

}  // namespace

TEST_CASE("the folders of a directory are classes, by name") {
  const support::TemporaryFolder folder;
  for (const char* const name : {"b", "a", "empty", ".hidden"}) fs::create_directory(folder.path() / name);
  folder.file("b/2.png", Bytes{1, 2, 3, 6, 5, 4, 3, 2, 1});
  folder.file("b/10.JPG", Bytes{1, 2, 3, 1, 1, 1, 2, 2, 2});
  folder.file("a/x.jpeg", Bytes{1, 2, 3, 9, 9, 9, 8, 8, 8});
  folder.file("a/notes.txt", Bytes{1});
  folder.file("a/.hidden.png", Bytes{1});
  folder.file(".hidden/x.png", Bytes{1});
  const data::ImageFolder f = data::image_folder(folder.path());
  CHECK(f.classes == std::vector<std::string>{"a", "b"});
  CHECK(f.labels == std::vector<std::int32_t>{0, 1, 1});
  REQUIRE(f.count() == 3);
  CHECK(f.files[0] == folder.path() / "a/x.jpeg");
  CHECK(f.files[1] == folder.path() / "b/10.JPG");
  CHECK(f.files[2] == folder.path() / "b/2.png");

  const data::ImageDataset d = data::load_images(f, decode);
  CHECK(d.extents() == "1x2x3");
  CHECK(d.count == 3);
  CHECK(d.source == folder.path().string());
  CHECK(d.labels == Bytes{0, 1, 1});
  CHECK(d.images == Bytes{9, 9, 9, 8, 8, 8, 1, 1, 1, 2, 2, 2, 6, 5, 4, 3, 2, 1});
  CHECK(data::image_folder(folder.path(), {".txt"}).classes == std::vector<std::string>{"a"});
}

TEST_CASE("images beside each other have no classes, and folders are not entered") {
  const support::TemporaryFolder folder;
  fs::create_directory(folder.path() / "a");
  folder.file("a/1.png", Bytes{1, 1, 1, 7});
  folder.file("2.png", Bytes{1, 1, 1, 2});
  folder.file("1.png", Bytes{1, 1, 1, 1});
  const data::ImageFolder f = data::image_folder(folder.path());
  CHECK(f.classes.empty());
  const data::ImageDataset d = data::load_images(f, decode);
  CHECK(d.labels.empty());
  CHECK(d.images == Bytes{1, 2});
}

TEST_CASE("image folders name what is wrong") {
  const support::TemporaryFolder folder;
  const std::string directory = folder.path().string();
  CHECK(error_of([&] { data::image_folder(folder.path()); }) ==
        directory + ": holds no images, nor do its folders; looked for .png, .jpg, .jpeg");
  CHECK(support::contains(error_of([&] { data::image_folder(folder.path() / "no"); }),
                          directory + "/no: cannot list the directory: "));
  const std::string first = folder.file("1.png", Bytes{1, 2, 1, 5, 6}).string();
  const std::string second = folder.file("2.png", Bytes{2, 1, 1, 5, 6}).string();
  const auto message = [&] { return error_of([&] { data::load_images(data::image_folder(folder.path()), decode); }); };
  CHECK(message() == second + ": is 2x1x1, expected 1x2x1 like " + first);
  folder.file("2.png", Bytes{1, 2, 1, 5});
  CHECK(message() == second + ": the decoder gave 1 bytes for 1x2x1 pixels");
  folder.file("2.png", Bytes{0, 2, 1});
  CHECK(message() == second + ": the decoder gave 0 bytes for 0x2x1 pixels");
  folder.file("2.png", Bytes{1});
  CHECK(message() == second + ": truncated");  // the decoder's own
  CHECK(error_of([] { data::load_images({}, decode); }) == "load_images: no files");
  data::ImageFolder many{folder.path(), {first}, {0}, std::vector<std::string>(257)};
  CHECK(error_of([&] { data::load_images(many, decode); }) ==
        directory + ": 257 folders of images, expected at most 256");
}
