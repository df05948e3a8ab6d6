// The content of a run directory's files, as far as they exist.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "report/snapshots.hpp"

namespace dcgan_mnist {

/// How a run ended, by the last lines of its log.
enum class Ending { unknown, done, interrupted, diverged };

/// The files of a run directory. What is missing or cannot be read is empty and named in `problems`.
struct RunFiles {
  nlohmann::ordered_json options, environment, evaluation;  ///< objects; empty if there are none
  std::vector<nlohmann::ordered_json> stats,
      metrics;                     ///< by rising step; where a step appears twice the later line counts
  std::vector<std::string> hints;  ///< warnings and hints of the log, each once
  Ending ending = Ending::unknown;
  std::vector<Snapshot> snapshots;
  std::vector<std::string> problems;
};

/// Reads the existing files. Throws Error only if the directory cannot be listed.
RunFiles read_run(const std::filesystem::path& directory);

/// A number of a JSON object; NaN if the name is missing.
double number_of(const nlohmann::ordered_json& object, const std::string& name);
/// A text, number or flag of a JSON object as text; empty if the name is missing.
std::string text_of(const nlohmann::ordered_json& object, const std::string& name);

}  // namespace dcgan_mnist
