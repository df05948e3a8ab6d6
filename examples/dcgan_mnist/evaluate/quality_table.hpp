// The figures of an evaluation: one list from which the table, the JSON files and the report are made.
#pragma once

#include <array>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <tinygan/eval/evaluator.hpp>

namespace dcgan_mnist {

/// What is measured of generated images, and of as many test images in their place.
struct QualityFigure {
  const char* key;    ///< in JSON
  const char* label;  ///< in the table
  int digits;         ///< after the decimal point
  double (*value)(const tinygan::eval::Quality&, const tinygan::eval::Evaluator&);
  double (*floor)(const tinygan::eval::Evaluator&);  ///< of real images; null: value() of the test images
  const char* meaning;
};

/// In the order of the table.
extern const std::array<QualityFigure, 18> quality_figures;

/// {"rho": .., ...}: every figure of the images; the class accuracy of images that were made of classes.
nlohmann::ordered_json figures_of(const tinygan::eval::Quality& quality, const tinygan::eval::Evaluator& evaluator);

/// {"samples", "classifier", "metrics", "floors", "classes", "prior", "warnings"}: everything that was measured.
nlohmann::ordered_json quality_json(const tinygan::eval::Quality& quality, const tinygan::eval::Evaluator& evaluator);

/// The lines of the table: figure, value, what real images have, meaning; then the classes.
std::string quality_table(const tinygan::eval::Quality& quality, const tinygan::eval::Evaluator& evaluator);

/// A sentence if the classifier, of that accuracy on the test images, does not know them well, else empty.
std::string classifier_warning(double accuracy);

/// A line of a table: label, figure of the images, of real ones, meaning.
std::string figure_line(const std::string& label, const std::string& value, const std::string& floor,
                        const std::string& meaning);

/// Two lines: the classes, and how many `things` there are of each.
std::string class_lines(const std::vector<tinygan::index_t>& counts, const std::string& things);

/// {"md5", "published", "test_accuracy"}.
nlohmann::ordered_json classifier_json(const tinygan::eval::Classifier& classifier, double accuracy);

}  // namespace dcgan_mnist
