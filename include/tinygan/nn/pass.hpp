// Pass: the mode of a forward pass, training or inference.
#pragma once

#include <memory>
#include <utility>

#include <tinygan/autograd/variable.hpp>
#include <tinygan/tensor/random.hpp>

namespace tinygan::nn {

/// Training: batch statistics and dropout. Inference: running statistics, no dropout.
struct Pass {
  bool training = false;
  Generator* random = nullptr;    ///< for dropout; the device's default generator if null
  bool update_statistics = true;  ///< false: a training pass does not update the running statistics

  double momentum = -1;  ///< of the running statistics; each layer's own if negative

  AnyVariable labels{};  ///< one-hot classes (N,K) of the samples, for conditional layers; fp32 where T is bfloat16

  std::weak_ptr<const void> lifetime{};  ///< of random, if set by train()

  /// Keeps a reference: the generator must outlive the pass.
  static Pass train(Generator& random) {
    Pass p{true, &random};
    p.lifetime = random.lifetime();
    return p;
  }
  static Pass train(Generator&&) = delete;
  static Pass train(const Generator&&) = delete;
  /// Inference: no dropout, running statistics, no random numbers.
  static Pass infer() { return {}; }
  /// The same pass without an update of the running statistics, for a network that is not trained in this step.
  Pass frozen() const {
    Pass p = *this;
    p.update_statistics = false;
    return p;
  }

  /// The same pass over samples of these classes, one-hot rows (N,K).
  Pass with_labels(AnyVariable one_hot) const {
    Pass p = *this;
    p.labels = std::move(one_hot);
    return p;
  }

  /// The random number generator. Throws Error if it no longer exists.
  Generator& generator(const char* op, Device device) const {
    if (!random) return default_generator(device);
    const std::weak_ptr<const void> never;
    const bool known = lifetime.owner_before(never) || never.owner_before(lifetime);
    check(!known || !lifetime.expired(), op, "the generator of the pass no longer exists; it must outlive the pass");
    return *random;
  }
};

}  // namespace tinygan::nn
