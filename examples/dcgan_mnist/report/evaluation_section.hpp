// The report's section on the quality of the images: what `evaluate` and --eval-every measured.
#pragma once

#include <filesystem>
#include <string>

#include "report/run_files.hpp"

namespace dcgan_mnist {

/// The section as HTML; empty for a run that was never evaluated. Pictures that cannot be read are added to the run's
/// problems.
std::string evaluation_section(const std::filesystem::path& directory, RunFiles& run);

}  // namespace dcgan_mnist
