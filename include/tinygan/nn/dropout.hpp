// Dropout.
#pragma once

#include <tinygan/nn/layer.hpp>
#include <tinygan/ops/dropout.hpp>

namespace tinygan::nn {

/// In training y = 0 with probability rate, else x / (1 - rate); in inference y = x.
template <class T = float>
class Dropout : public Layer<T> {
 public:
  /// Throws Error unless 0 <= rate < 1.
  explicit Dropout(double rate);
  Variable<T> forward(const Variable<T>& x, const Pass& pass) override;
  Shape output_shape(const Shape& x) const override { return x; }
  OnnxValue export_to(OnnxGraph&, const OnnxValue& x) const override { return x; }
  std::string type() const override { return "dropout"; }
  std::string details() const override { return text(rate_); }

 private:
  double rate_;
};

template <class T>
Dropout<T>::Dropout(double rate) : rate_(rate) {
  check(rate >= 0 && rate < 1, "dropout", "rate ", rate, ", expected at least 0 and below 1");
}

template <class T>
Variable<T> Dropout<T>::forward(const Variable<T>& x, const Pass& pass) {
  if (!pass.training) return x;
  return ops::dropout(x, rate_, pass.generator("dropout", x.device()));
}

}  // namespace tinygan::nn
