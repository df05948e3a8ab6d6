// Cases of ops/normalisation.hpp: batch norm of (N,C) and (N,H,W,C), with each activation, by batch and by given
// statistics; layer norm; and the compositions of plain ops that they equal.
#pragma once

#include <tinygan/ops/normalisation.hpp>

#include "ops/cases/matmul.hpp"

namespace tinygan::test {

namespace detail {

/// activation(gamma (x - mean) rstd + beta) of groups: rows of x for layer norm, columns for batch norm. The bound is
/// that of a mean and a variance of n values, summed in any order, carried through the formula.
inline Expected normalised(const Shape& shape, const Arrays& in, bool by_row, double epsilon, Activation activation,
                           const Array* given_mean = nullptr, const Array* given_variance = nullptr) {
  const Array &x = in[0], &gamma = in[1], &beta = in[2];
  const auto channels = static_cast<std::size_t>(shape[-1]), rows = x.size() / channels;
  const std::size_t groups = by_row ? rows : channels, n = by_row ? channels : rows;
  const auto at = [&](std::size_t group, std::size_t i) {
    return by_row ? group * channels + i : i * channels + group;
  };
  Reference affine(shape.size());
  Array errors(x.size());
  for (std::size_t group = 0; group < groups; ++group) {
    double mean = 0, variance = 0, size = 0;
    for (std::size_t i = 0; i < n; ++i) mean += x[at(group, i)] / static_cast<double>(n);
    for (std::size_t i = 0; i < n; ++i) variance += std::pow(x[at(group, i)] - mean, 2) / static_cast<double>(n);
    if (given_mean) mean = (*given_mean)[group];
    if (given_variance) variance = (*given_variance)[group];
    for (std::size_t i = 0; i < n; ++i) size = std::max(size, std::fabs(x[at(group, i)]) + std::fabs(mean));
    const double rstd = 1 / std::sqrt(variance + epsilon), rounding = static_cast<double>(n) + 8;
    for (std::size_t i = 0; i < n; ++i) {
      const std::size_t e = at(group, i), c = e % channels;
      const double xhat = (x[e] - mean) * rstd;
      affine.value[e] = gamma[c] * xhat + beta[c];
      errors[e] = rounding * (std::fabs(gamma[c]) * (size * rstd + std::fabs(xhat) * std::pow(size * rstd, 2)) +
                              std::fabs(beta[c]));
    }
  }
  Expected y = finish(shape, affine, nullptr, activation);
  for (std::size_t i = 0; i < errors.size(); ++i) y.bound[i] = errors[i] + 4;
  return y;
}

template <class Call>
OpCase norm_case(const std::string& name, const Shape& shape, Activation activation, double epsilon, bool by_row,
                 Call call) {
  const Shape channels{shape[-1]};
  const std::vector<Input> inputs{
      {shape}, {channels, Draw::positive}, {channels, has_kink(activation) ? Draw::sides : Draw::uniform}};
  return op_case(
      text(name, shape, " ", name_of(activation)), inputs,
      [=]<class T>(const std::vector<Variable<T>>& x) {
        return call(x, NormOptions<T>{static_cast<wide_t<T>>(epsilon), activation});
      },
      [=](const Arrays& x) { return normalised(shape, x, by_row, epsilon, activation); });
}

}  // namespace detail

inline std::vector<OpCase> normalisation_cases() {
  std::vector<OpCase> cases;
  using detail::norm_case;
  const auto batch = [](const auto& x, const auto& o) { return ops::batch_norm(x[0], x[1], x[2], o).y; };
  const auto layer = [](const auto& x, const auto& o) { return ops::layer_norm(x[0], x[1], x[2], o); };
  const auto all = all_activations(detail::leak);
  for (Activation f : all) {
    cases.push_back(norm_case("batch_norm", {5, 3}, f, 0.125, false, batch));
    cases.push_back(norm_case("batch_norm", {2, 2, 3, 4}, f, 0.125, false, batch));
    cases.push_back(norm_case("layer_norm", {3, 5}, f, 0.125, true, layer));
    cases.push_back(norm_case("layer_norm", {2, 1, 2, 4}, f, 0.125, true, layer));
  }
  for (const Shape& shape : {Shape{2, 1}, Shape{7, 17}, Shape{1, 3, 3, 1}, Shape{2, 3, 5, 33}, Shape{1, 1, 2, 64}}) {
    cases.push_back(norm_case("batch_norm", shape, Activation::none, 0.125, false, batch));
    cases.push_back(norm_case("layer_norm", shape, Activation::none, 0.125, true, layer));
  }
  cases.push_back(
      norm_case("batch_norm_reference", {4, 3}, Activation::tanh, 0.125, false,
                [](const auto& x, const auto& o) { return ops::batch_norm_reference(x[0], x[1], x[2], o); }));
  cases.push_back(
      norm_case("layer_norm_reference", {4, 3}, Activation::tanh, 0.125, true,
                [](const auto& x, const auto& o) { return ops::layer_norm_reference(x[0], x[1], x[2], o); }));

  for (Activation f : all)
    for (const Shape& shape : {Shape{1, 3}, Shape{2, 2, 2, 5}, Shape{3, 17}}) {
      const Shape channels{shape[-1]};
      const Array mean = draw(Draw::uniform, channels, 21), variance = draw(Draw::positive, channels, 22);
      const std::vector<Input> inputs{{shape}, {channels, Draw::positive}, {channels, Draw::sides}};
      cases.push_back(op_case(
          text("batch_norm_inference", shape, " ", name_of(f)), inputs,
          [=]<class T>(const std::vector<Variable<T>>& x) {
            using Wide = wide_t<T>;
            const NormOptions<T> options{Wide(0.125), f};
            const Device device = x[0].device();
            return ops::batch_norm_inference(x[0], x[1], x[2], tensor<Wide>(mean, channels, device),
                                             tensor<Wide>(variance, channels, device), options);
          },
          [=](const Arrays& x) { return detail::normalised(shape, x, false, 0.125, f, &mean, &variance); }));
    }
  return cases;
}

}  // namespace tinygan::test
