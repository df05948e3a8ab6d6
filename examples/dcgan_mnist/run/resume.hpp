// --resume: finds the run, the checkpoint and the options.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/options.hpp"
#include "run/checkpoint.hpp"
#include "run/run_directory.hpp"

namespace dcgan_mnist {

/// A run to start or to resume.
struct Plan {
  TrainOptions options;
  std::filesystem::path directory;             ///< of the run to resume; empty: a new run
  std::unique_ptr<RunLock> lock;               ///< of that directory
  std::optional<LoadedCheckpoint> checkpoint;  ///< nullopt if the run has none: it starts at the first step
  std::filesystem::path checkpoint_path;
  bool rolls_back = false;            ///< the user named the checkpoint: later ones are abandoned
  std::vector<std::string> warnings;  ///< about the choice of the checkpoint
};

/// Finds the run and its checkpoint. In `options`, device and precision are resolved, not "auto". Throws Error if the
/// run does not exist, its files are damaged, or an option contradicts it.
Plan make_plan(const TrainOptions& options);

}  // namespace dcgan_mnist
