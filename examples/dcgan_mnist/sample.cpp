#include "sample.hpp"

#include <cstdio>

#include "checkpoint.hpp"
#include "image_grid.hpp"

namespace dcgan_mnist {

int sample(const SampleOptions& options) {
  if (options.threads > 0) tinygan::cpu::set_threads(options.threads);
  LoadedGenerator loaded = load_generator(options.weights, options.raw);
  tinygan::Generator random(options.seed);
  const tinygan::NoGrad no_grad;
  const auto z = tinygan::random_normal<float>({options.rows * options.columns, tinygan::gan::latent_size}, random);
  const auto images = loaded.networks.generator(z, tinygan::nn::Pass::infer());
  write_grid(options.out, images.value(), options.columns, static_cast<float>(loaded.networks.pixel_low),
             static_cast<float>(loaded.networks.pixel_high));
  std::printf("%s: %d images from %s (%s, step %s, %s generator), seed %llu\n", options.out.c_str(),
              options.rows * options.columns, options.weights.c_str(), loaded.model.c_str(), loaded.step.c_str(),
              loaded.averaged ? "averaged" : "raw", static_cast<unsigned long long>(options.seed));
  return 0;
}

}  // namespace dcgan_mnist
