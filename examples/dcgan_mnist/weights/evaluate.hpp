// The evaluate subcommand.
#pragma once

#include <cstdint>
#include <string>

#include "evaluate/evaluation.hpp"
#include "weights/generate.hpp"

namespace dcgan_mnist {

struct EvaluateOptions : GenerateOptions {
  std::string data = "auto";  ///< auto: the images that the run was trained on, else as for train
  std::int64_t samples = 0;   ///< 0: 10,000, or 26,000 stacked digits
  std::uint64_t seed = evaluation_seed;
  std::string classifier;  ///< a file; empty: the built-in one
  std::string json;        ///< file for all figures
  std::string pictures;    ///< directory for the grids
};

/// Measures the images of a generator, or those of an .npz file, and prints the table (of three channels that of
/// stacked digits); returns the exit code. With a run directory its report shows the evaluation. Throws Error on a bad
/// file, too few images or missing labels.
int evaluate(const EvaluateOptions& options);

}  // namespace dcgan_mnist
