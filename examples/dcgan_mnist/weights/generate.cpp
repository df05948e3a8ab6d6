#include "weights/generate.hpp"

#include <algorithm>
#include <span>

#include <tinygan/cpu/thread_pool.hpp>
#include <tinygan/nn/losses.hpp>

#include "base/device.hpp"
#include "run/in_batches.hpp"
#include "run/model.hpp"

namespace dcgan_mnist {

using tinygan::index_t;
using tinygan::Tensor;

ImageSource::ImageSource(const GenerateOptions& options)
    : path_(find_weights(options.weights).string()), device_(device_from_name(options.device).value()),
      loaded_(load_generator(path_, options.raw)), label_(options.label) {
  if (options.threads > 0) tinygan::cpu::set_threads(options.threads);
  loaded_.networks.generator.to(device_);
  const index_t classes = class_count();
  tinygan::check(options.label < 0 || classes > 0, "--class", path_,
                 " holds no conditional generator (train --conditional), expected no class");
  tinygan::check(options.label < std::max<index_t>(classes, 1), "--class", options.label, ", expected 0 to ",
                 classes - 1);
}

Tensor<float> ImageSource::operator()(const Tensor<float>& latents, const std::vector<std::int64_t>& classes) {
  const tinygan::NoGrad no_grad;
  return in_batches(latents, device_, [&](const Tensor<float>& z, index_t first) {
    Tensor<float> labels;
    if (class_count() > 0) {
      const auto from = static_cast<std::size_t>(first), count = static_cast<std::size_t>(z.extent(0));
      labels = tinygan::nn::one_hot<float>(std::span(classes).subspan(from, count), class_count(), device_);
    }
    return loaded_.networks.generator(z, inference_of(labels)).value();
  });
}

std::string ImageSource::description() const {
  return path_ + " (" + loaded_.model + ", step " + loaded_.step + ", " + (loaded_.averaged ? "averaged" : "raw") +
         " generator)";
}

}  // namespace dcgan_mnist
