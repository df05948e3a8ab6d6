// DiffAugment: what each transform does to an image, that gradients pass, and that real and generated images differ in
// nothing but their draws.
#include <tinygan/autograd/check_grads.hpp>
#include <tinygan/gan/diff_augment.hpp>

#include "support/catch.hpp"
#include "support/temporary.hpp"
#include "support/values.hpp"

using namespace tinygan;
using namespace tinygan::test;

namespace {

/// Element (n, h, w) of images of one channel.
float at(const Tensor<float>& x, index_t n, index_t h, index_t w) {
  return x.host()[static_cast<std::size_t>((n * x.extent(1) + h) * x.extent(2) + w)];
}

}  // namespace

TEST_CASE("the transforms of DiffAugment have the paper's names") {
  CHECK_FALSE(gan::diff_augment_from_names("none").any());
  CHECK_FALSE(gan::diff_augment_from_names("").any());
  const gan::DiffAugment two = gan::diff_augment_from_names("cutout,color");
  CHECK((two.color && !two.translation && two.cutout));
  CHECK(gan::diff_augment_from_names("translation").translation);
  CHECK(support::error_of([] { gan::diff_augment_from_names("color,flip"); }) ==
        "diff_augment: 'flip' is unknown; there are color, translation and cutout");
  CHECK_THROWS_AS(gan::diff_augment_from_names("color,,cutout"), Error);
}

TEST_CASE("without transforms DiffAugment is the images themselves, without a draw") {
  Generator random(1);
  const Variable<float> x(Tensor<float>::zeros({2, 4, 5, 1}));
  CHECK(gan::diff_augment({}, x, random) == x);
  CHECK(random.draw() == 0);
  CHECK(support::error_of([&] { gan::diff_augment({.cutout = true}, x, random); }) ==
        "diff_augment: input (2, 4, 5, 1), expected square images (N,H,H,C)");
}

TEST_CASE("translation moves each image by up to an eighth, every distance occurring, zeros moving in") {
  constexpr index_t N = 400;
  Tensor<float> x = Tensor<float>::zeros({N, 28, 28, 1});
  for (index_t n = 0; n < N; ++n) x.data()[(n * 28 + 14) * 28 + 10] = 1;
  Generator random(2);
  const Tensor<float> y = gan::diff_augment<float>({.translation = true}, x, random).value();
  std::vector<int> down(9), right(9);
  for (index_t n = 0; n < N; ++n)
    for (index_t h = 0; h < 28; ++h)
      for (index_t w = 0; w < 28; ++w)
        if (at(y, n, h, w) != 0) {
          REQUIRE((std::abs(h - 14) <= 4 && std::abs(w - 10) <= 4));
          ++down[static_cast<std::size_t>(h - 10)];
          ++right[static_cast<std::size_t>(w - 6)];
        }
  const double share = 1.0 / 9, sigma = std::sqrt(N * share * (1 - share));
  for (const auto& counts : {down, right})
    for (const int count : counts) CHECK(std::abs(count - N * share) < 5 * sigma);
}

TEST_CASE("cutout erases a window of half the size whose centre is in the image") {
  for (const index_t size : {index_t{8}, index_t{6}}) {  // windows of even and of odd size
    const Tensor<float> x = Tensor<float>::full({300, size, size, 1}, 1.0f);
    Generator random(3);
    const Tensor<float> y = gan::diff_augment<float>({.cutout = true}, x, random).value();
    const index_t window = size / 2;
    index_t fewest = size * size, most = 0;
    for (index_t n = 0; n < x.extent(0); ++n) {
      index_t erased = 0, top = size, bottom = -1, left = size, right = -1;
      for (index_t h = 0; h < size; ++h)
        for (index_t w = 0; w < size; ++w)
          if (at(y, n, h, w) == 0) {
            ++erased;
            top = std::min(top, h), bottom = std::max(bottom, h), left = std::min(left, w), right = std::max(right, w);
          }
      REQUIRE(erased == (bottom - top + 1) * (right - left + 1));  // a rectangle
      fewest = std::min(fewest, erased), most = std::max(most, erased);
    }
    CHECK(most == window * window);
    CHECK(fewest == ((window + 1) / 2) * ((window + 1) / 2));  // the centre at a corner
  }
}

TEST_CASE("color changes brightness, saturation and contrast within their ranges, the same in a whole image") {
  const Tensor<double> x = random_tensor<double>({50, 4, 4, 3}, 4);
  Generator random(5), same(5);
  const Array y = array(gan::diff_augment<double>({.color = true}, x, random));
  const Array in = array(x);
  const auto draw = [&] { return random_uniform<double>({50, 1, 1, 1}, same).to_vector(); };
  const auto b = draw(), s = draw(), c = draw();
  for (std::size_t n = 0; n < 50; ++n) {
    Array image(in.begin() + static_cast<std::ptrdiff_t>(48 * n),
                in.begin() + static_cast<std::ptrdiff_t>(48 * n + 48));
    double mean = 0;
    for (std::size_t p = 0; p < 48; p += 3) {
      for (std::size_t k = p; k < p + 3; ++k) image[k] += b[n] - 0.5;
      const double grey = (image[p] + image[p + 1] + image[p + 2]) / 3;
      for (std::size_t k = p; k < p + 3; ++k) image[k] = grey + (image[k] - grey) * 2 * s[n];
    }
    for (const double v : image) mean += v / 48;
    for (std::size_t k = 0; k < 48; ++k)  // some hundred roundings of numbers below 4
      REQUIRE(std::abs(y[48 * n + k] - (mean + (image[k] - mean) * (0.5 + c[n]))) < 100 * 4 * 0x1p-52);
  }
}

TEST_CASE("gradients pass through DiffAugment to second order") {
  for (const index_t channels : {1, 3}) {
    const auto view = [](const std::vector<Variable<double>>& v) {
      Generator random(6);  // the same transforms at every call
      const Variable<double> y = gan::diff_augment({.color = true, .translation = true, .cutout = true}, v[0], random);
      return y + ops::square(y);
    };
    CHECK_NOTHROW(check_grads<double>(view, {random_tensor<double>({2, 8, 8, channels}, 7)}, {.order = 2}));
  }
}
