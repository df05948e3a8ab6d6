// Moving statistics of averaged weights: they belong to other weights than those that batches were normalised for.
#pragma once

#include <tinygan/nn/layer.hpp>

namespace tinygan::gan {

/// Sets the running statistics of a generator to the mean over `batches` batches of fresh latent vectors (N, size), run as in
/// training. Throws Error unless there is at least one batch of at least two.
template <class T>
void recompute_statistics(nn::Layer<T>& generator, index_t size, Generator& random, int batches = 16,
                          index_t batch_size = 64) {
  check(batches >= 1 && batch_size >= 2, "recompute_statistics", batches, " batches of ", batch_size,
        ", expected at least one of two");
  if (generator.named_buffers().empty()) return;
  const NoGrad no_grad;
  for (int k = 1; k <= batches; ++k) {
    nn::Pass pass = nn::Pass::train(random);
    pass.momentum = static_cast<double>(k - 1) / k;  // the running mean of all batches so far
    generator(random_normal<T>({batch_size, size}, random), pass);
  }
}

}  // namespace tinygan::gan
