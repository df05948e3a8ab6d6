// Pass: how a model is run.
#pragma once

#include <memory>

#include <tinygan/tensor/random.hpp>

namespace tinygan::nn {

/// Training: batch statistics and dropout. Inference: running statistics, no dropout.
struct Pass {
  bool training = false;
  Generator* random = nullptr;    ///< for dropout; the device's default generator if null
  bool update_statistics = true;  ///< false: batch statistics are used but leave no trace in the running ones

  double momentum = -1;  ///< of the running statistics; each layer's own if negative

  std::weak_ptr<const void> lifetime{};  ///< of random, if train() was given it

  /// Keeps a reference: the generator must outlive the pass.
  static Pass train(Generator& random) {
    Pass p{true, &random};
    p.lifetime = random.lifetime();
    return p;
  }
  static Pass train(Generator&&) = delete;
  static Pass train(const Generator&&) = delete;
  static Pass infer() { return {}; }
  /// As in training, but the model is left bit for bit as it was: the other network's step.
  Pass frozen() const {
    Pass p = *this;
    p.update_statistics = false;
    return p;
  }

  /// The generator to draw from. Throws Error if it no longer exists.
  Generator& generator(const char* op, Device device) const {
    if (!random) return default_generator(device);
    const std::weak_ptr<const void> never;
    const bool known = lifetime.owner_before(never) || never.owner_before(lifetime);
    check(!known || !lifetime.expired(), op, "the generator of the pass no longer exists; it must outlive the pass");
    return *random;
  }
};

}  // namespace tinygan::nn
