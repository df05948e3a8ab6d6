// Metrics of a training step, and the list of metrics that ring, status line, JSON, TensorBoard and report iterate.
#pragma once

#include <array>
#include <vector>

#include <tinygan/base/error.hpp>

namespace tinygan::gan {

/// Metrics of one step: losses, mean D(x) and mean D(G(z)) before D's (last) update, gradient norms, and the largest
/// spectral norm of D's kernels after that update. V is a scalar tensor where the step computes them and a number where they are read. Not measured: an empty tensor, NaN.
template <class V>
struct StepMetrics {
  V loss_d{}, loss_g{}, d_real{}, d_fake{}, grad_norm_d{}, grad_norm_g{}, spectral_norm_d{};
};

/// How a metric is printed.
struct NumberFormat {
  /// What the number of digits counts.
  enum class Digits { decimals, significant } kind;
  int digits;
};

/// A range of values; none if low == high.
struct HealthyRange {
  double low, high;
};

/// A metric: its member of StepMetrics, its names, format and meaning.
template <class V>
struct StepMetric {
  V StepMetrics<V>::*value;
  const char* key;          ///< in JSON
  const char* label;        ///< in the status line
  const char* short_label;  ///< in a narrow status line; empty: not shown
  NumberFormat format;
  const char* tag;       ///< in TensorBoard, "group/name"; metrics of a group share a plot
  const char* legend;    ///< in that plot
  HealthyRange healthy;  ///< of the loss bce
  const char* meaning;
};

/// Every metric, in the order of the status line.
template <class V>
inline constexpr std::array step_metrics{
    // clang-format off
    StepMetric<V>{&StepMetrics<V>::loss_d, "loss_d", "loss_D", "D", {NumberFormat::Digits::decimals, 3},
                  "loss/discriminator", "discriminator", {0.5, 1.45}, "the discriminator's loss; 1.39 is guessing"},
    StepMetric<V>{&StepMetrics<V>::loss_g, "loss_g", "loss_G", "G", {NumberFormat::Digits::decimals, 3},
                  "loss/generator", "generator", {0.65, 3}, "the generator's loss; 0.69 is a guessing D"},
    StepMetric<V>{&StepMetrics<V>::d_real, "d_real", "D(x)", "D(x)", {NumberFormat::Digits::decimals, 2},
                  "output/real", "D(x), real images", {0.48, 0.95}, "mean probability \"real\" of real images"},
    StepMetric<V>{&StepMetrics<V>::d_fake, "d_fake", "D(G(z))", "D(G(z))", {NumberFormat::Digits::decimals, 2},
                  "output/generated", "D(G(z)), generated images", {0.05, 0.52}, "mean probability \"real\" of generated images"},
    StepMetric<V>{&StepMetrics<V>::grad_norm_d, "grad_norm_d", "|gD|", "", {NumberFormat::Digits::significant, 3},
                  "gradient/discriminator", "discriminator", {}, "gradient norm of D; steady, not growing without end"},
    StepMetric<V>{&StepMetrics<V>::grad_norm_g, "grad_norm_g", "|gG|", "", {NumberFormat::Digits::significant, 3},
                  "gradient/generator", "generator", {}, "gradient norm of G; the same"},
    StepMetric<V>{&StepMetrics<V>::spectral_norm_d, "spectral_norm_d", "sD", "", {NumberFormat::Digits::significant, 3},
                  "spectral norm/discriminator", "discriminator's largest", {}, "largest spectral norm of D's kernels; the same"},
    // clang-format on
};

static_assert(sizeof(StepMetrics<float>) == step_metrics<float>.size() * sizeof(float),
              "every metric is in the list once");

/// The values in the order of the list.
template <class V>
std::vector<V> values_of(const StepMetrics<V>& metrics) {
  std::vector<V> values;
  for (const StepMetric<V>& m : step_metrics<V>) values.push_back(metrics.*m.value);
  return values;
}

/// The inverse of values_of(). Throws Error unless there is a value for every metric.
template <class V>
StepMetrics<V> metrics_of(const std::vector<V>& values) {
  check(values.size() == step_metrics<V>.size(), "metrics_of", values.size(), " values, expected ",
        step_metrics<V>.size());
  StepMetrics<V> metrics;
  for (std::size_t i = 0; i < values.size(); ++i) metrics.*step_metrics<V>[i].value = values[i];
  return metrics;
}

}  // namespace tinygan::gan
