// RunEvaluation: the quality of a run's images in passing.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <tinygan/eval/evaluator.hpp>

#include "run/progress.hpp"
#include "run/training.hpp"

namespace dcgan_mnist {

/// What one evaluation found.
struct StepQuality {
  double rho = 0, coverage = 0, score = 0;
  std::optional<double> class_accuracy;  // of a conditional run
  nlohmann::ordered_json figures;        ///< {"step": .., "rho": .., ...}
};

class RunEvaluation {
 public:
  /// Judges the reference images of the run's data set, which takes some seconds. Throws Error if they have no labels
  /// or too few images.
  RunEvaluation(const TrainOptions& options, tinygan::Device device, Progress& progress);

  /// Of --eval-samples images of the averaged generator, or of the generator if there is none, always from the same
  /// latent vectors, and in a conditional run of the training images' classes. Call after Training::refresh_average().
  StepQuality operator()(Training& training);

  /// "rho 12.3 (real images 1), coverage 0.81 (0.97), score 9.71 (9.88)", and ", class accuracy 0.982 (0.995)".
  std::string describe(const StepQuality& q) const;
  /// Whether the classifier knows the images; a warning if not.
  std::string warning() const;

 private:
  tinygan::eval::Evaluator evaluator_;
  tinygan::Tensor<float> latents_;
  std::vector<tinygan::index_t> classes_;
};

}  // namespace dcgan_mnist
