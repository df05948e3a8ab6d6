// The examples of docs/interoperation.md run.
#include <sstream>
#include <vector>

#include <tinygan/tinygan.hpp>

#include "support/catch.hpp"
#include "support/temporary.hpp"
#include "support/values.hpp"

using namespace tinygan;
using namespace tinygan::test;

TEST_CASE("interoperation: memory of another library", "[docs]") {
  auto frame = std::make_shared<std::vector<float>>(6, 0.5f);
  const auto x = Tensor<float>::from_blob(frame->data(), {2, 3}, frame);  // x and its views keep `frame` alive
  CHECK(frame.use_count() == 2);
  CHECK(x.data() == frame->data());
}

TEST_CASE("interoperation: DLPack", "[docs]") {
  const auto x = Tensor<float>::zeros({2, 3});
  dlpack::DLManagedTensor* const shared = to_dlpack(x);
  const Tensor<float> y = from_dlpack<float>(shared);  // in the other library; calls the deleter with the last view
  CHECK(y.data() == x.data());
}

TEST_CASE("interoperation: layouts", "[docs]") {
  const Variable<float> x(Tensor<float>::zeros({8, 32, 32, 3}), true);
  const Variable<float> planes = ops::to_nchw(x);                             // (8,3,32,32), on the tape
  const Tensor<float> torch = to_kcrs(Tensor<float>::zeros({3, 3, 16, 64}));  // (64,16,3,3)
  CHECK(planes.shape() == Shape{8, 3, 32, 32});
  CHECK(torch.shape() == Shape{64, 16, 3, 3});
}

TEST_CASE("interoperation: files", "[docs]") {
  const support::TemporaryFolder folder;
  const auto path = folder.path() / "batch.npz";
  const auto x = random_tensor<float>({2, 3}, 1);
  const auto labels = Tensor<std::int64_t>::from({7, 1}, {2});
  io::save_npz(path, {{"x", x}, {"labels", labels}});  // numpy.load(path)["x"]
  const Tensor<float> y = io::load_npz(path)["x"];
  CHECK(same_bits(x, y));
}

TEST_CASE("interoperation: images and class numbers", "[docs]") {
  const support::TemporaryFolder folder;
  std::filesystem::create_directory(folder.path() / "cat");
  std::filesystem::create_directory(folder.path() / "dog");
  folder.file("cat/1.ppm", std::string("P6 2 1 255\nabcdef"));
  folder.file("dog/1.ppm", std::string("P6 2 1 255\nghijkl"));
  const auto path = folder.path();
  const auto decode_ppm = [](std::span<const std::uint8_t> bytes, const std::string& file) {
    std::istringstream in(std::string(bytes.begin(), bytes.end()));
    std::string magic;
    data::DecodedImage image;
    image.channels = 3;
    int most = 0;
    in >> magic >> image.width >> image.height >> most;
    check(in && in.get() == '\n' && magic == "P6" && most == 255, file, "not a binary PPM file of 8 bits per channel");
    image.pixels.assign(std::istreambuf_iterator<char>(in), {});
    return image;
  };
  const data::ImageFolder files = data::image_folder(path, {".ppm"});
  data::PrefetchLoader loader(data::image_source(files, decode_ppm), {.batch_size = 2, .seed = 1},
                              {.horizontal_flip = true, .crop_padding = 4, .brightness = 0.2f}, {.threads = 2});
  const auto [images, labels] = loader.next(-1, 1);  // (2,1,2,3) in [-1, 1], and files.classes[labels[i]]
  CHECK(images.shape() == Shape{2, 1, 2, 3});
  CHECK(labels.size() == 2);
  CHECK(files.classes == std::vector<std::string>{"cat", "dog"});
}
