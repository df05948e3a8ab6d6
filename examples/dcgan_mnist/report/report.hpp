// report.html: a run on one page.
#pragma once

#include <filesystem>
#include <string>

namespace dcgan_mnist {

/// Writes report.html into a run directory: one self-contained file, also of a run that has not ended. Throws Error if
/// the directory cannot be listed or the file cannot be written.
void write_report(const std::filesystem::path& run_directory);

struct ReportOptions {
  std::string run;
};

/// The report subcommand: writes progress.gif and report.html; returns the exit code. Throws Error if the directory is
/// not a run directory.
int report(const ReportOptions& options);

}  // namespace dcgan_mnist
