// DiffAugment: differentiable augmentation of what the discriminator sees, real and generated images alike.
#pragma once

#include <algorithm>
#include <array>
#include <string_view>

#include <tinygan/ops/image.hpp>
#include <tinygan/ops/norms.hpp>
#include <tinygan/tensor/random.hpp>

namespace tinygan::gan {

/// The transforms in the order of their application; each is drawn per image:
///   color        x + b, then m + s (x - m) with m the pixel's mean over channels (nothing if C = 1), then
///                m + c (x - m) with m the image's mean; b in [-0.5, 0.5), s in [0, 2), c in [0.5, 1.5)
///   translation  by up to an eighth of the size along each axis, zeros moving in
///   cutout       a window of half the size, its centre anywhere in the image, set to zero
/// Source: Zhao et al., "Differentiable Augmentation for Data-Efficient GAN Training", 2020; strengths of its code.
struct DiffAugment {
  bool color = false, translation = false, cutout = false;

  bool any() const { return color || translation || cutout; }
};

inline constexpr std::array diff_augment_names{"color", "translation", "cutout"};

/// The transforms in a comma-separated list of names; of "none" and of the empty list, no transform. Throws Error on an
/// unknown name.
inline DiffAugment diff_augment_from_names(std::string_view list) {
  DiffAugment d;
  constexpr std::array member{&DiffAugment::color, &DiffAugment::translation, &DiffAugment::cutout};
  if (list == "none") list = {};
  while (!list.empty()) {
    const std::string_view name = list.substr(0, list.find(','));
    list.remove_prefix(std::min(name.size() + 1, list.size()));
    const auto at = static_cast<std::size_t>(std::ranges::find(diff_augment_names, name) - diff_augment_names.begin());
    check(at < member.size(), "diff_augment", "'", name, "' is unknown; there are color, translation and cutout");
    d.*member[at] = true;
  }
  return d;
}

namespace detail {

/// Brightness, saturation and contrast of x(N,H,W,C).
template <class T>
Variable<T> jitter_color(const Variable<T>& x, Generator& random) {
  const auto per_image = [&](double low, double high) {
    return Variable<T>(random_uniform<T>({x.shape()[0], 1, 1, 1}, random)) * (high - low) + low;
  };
  Variable<T> y = x + per_image(-0.5, 0.5);
  if (x.shape()[3] > 1) {
    const Variable<T> grey = ops::mean(y, {3}, true);
    y = grey + (y - grey) * per_image(0, 2);
  }
  const Variable<T> mean = ops::mean(y, {1, 2, 3}, true);
  return mean + (y - mean) * per_image(0.5, 1.5);
}

}  // namespace detail

/// The view of images x(N,H,H,C) under these transforms, drawn anew in every call; x itself, without a draw, if there
/// is none. Differentiable: the gradient passes through the same transforms. Throws Error unless x is square images.
template <class T>
Variable<T> diff_augment(const DiffAugment& transforms, const Variable<T>& x, Generator& random) {
  if (!transforms.any()) return x;
  check(x.defined() && x.rank() == 4 && x.shape()[1] == x.shape()[2], "diff_augment", "input ",
        x.defined() ? x.shape() : Shape{}, ", expected square images (N,H,H,C)");
  const Shape per_image{x.shape()[0], 2};
  const auto size = static_cast<std::int32_t>(x.shape()[1]);
  Variable<T> y = x;
  if (transforms.color) y = detail::jitter_color(y, random);
  if (transforms.translation) {
    const std::int32_t most = (size + 4) / 8;  // an eighth, rounded
    y = ops::translate(y, random_integers(per_image, -most, most, random));
  }
  if (transforms.cutout) {
    const std::int32_t window = (size + 1) / 2, before = window / 2;  // the centre is a pixel, or an edge between two
    y = ops::cutout(y, random_integers(per_image, -before, size - window % 2 - before, random), window, window);
  }
  return y;
}

}  // namespace tinygan::gan
