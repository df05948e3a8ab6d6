// What a classifier says of a set of images: their classes, how sure it is, and the classifier score.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

#include <tinygan/base/error.hpp>
#include <tinygan/base/outline.hpp>
#include <tinygan/base/shape.hpp>

namespace tinygan::eval {

/// Of N images; p(c|i) is the softmax of image i's logits.
struct ClassStatistics {
  std::vector<index_t> counts;     ///< images of each class, the most probable one
  double score = 0;                ///< exp(mean_i KL(p(.|i) || mean_i p(.|i))), the mean over `splits` equal parts
  double score_deviation = 0;      ///< standard deviation over the parts
  double mean_confidence = 0;      ///< mean of max_c p(c|i)
  double unsure = 0;               ///< share of images with max_c p(c|i) < 0.9
  std::vector<int> classes;        ///< of each image
  std::vector<double> confidence;  ///< of each image
};

/// Of logits (N,classes) in float64; rows beyond a multiple of `splits` are not in the score. Throws Error unless
/// classes >= 2, splits >= 1 and there are at least as many complete rows of finite values.
/// Source: Salimans et al. 2016, whose Inception score this is with another classifier.
ClassStatistics class_statistics(std::span<const float> logits, index_t classes, index_t splits = 10);

/// KL(counts || prior) in nats, of class frequencies against those of other counts. Infinite if a class of `counts` is
/// not in `prior`. Throws Error unless both count the same classes and hold images.
double class_divergence(std::span<const index_t> counts, std::span<const index_t> prior);

/// What class_divergence() is for n images drawn from the prior itself: its mean (K-1) / 2n and its 95th percentile,
/// that of chi-square with K-1 degrees of freedom over 2n.
struct DivergenceFloor {
  double mean = 0, percentile_95 = 0;
};

/// The floor of n images of K classes, by the chi-square distribution. Throws Error unless K >= 2 and n >= 1.
/// Source: Wilson & Hilferty, "The Distribution of Chi-square", 1931.
DivergenceFloor class_divergence_floor(index_t classes, index_t n);

/// n classes, 0 to K-1, in the proportions of `prior` (K): each in turn is the one that is most behind its share, so
/// the first m of them have these proportions too, and sum(prior) of them have exactly these counts. Throws Error
/// unless the prior holds images and n >= 0.
std::vector<index_t> spread_classes(std::span<const index_t> prior, index_t n);

}  // namespace tinygan::eval

#ifdef TINYGAN_FUNC

namespace tinygan::eval {

TINYGAN_FUNC ClassStatistics class_statistics(std::span<const float> logits, index_t classes, index_t splits) {
  check(classes >= 2 && splits >= 1, "class_statistics", classes, " classes in ", splits,
        " parts, expected at least 2 and 1");
  const auto size = static_cast<std::size_t>(classes), rows = logits.size() / size;
  check(logits.size() % size == 0 && rows >= static_cast<std::size_t>(splits), "class_statistics", logits.size(),
        " logits, expected at least ", splits, " rows of ", classes);
  ClassStatistics s;
  s.counts.resize(size);
  std::vector<double> log_p(logits.size());
  for (std::size_t i = 0; i < rows; ++i) {
    const std::span<const float> row = logits.subspan(i * size, size);
    const auto top = std::max_element(row.begin(), row.end());
    double sum = 0;
    for (const float x : row) sum += std::exp(static_cast<double>(x) - static_cast<double>(*top));
    check(std::isfinite(sum), "class_statistics", "the logits of image ", i, " are not finite");
    for (std::size_t c = 0; c < size; ++c)
      log_p[i * size + c] = static_cast<double>(row[c]) - static_cast<double>(*top) - std::log(sum);
    s.classes.push_back(static_cast<int>(top - row.begin()));
    ++s.counts[static_cast<std::size_t>(top - row.begin())];
    s.confidence.push_back(1 / sum);
    s.mean_confidence += 1 / sum / static_cast<double>(rows);
    s.unsure += (1 / sum < 0.9 ? 1.0 : 0.0) / static_cast<double>(rows);
  }
  const std::size_t part = rows / static_cast<std::size_t>(splits);
  std::vector<double> scores;
  for (std::size_t first = 0; first + part <= rows && scores.size() < static_cast<std::size_t>(splits); first += part) {
    std::vector<double> marginal(size);
    for (std::size_t i = first; i < first + part; ++i)
      for (std::size_t c = 0; c < size; ++c) marginal[c] += std::exp(log_p[i * size + c]) / static_cast<double>(part);
    double divergence = 0;
    for (std::size_t i = first; i < first + part; ++i)
      for (std::size_t c = 0; c < size; ++c) {
        const double p = std::exp(log_p[i * size + c]);
        if (p > 0) divergence += p * (log_p[i * size + c] - std::log(marginal[c])) / static_cast<double>(part);
      }
    scores.push_back(std::exp(divergence));
  }
  const auto parts = static_cast<double>(splits);
  for (const double x : scores) s.score += x / parts;
  for (const double x : scores) s.score_deviation += (x - s.score) * (x - s.score) / parts;
  s.score_deviation = std::sqrt(s.score_deviation);
  return s;
}

TINYGAN_FUNC double class_divergence(std::span<const index_t> counts, std::span<const index_t> prior) {
  check(counts.size() == prior.size(), "class_divergence", counts.size(), " classes against ", prior.size());
  double all = 0, all_prior = 0, divergence = 0;
  for (const index_t n : counts) all += static_cast<double>(n);
  for (const index_t n : prior) all_prior += static_cast<double>(n);
  check(all > 0 && all_prior > 0, "class_divergence", all, " images against ", all_prior, ", expected at least 1");
  for (std::size_t c = 0; c < counts.size(); ++c) {
    const double p = static_cast<double>(counts[c]) / all, q = static_cast<double>(prior[c]) / all_prior;
    if (p > 0) divergence += p * std::log(p / q);
  }
  return divergence;
}

TINYGAN_FUNC DivergenceFloor class_divergence_floor(index_t classes, index_t n) {
  check(classes >= 2 && n >= 1, "class_divergence_floor", n, " images of ", classes,
        " classes, expected at least 1 and 2");
  const auto freedom = static_cast<double>(classes - 1), spread = 2 / (9 * freedom), images = static_cast<double>(n);
  const double root = 1 - spread + 1.6448536269514722 * std::sqrt(spread);  // Wilson & Hilferty 1931
  return {freedom / (2 * images), freedom * root * root * root / (2 * images)};
}

TINYGAN_FUNC std::vector<index_t> spread_classes(std::span<const index_t> prior, index_t n) {
  index_t all = 0;
  for (const index_t count : prior) all += count;
  check(all > 0 && n >= 0, "spread_classes", n, " classes from a prior of ", all, " images, expected at least 0 and 1");
  std::vector<index_t> behind(prior.size()), classes;  // behind: in units of 1/all
  for (index_t i = 0; i < n; ++i) {
    for (std::size_t c = 0; c < prior.size(); ++c) behind[c] += prior[c];
    const auto next = std::max_element(behind.begin(), behind.end());
    *next -= all;
    classes.push_back(static_cast<index_t>(next - behind.begin()));
  }
  return classes;
}

}  // namespace tinygan::eval

#endif
