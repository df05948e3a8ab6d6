// A training step that can be measured.
#pragma once

#include <benchmark/benchmark.h>

#include <string>

#include <tinygan/gan/step.hpp>

namespace tinygan::bench {

/// A network, its optimisers and a batch of images, on one device. bfloat16 networks have fp32 master weights.
template <class T>
class Training {
 public:
  Training(const std::string& network, index_t batch, Device device)
      : random_(1, device), networks_(models::make_networks<T>(models::network_from_name(network), {}, random_)),
        step_(networks_, AdamHyper::gan(), AdamHyper::gan()),
        real_(random_uniform<T>({batch, 28, 28, 1}, random_, static_cast<T>(static_cast<float>(networks_.pixel_low)),
                                static_cast<T>(static_cast<float>(networks_.pixel_high)))) {}
  Training(const Training&) = delete;
  Training& operator=(const Training&) = delete;

  void operator()() {
    loss_ = {};  // its memory is that of the next one
    random_.next_step();
    loss_ = step_(real_, random_).loss_d;
    benchmark::DoNotOptimize(loss_.data());
  }

  /// D's loss of the last step that ran; of a captured one, of the last replay.
  double loss() const { return static_cast<double>(loss_.item()); }

 private:
  Generator random_;
  models::Networks<T> networks_;
  gan::AdversarialStep<T> step_;
  Tensor<T> real_;
  Tensor<wide_t<T>> loss_;
};

}  // namespace tinygan::bench
