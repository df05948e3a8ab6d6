#include "weights/interpolate.hpp"

#include <cmath>
#include <cstdio>

#include <tinygan/io/file.hpp>

#include "base/latents.hpp"
#include "media/gif.hpp"
#include "media/image_grid.hpp"

namespace dcgan_mnist {

using tinygan::index_t;
using tinygan::Tensor;

namespace {

constexpr int frame_delay = 6, end_delay = 60;  // hundredths of a second

/// The images of latent vectors (A,B,100), as (A*B,H,W,C) with B running faster; of a conditional generator, one
/// class for each of B.
Tensor<float> draw(ImageSource& source, const Tensor<float>& latents) {
  Tensor<float> flat({latents.extent(0) * latents.extent(1), latents.extent(2)});
  flat.copy_from(latents.to_vector());
  return source(flat, source.classes_of(flat.extent(0), [&](std::int64_t i) { return i % latents.extent(1); }));
}

/// Blocks of `inner` elements (A,B,inner) as (B,A,inner).
std::vector<float> swap_axes(const std::vector<float>& v, index_t A, index_t B, index_t inner) {
  std::vector<float> out(v.size());
  for (index_t a = 0; a < A; ++a)
    for (index_t b = 0; b < B; ++b)
      std::copy_n(v.data() + (a * B + b) * inner, inner, out.data() + (b * A + a) * inner);
  return out;
}

/// The strips, one a row: (rows * steps,H,W,C) from (steps * rows,H,W,C).
Tensor<float> strips(const Tensor<float>& images, index_t steps, index_t rows) {
  Tensor<float> out(images.shape());
  out.copy_from(swap_axes(images.to_vector(), steps, rows, images.size() / (steps * rows)));
  return out;
}

/// Frame t shows the images of all pairs at step t, there and back again.
std::vector<GifFrame> animation(const ImageSource& source, const Tensor<float>& images, index_t steps, index_t rows) {
  const std::vector<float> pixels = images.to_vector();
  const index_t inner = images.size() / steps;
  const int columns = static_cast<int>(std::ceil(std::sqrt(static_cast<double>(rows))));
  std::vector<GifFrame> frames;
  for (index_t t = 0; t < steps; ++t) {
    Tensor<float> one({rows, images.extent(1), images.extent(2), images.extent(3)});
    one.copy_from(std::span(pixels.data() + t * inner, static_cast<std::size_t>(inner)));
    frames.push_back(
        {make_grid(one, columns, source.low(), source.high()), t == 0 || t == steps - 1 ? end_delay : frame_delay});
  }
  for (index_t t = steps - 2; t > 0; --t) frames.push_back(frames[static_cast<std::size_t>(t)]);
  return frames;
}

}  // namespace

int interpolate(const InterpolateOptions& options) {
  InterpolateOptions o = options;
  if (o.out.empty() && o.gif.empty()) o.out = "interpolation.png";
  ImageSource source(o);
  const Tensor<float> from = draw_latents(o.from, o.rows, o.truncation), to = draw_latents(o.to, o.rows, o.truncation);
  const Way way = o.way == "linear" ? Way::linear : Way::spherical;
  const Tensor<float> images = draw(source, interpolate_latents(from, to, o.steps, way));
  if (!o.out.empty())
    write_grid(o.out, strips(images, o.steps, o.rows), static_cast<int>(o.steps), source.low(), source.high());
  if (!o.gif.empty()) tinygan::io::write_file(o.gif, encode_gif(animation(source, images, o.steps, o.rows)));

  std::printf("%s%s%s: %lld %s ways of %lld steps from seed %llu to seed %llu, %s\n", o.out.c_str(),
              o.out.empty() || o.gif.empty() ? "" : ", ", o.gif.c_str(), static_cast<long long>(o.rows), o.way.c_str(),
              static_cast<long long>(o.steps), static_cast<unsigned long long>(o.from),
              static_cast<unsigned long long>(o.to), source.description().c_str());
  return 0;
}

}  // namespace dcgan_mnist
