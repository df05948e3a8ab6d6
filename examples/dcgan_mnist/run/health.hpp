// Health: detects one-sided adversarial training, vanishing and exploding gradients and mode collapse, with hints in plain
// language.
#pragma once

#include <algorithm>
#include <cmath>
#include <span>
#include <string>
#include <vector>

#include <tinygan/base/error.hpp>
#include <tinygan/base/shape.hpp>

namespace dcgan_mnist {

/// Mean over pixels of the variance over images (count, pixels); 0 if all images are the same.
inline double variety(std::span<const float> images, tinygan::index_t count) {
  tinygan::check(count >= 1 && images.size() % static_cast<std::size_t>(count) == 0, "variety", images.size(),
                 " pixels in ", count, " images");
  const std::size_t n = static_cast<std::size_t>(count), pixels = images.size() / n;
  double total = 0;
  for (std::size_t p = 0; p < pixels; ++p) {
    double mean = 0, squares = 0;  // Welford's sums
    for (std::size_t i = 0; i < n; ++i) {
      const double x = static_cast<double>(images[i * pixels + p]), delta = x - mean;
      mean += delta / static_cast<double>(i + 1);
      squares += delta * (x - mean);
    }
    total += squares / static_cast<double>(n);
  }
  return pixels > 0 ? total / static_cast<double>(pixels) : 0;
}

/// Checks the metrics of a run. Returns a hint once when a condition has held for `patience` steps, and again only
/// after it was false in between; otherwise an empty string.
class HealthWatch {
 public:
  /// The variety of real images, and the number of steps in a row for which a condition must hold.
  explicit HealthWatch(double real_variety, tinygan::index_t patience = 300)
      : real_variety_(real_variety), patience_(patience) {}

  /// The discriminator's mean probabilities for real and for generated images in one step.
  std::string step(double d_real, double d_fake) {
    if (sided_.wrong(d_real > 0.97 && d_fake < 0.03, patience_))
      return tinygan::text(
          "hint: one-sided for ", patience_,
          " steps: the discriminator recognises every image (D(x) near 1, D(G(z)) "
          "near 0), so the generator learns little; try a lower --learning-rate or a larger --batch-size");
    if (fooled_.wrong(d_real < 0.1 || d_fake > 0.9, patience_))
      return tinygan::text("hint: one-sided for ", patience_,
                           " steps: the discriminator has stopped telling real from generated images "
                           "(D(x) low or D(G(z)) high); look at the newest grid, and try another --seed");
    return {};
  }

  /// The norm of the generator's gradient in one step; NaN where it was not measured. The median of the first
  /// `early_norms` is the run's own scale, from which a factor of 1000 for as many measurements in a row is too far.
  std::string gradient(double norm) {
    if (std::isnan(norm)) return {};
    if (early_.size() < early_norms) {
      early_.push_back(norm);
      return {};
    }
    std::vector<double> sorted = early_;
    std::nth_element(sorted.begin(), sorted.begin() + early_norms / 2, sorted.end());
    const double usual = sorted[early_norms / 2];
    const auto hint = [&](const char* what, const char* advice) {
      return tinygan::text("hint: the generator's gradients ", what, ": their length is ", norm, ", it was ", usual,
                           " at the beginning of the run; ", advice);
    };
    if (vanished_.wrong(norm < usual / 1000, early_norms))
      return hint("have vanished", "it learns nothing any more; try --loss bce or hinge, a larger --r1, or a lower "
                                   "--learning-rate-d");
    if (exploded_.wrong(usual > 0 && norm > usual * 1000, early_norms))
      return hint("explode", "try a lower --learning-rate, or a larger --r1, which keeps the discriminator smooth");
    return {};
  }
  static constexpr int early_norms = 20;

  /// Images of one grid, their count, and the step. Early grids are grey and are not checked.
  std::string grid(std::span<const float> images, tinygan::index_t count, tinygan::index_t step) {
    const double share = real_variety_ > 0 ? variety(images, count) / real_variety_ : 1;
    if (!collapsed_.wrong(step >= 500 && share < 0.1, 1)) return {};
    return tinygan::text(
        "hint: the generator looks collapsed: its images differ from each other ", std::llround(100 * share),
        " % as much as real ones do; if it lasts, start again with another --seed or a lower --learning-rate");
  }

 private:
  /// Counts for how many calls in a row a condition has held.
  struct Spell {
    tinygan::index_t length = 0;
    /// True once, when the condition has held for `patience` calls.
    bool wrong(bool now, tinygan::index_t patience) {
      length = now ? length + 1 : 0;
      return length == patience;
    }
  };
  double real_variety_;
  tinygan::index_t patience_;
  Spell sided_, fooled_, collapsed_, vanished_, exploded_;
  std::vector<double> early_;
};

}  // namespace dcgan_mnist
