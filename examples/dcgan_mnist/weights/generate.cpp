#include "weights/generate.hpp"

#include <tinygan/cpu/thread_pool.hpp>

#include "base/device.hpp"
#include "run/in_batches.hpp"

namespace dcgan_mnist {

using tinygan::Tensor;

ImageSource::ImageSource(const GenerateOptions& options)
    : path_(find_weights(options.weights).string()), device_(device_from_name(options.device).value()),
      loaded_(load_generator(path_, options.raw)) {
  if (options.threads > 0) tinygan::cpu::set_threads(options.threads);
  loaded_.networks.generator.to(device_);
}

Tensor<float> ImageSource::operator()(const Tensor<float>& latents) {
  const tinygan::NoGrad no_grad;
  return in_batches(latents, device_, [&](const Tensor<float>& z) {
    return loaded_.networks.generator(z, tinygan::nn::Pass::infer()).value();
  });
}

std::string ImageSource::description() const {
  return path_ + " (" + loaded_.model + ", step " + loaded_.step + ", " + (loaded_.averaged ? "averaged" : "raw") +
         " generator)";
}

}  // namespace dcgan_mnist
