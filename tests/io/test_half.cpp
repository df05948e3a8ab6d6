// binary16 in files: every number there and back, rounding, and weights stored in half the space.
#include <cmath>
#include <limits>

#include <tinygan/io/half.hpp>
#include <tinygan/io/weights.hpp>
#include <tinygan/nn/dense.hpp>

#include "support/catch.hpp"

using namespace tinygan;

TEST_CASE("every binary16 number is a float, and itself again", "[half]") {
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    const float x = io::from_half(half);
    const int exponent = static_cast<int>(bits >> 10 & 31), fraction = static_cast<int>(bits & 0x3ff);
    if (exponent == 31 && fraction != 0) {
      REQUIRE(std::isnan(x));
      REQUIRE(std::isnan(io::from_half(io::to_half(x))));
      continue;
    }
    const double magnitude = exponent == 31  ? std::numeric_limits<double>::infinity()
                             : exponent == 0 ? std::ldexp(fraction, -24)
                                             : std::ldexp(1024 + fraction, exponent - 25);
    REQUIRE(static_cast<double>(x) == (bits >= 0x8000 ? -magnitude : magnitude));
    REQUIRE(io::to_half(x) == half);
  }
}

TEST_CASE("a float becomes the nearest binary16 number, ties to even", "[half]") {
  for (std::uint16_t half = 0; half < 0x7bff; ++half) {  // between each two neighbours
    const float low = io::from_half(half), high = io::from_half(static_cast<std::uint16_t>(half + 1));
    const float middle = low + (high - low) / 2;
    REQUIRE(io::to_half(middle) == (half % 2 == 0 ? half : half + 1));
    REQUIRE(io::to_half(std::nextafter(middle, low)) == half);
    REQUIRE(io::to_half(std::nextafter(-middle, -high)) == static_cast<std::uint16_t>(0x8000 | (half + 1)));
  }
  CHECK(io::to_half(65519.996f) == 0x7bff);
  CHECK(io::to_half(65520.f) == 0x7c00);  // half a unit above the largest
  CHECK(io::to_half(-1e30f) == 0xfc00);
  CHECK(io::to_half(1e-30f) == 0);
}

TEST_CASE("weights in half precision load into a float model, widened exactly", "[half]") {
  Generator random(1);
  const nn::Dense<float> model(5, 3, {}, random), other(5, 3, {}, random);
  io::SafetensorsFile file;
  io::add_weights<float>(file, {"", &model});
  const std::size_t bytes = file.tensors[0].bytes.size();
  io::narrow_to_half(file);
  CHECK(file.tensors[0].bytes.size() == bytes / 2);
  CHECK(file.tensors[0].dtype == io::DType::F16);
  io::load_weights<float>(file, "half", io::NamedModule<float>{"", &other});
  const std::vector<float> full = model.kernel().value().to_vector(), loaded = other.kernel().value().to_vector();
  for (std::size_t i = 0; i < full.size(); ++i) CHECK(loaded[i] == io::from_half(io::to_half(full[i])));

  io::SafetensorsFile brain;
  const std::vector<bfloat16> kernel(15, bfloat16(0.3f)), bias(3, bfloat16(-2.f));
  brain.add<bfloat16>("kernel", kernel, {5, 3});
  brain.add<bfloat16>("bias", bias, {3});
  io::load_weights<float>(brain, "brain", io::NamedModule<float>{"", &other});
  CHECK(other.kernel().value().to_vector() == std::vector<float>(15, static_cast<float>(bfloat16(0.3f))));
  const nn::Dense<double> wide(5, 3);
  CHECK_THROWS_WITH(io::load_weights<double>(file, "half", io::NamedModule<double>{"", &wide}),
                    Catch::Matchers::Contains("is F16, expected F64"));
}
