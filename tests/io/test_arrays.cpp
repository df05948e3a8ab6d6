// Named tensors in files in one line.
#include <tinygan/io/arrays.hpp>

#include "support/catch.hpp"
#include "support/temporary.hpp"
#include "support/values.hpp"

using namespace tinygan;
using namespace tinygan::test;
using support::error_of;
using support::TemporaryFolder;

namespace {

struct Tensors {
  Tensor<float> x = random_tensor<float>({2, 3}, 1);
  Tensor<double> scalar = Tensor<double>::scalar(0.1);
  Tensor<std::int64_t> labels = Tensor<std::int64_t>::from({7, -1}, {2});
  Tensor<std::uint8_t> pixels = Tensor<std::uint8_t>::from({0, 255, 3}, {1, 3, 1});
  Variable<float> v{random_tensor<float>({4}, 2), true};
  Tensor<bfloat16> narrow = Tensor<bfloat16>::full({2, 1}, bfloat16(1.5f));

  std::vector<io::NamedArray> all() const {
    return {{"x", x}, {"scalar", scalar}, {"labels", labels}, {"pixels", pixels}, {"v", v}, {"narrow", narrow}};
  }
  void check_same(const io::ArrayFile& file) const {
    CHECK(file.all().size() == 6);
    CHECK(same_bits(file.tensor<float>("x"), x));
    CHECK(same_bits(file.tensor<double>("scalar"), scalar));
    CHECK(same_bits(file.tensor<std::int64_t>("labels"), labels));
    CHECK(same_bits(file.tensor<std::uint8_t>("pixels"), pixels));
    CHECK(same_bits(file.tensor<float>("v"), v.value()));
    CHECK(array(file.tensor<float>("narrow")) == Array{1.5, 1.5});
    CHECK(file["narrow"].shape() == std::vector<index_t>{2, 1});
  }
};

}  // namespace

TEST_CASE("tensors of any type through an npz file and a safetensors file") {
  const TemporaryFolder folder;
  const Tensors t;
  io::save_npz(folder.path() / "a.npz", t.all());
  io::save_safetensors(folder.path() / "a.safetensors", t.all());
  t.check_same(io::load_npz(folder.path() / "a.npz"));
  const io::ArrayFile file = io::load_safetensors(folder.path() / "a.safetensors");
  t.check_same(file);
  CHECK(same_bits(file.tensor<bfloat16>("narrow"), t.narrow));
  CHECK(file.contains("x"));
  CHECK_FALSE(file.contains("y"));
}

TEST_CASE("one line saves, one line loads") {
  const TemporaryFolder folder;
  const auto path = folder.path() / "one.npz", other = folder.path() / "one.safetensors";
  io::save_npz(path, {{"x", Tensor<float>::from({1, 2}, {2})}});
  io::save_safetensors(other, {{"x", Tensor<float>::from({3, 4}, {2})}, {"y", Tensor<float>::scalar(5)}});
  Tensor<float> x = io::load_npz(path)["x"];
  CHECK(array(x) == Array{1, 2});
  x = io::load_safetensors(other)["x"];
  CHECK(array(x) == Array{3, 4});
  const io::NamedArray outlives = io::load_npz(path)["x"];
  CHECK(outlives.name() == "x");
  CHECK(outlives.tensor<float>(Device::emulated()).device() == Device::emulated());
  const Variable<float> v(outlives, true);
  CHECK(array(v) == Array{1, 2});
}

TEST_CASE("a file of the one kind becomes one of the other") {
  const TemporaryFolder folder;
  const Tensors t;
  io::save_safetensors(folder.path() / "a.safetensors", t.all());
  io::save_npz(folder.path() / "b.npz", io::load_safetensors(folder.path() / "a.safetensors").all());
  t.check_same(io::load_npz(folder.path() / "b.npz"));
}

TEST_CASE("booleans load as bytes, half precision as float") {
  const TemporaryFolder folder;
  const auto path = folder.path() / "a.npz";
  io::SafetensorsEntry half{"half", io::DType::F16, {2}, {0x00, 0x3C, 0x00, 0xC0}};  // 1, -2
  io::SafetensorsEntry flags{"flags", io::DType::BOOL, {3}, {1, 0, 1}};
  io::save_npz(path, {io::NamedArray(half, ""), io::NamedArray(flags, "")});
  CHECK(io::read_npz(path).at("half").dtype == "<f2");
  CHECK(io::read_npz(path).at("flags").dtype == "|b1");
  CHECK(array(io::load_npz(path).tensor<float>("half")) == Array{1, -2});
  CHECK(array(io::load_npz(path).tensor<std::uint8_t>("flags")) == Array{1, 0, 1});
}

TEST_CASE("errors of named arrays name the file and the array") {
  const TemporaryFolder folder;
  const auto path = folder.path() / "a.npz";
  const std::string file = path.string() + ": ";
  const auto x = Tensor<float>::zeros({2});
  io::save_npz(path, {{"x", x}, {"y", x}});
  CHECK(error_of([&] { io::load_npz(path)["z"]; }) == file + "no array 'z', expected one of: 'x', 'y'");
  CHECK(error_of([&] { Tensor<double> d = io::load_npz(path)["x"]; }) == file + "array 'x' is F32, expected F64");
  CHECK(error_of([&] { io::save_npz(path, {{"x", x}, {"x", x}}); }) == file + "two arrays are named 'x'");
  CHECK(error_of([&] { io::save_safetensors(path, {{"x", x}, {"x", x}}); }) == file + "two tensors are named 'x'");
  CHECK(error_of([&] { io::load_npz(folder.path() / "b.npz"); }) ==
        (folder.path() / "b.npz").string() + ": file not found");
  CHECK(support::contains(error_of([&] { io::load_safetensors(path); }),
                          file + "not a safetensors file: it seems to be a zip archive"));
  CHECK(error_of([] { io::NamedArray("x", Tensor<float>{}); }) ==
        "Tensor: the tensor is empty: default-constructed or moved from");

  io::save_npz(path, {});
  CHECK(error_of([&] { io::load_npz(path)["x"]; }) == file + "no array 'x', expected one of: (none)");

  const auto with = [&](io::SafetensorsEntry e) { return io::NamedArray(std::move(e), path.string()); };
  CHECK(error_of([&] {
          with({"e", io::DType::F32, {0, 4}, {}}).tensor<float>();
        }) == file + "array 'e' has the shape (0, 4), expected at most 6 axes of at least 1 element");
  CHECK(error_of([&] {
          with({"e", io::DType::U8, std::vector<index_t>(7, 1), {0}}).tensor<std::uint8_t>();
        }) == file + "array 'e' has the shape (1, 1, 1, 1, 1, 1, 1), expected at most 6 axes of at least 1 element");
  CHECK(error_of([&] {
          io::save_npz(path, {with({"e", io::DType::F8_E5M2, {1}, {0}})});
        }) == file + "array 'e' is F8_E5M2, an element type that npz files do not have");
  io::NpzFile text;
  text.add_npy("names", io::detail::encode_npy("<U1", 4, std::vector<std::uint8_t>(8), {2}));
  text.add_npy("big", io::detail::encode_npy(">f4", 4, std::vector<std::uint8_t>(8), {2}));
  io::write_npz(path, text);
  CHECK(error_of([&] { Tensor<float> t = io::load_npz(path)["names"]; }) ==
        file + "array 'names' is <U1, expected F32");
  CHECK(error_of([&] { Tensor<float> t = io::load_npz(path)["big"]; }) == file + "array 'big' is >f4, expected F32");
}
