// Generated images as bytes and as a PGM file.
#include <limits>

#include <tinygan/data/write_images.hpp>
#include <tinygan/io/arrays.hpp>

#include "support/catch.hpp"
#include "support/temporary.hpp"

using namespace tinygan;
using support::error_of;

TEST_CASE("images as bytes: rounded, clamped, low at 0 and high at 255") {
  const auto x = Tensor<float>::from({-2.0f, -1.0f, 0.0f, 0.5f, 1.0f, 3.0f}, {1, 2, 3, 1});
  const Tensor<std::uint8_t> bytes = data::image_bytes(x, -1, 1);
  CHECK(bytes.shape() == Shape{1, 2, 3});
  CHECK(bytes.to_vector() == std::vector<std::uint8_t>{0, 0, 128, 191, 255, 255});
  CHECK(data::image_bytes(x.reshape({1, 2, 3})).to_vector() == std::vector<std::uint8_t>{0, 0, 0, 128, 255, 255});
}

TEST_CASE("images as bytes survive an npz file") {
  const support::TemporaryFolder folder;
  const auto x = Tensor<float>::from({0.0f, 0.2f, 0.4f, 1.0f}, {2, 2, 1});
  io::save_npz(folder.path() / "a.npz", {{"images", data::image_bytes(x)}});
  const Tensor<std::uint8_t> read = io::load_npz(folder.path() / "a.npz")["images"];
  CHECK(read.shape() == Shape{2, 2, 1});
  CHECK(read.to_vector() == std::vector<std::uint8_t>{0, 51, 102, 255});
}

TEST_CASE("a grid as a PGM file: rows of columns, black where no image is left") {
  const support::TemporaryFolder folder;
  std::vector<float> values(3 * 2 * 2);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i + 1);
  data::write_pgm(folder.path() / "a.pgm", Tensor<float>::from(values, {3, 2, 2, 1}), 2, 0, 255);
  const std::vector<std::uint8_t> file = io::read_file(folder.path() / "a.pgm");
  const std::string head = "P5 4 4 255\n";
  REQUIRE(file.size() == head.size() + 16);
  CHECK(std::string(file.begin(), file.begin() + 11) == head);
  const std::vector<std::uint8_t> pixels(file.begin() + 11, file.end());
  CHECK(pixels == std::vector<std::uint8_t>{1, 2, 5, 6, 3, 4, 7, 8, 9, 10, 0, 0, 11, 12, 0, 0});
}

TEST_CASE("writing images names what does not fit") {
  const support::TemporaryFolder folder;
  const auto zeros = [](const Shape& shape) { return Tensor<float>::zeros(shape); };
  CHECK(error_of([] { data::image_bytes({}); }) == "image_bytes: the images are empty, expected a tensor of them");
  CHECK(error_of([&] {
          data::image_bytes(zeros({2, 4, 4, 3}));
        }) == "image_bytes: images (2, 4, 4, 3), expected (N, H, W, 1) or (N, H, W)");
  CHECK(error_of([&] {
          data::image_bytes(zeros({2, 16}));
        }) == "image_bytes: images (2, 16), expected (N, H, W, 1) or (N, H, W)");
  CHECK(error_of([&] { data::image_bytes(zeros({1, 2, 2}), 1, 1); }) == "image_bytes: low 1 is not below high 1");
  auto nan = zeros({2, 2, 2});
  nan.data()[5] = std::numeric_limits<float>::quiet_NaN();
  CHECK(error_of([&] { data::image_bytes(nan); }) == "image_bytes: a pixel of image 1 is NaN");
  CHECK(error_of([&] {
          data::write_pgm(folder.path() / "a.pgm", zeros({2, 2, 2}), 0);
        }) == "write_pgm: 0 columns, expected at least 1");
  CHECK(error_of([&] {
          data::write_pgm(folder.path() / "missing" / "a.pgm", zeros({2, 2, 2}), 1);
        }).find("missing") != std::string::npos);
}
