#include "weights/generate.hpp"

#include <algorithm>

#include <tinygan/cpu/thread_pool.hpp>

#include "base/device.hpp"

namespace dcgan_mnist {

using tinygan::index_t;
using tinygan::Tensor;

namespace {

constexpr index_t batch_size = 256;

}  // namespace

ImageSource::ImageSource(const GenerateOptions& options)
    : path_(find_weights(options.weights).string()), device_(device_from_name(options.device).value()),
      loaded_(load_generator(path_, options.raw)) {
  if (options.threads > 0) tinygan::cpu::set_threads(options.threads);
  loaded_.networks.generator.to(device_);
}

Tensor<float> ImageSource::operator()(const Tensor<float>& latents) {
  const tinygan::NoGrad no_grad;
  const index_t count = latents.extent(0), width = latents.extent(1);
  const std::vector<float> z = latents.to_vector();
  const tinygan::Shape image = loaded_.networks.generator.output_shape({1, width});
  Tensor<float> result({count, image[1], image[2], image[3]});  // first: fails before the work if memory is short
  for (index_t first = 0; first < count; first += batch_size) {
    const index_t n = std::min(batch_size, count - first);
    Tensor<float> batch({n, width});
    batch.copy_from(std::span(z.data() + first * width, static_cast<std::size_t>(n * width)));
    const Tensor<float> images = loaded_.networks.generator(batch.to(device_), tinygan::nn::Pass::infer()).value();
    std::ranges::copy(images.to_vector(), result.host().begin() + first * (result.size() / count));
  }
  return result;
}

std::string ImageSource::description() const {
  return path_ + " (" + loaded_.model + ", step " + loaded_.step + ", " + (loaded_.averaged ? "averaged" : "raw") +
         " generator)";
}

}  // namespace dcgan_mnist
