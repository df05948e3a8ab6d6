// What --resume comes to: which run, which checkpoint, which options.
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

/// A run about to begin or to go on.
struct Plan {
  TrainOptions options;
  std::filesystem::path directory;             ///< of the run that goes on; empty: a new one
  std::unique_ptr<RunLock> lock;               ///< of that directory
  std::optional<LoadedCheckpoint> checkpoint;  ///< nothing if the run had not written one, so that it starts over
  std::filesystem::path checkpoint_path;
  bool goes_back = false;             ///< the checkpoint was named: later ones belong to a run that is given up
  std::vector<std::string> warnings;  ///< what is to be said of the choice of the checkpoint
};

/// Finds and reads what the options name. Their device and precision are those in effect, not "auto". Throws Error if
/// there is no such run, its files are damaged, or an option contradicts it.
Plan make_plan(const TrainOptions& options);

}  // namespace dcgan_mnist
