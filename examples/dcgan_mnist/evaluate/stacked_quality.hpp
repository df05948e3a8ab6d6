// The quality of stacked digits: how many of the thousand combinations of three digits are drawn, and how evenly.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <tinygan/data/dataset.hpp>
#include <tinygan/eval/classifier.hpp>
#include <tinygan/eval/modes.hpp>

namespace dcgan_mnist {

inline constexpr tinygan::index_t stacked_channels = 3;

/// What a classifier reads in the channels of N images.
struct StackedQuality {
  tinygan::index_t count = 0;
  tinygan::eval::ModeCoverage coverage;
  double mean_confidence = 0, unsure = 0;
  std::vector<tinygan::index_t> classes;  ///< channels of each class
};

/// One of its figures.
struct StackedFigure {
  const char* key;    ///< in JSON
  const char* label;  ///< in the table
  int digits;         ///< after the decimal point
  double (*value)(const StackedQuality&);
  const char* meaning;
};

extern const std::vector<StackedFigure> stacked_figures;

/// Of images (N,28,28,3).
StackedQuality stacked_quality(tinygan::eval::Classifier& classifier, std::span<const std::uint8_t> images);

/// What an evaluation of stacked digits found.
struct StackedEvaluation {
  StackedQuality images, real;           ///< generated; as many of the test images, stacked
  tinygan::eval::ModeCoverage expected;  ///< of perfect samples of the training labels
  std::vector<tinygan::index_t> prior;   ///< training images of each class
  double classifier_accuracy = 0;        ///< on the single test images
};

/// Of images beside `real`, stacked of the test images; `train` and `test` are single digits. Throws Error if they have
/// no labels.
StackedEvaluation evaluate_stacked(tinygan::eval::Classifier& classifier, std::span<const std::uint8_t> images,
                                   std::span<const std::uint8_t> real, const tinygan::data::ImageDataset& train,
                                   const tinygan::data::ImageDataset& test);

/// {"samples", "metrics", "floors", "expected", "classes", "prior", ..} as quality_json().
nlohmann::ordered_json stacked_json(const StackedEvaluation& e, const tinygan::eval::Classifier& classifier);

/// The lines of the table, and what is left out of it.
std::string stacked_table(const StackedEvaluation& e);

}  // namespace dcgan_mnist
