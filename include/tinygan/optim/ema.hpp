// Exponential moving average of weights.
#pragma once

#include <tinygan/autograd/grad.hpp>
#include <tinygan/optim/optimiser.hpp>

namespace tinygan::optim {

/// Decay of an average of weights.
struct EmaOptions {
  double decay = 0.999;
  bool warm_up = true;  ///< decay at update t is min(decay, (1+t)/(10+t)): the initial weights lose their influence
};

/// average = decay * average + (1 - decay) * source for every tensor of a second model of the same architecture, in
/// fp32 where T is bfloat16, whose master weights are averaged. Running statistics are not averaged:
/// gan::recompute_statistics recomputes them.
template <class T = float>
class Ema {
 public:
  /// What averages are kept in: float for bfloat16.
  using Wide = typename Optimiser<T>::Wide;

  /// Sets the average to the source. Throws Error if the lists are empty or do not match, if an average is listed
  /// twice or is a source, or if decay is outside [0,1).
  Ema(std::vector<Variable<T>> source, std::vector<Variable<Wide>> average, EmaOptions options = {})
      : source_(std::move(source)), average_(std::move(average)), options_(options) {
    check(options.decay >= 0 && options.decay < 1, "ema", "decay ", options.decay, ", expected at least 0 and below 1");
    check(source_.size() == average_.size(), "ema", source_.size(), " tensors and ", average_.size(), " averages");
    check(!source_.empty(), "ema", "no tensors");
    const auto sources = detail::masters("ema", "tensor", source_),
               averages = detail::masters("ema", "average", average_);
    for (std::size_t i = 0; i < sources.size(); ++i)
      check(averages[i].shape() == sources[i].shape(), "ema", "average ", i, " has shape ", averages[i].shape(),
            ", expected ", sources[i].shape());
    detail::check_distinct("ema", "average", averages);
    for (std::size_t i = 0; i < averages.size(); ++i)
      for (std::size_t j = 0; j < sources.size(); ++j)
        check(!detail::overlap(averages[i], sources[j]), "ema", "average ", i, " and tensor ", j,
              " are the same; expected averages of their own");
    for (std::size_t i = 0; i < sources.size(); ++i) averages[i].copy_from(sources[i]);
  }

  /// Throws Error if an average lives on another device than its source; nothing is then updated.
  void update() {
    check(!source_.empty(), "ema", "there are no tensors: the average was moved from");
    for (std::size_t i = 0; i < source_.size(); ++i)
      check(average_[i].device() == source_[i].device(), "ema", "tensor ", i, " is on ", source_[i].device(),
            ", its average on ", average_[i].device());
    const double t = static_cast<double>(++updates_);
    const double decay = options_.warm_up ? std::min(options_.decay, (1 + t) / (10 + t)) : options_.decay;
    for (std::size_t i = 0; i < source_.size(); ++i) {
      kernels<Wide>(source_[i].device())
          .ema(source_[i].size(), kernel_scalar<T>(decay), source_[i].master().data(), average_[i].value().data(),
               Stream{});
      average_[i].value().bump_version();
    }
  }

  std::uint64_t updates() const { return updates_; }
  /// Restores the count of a checkpoint, on which the decay of the first updates depends.
  void set_updates(std::uint64_t updates) { updates_ = updates; }

 private:
  std::vector<Variable<T>> source_;
  std::vector<Variable<Wide>> average_;
  EmaOptions options_;
  std::uint64_t updates_ = 0;
};

}  // namespace tinygan::optim
