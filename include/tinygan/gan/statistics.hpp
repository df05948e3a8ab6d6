// Running statistics of averaged weights, recomputed: those of the trained weights do not fit them.
#pragma once

#include <tinygan/nn/layer.hpp>

namespace tinygan::gan {

/// Sets the running statistics of a generator to the mean over `batches` training passes on random latent vectors
/// (batch_size, size), each with the one-hot `labels` (batch_size, K) if the generator is conditional. Throws Error
/// unless batches >= 1 and batch_size >= 2.
template <class T>
void recompute_statistics(nn::Layer<T>& generator, index_t size, Generator& random, int batches = 16,
                          index_t batch_size = 64, const Tensor<wide_t<T>>& labels = {}) {
  check(batches >= 1 && batch_size >= 2, "recompute_statistics", batches, " batches of ", batch_size,
        ", expected at least 1 of 2");
  if (generator.named_buffers().empty()) return;
  const NoGrad no_grad;
  for (int k = 1; k <= batches; ++k) {
    nn::Pass pass = nn::Pass::train(random);
    if (labels.defined()) pass.labels = Variable<wide_t<T>>(labels);
    pass.momentum = static_cast<double>(k - 1) / k;  // the running mean of all batches so far
    generator(random_normal<T>({batch_size, size}, random), pass);
  }
}

}  // namespace tinygan::gan
