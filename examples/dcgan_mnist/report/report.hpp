// report.html: a run on one page.
#pragma once

#include <filesystem>
#include <string>

namespace dcgan_mnist {

/// Writes report.html into a run directory: one file without references to others, made of what is there, whether the
/// run has ended or not. Throws Error if the directory cannot be listed or the file not be written.
void write_report(const std::filesystem::path& run_directory);

struct ReportOptions {
  std::string run;
};

/// The report subcommand: progress.gif and report.html anew; returns the exit code. Throws Error if the directory is no
/// run's.
int report(const ReportOptions& options);

}  // namespace dcgan_mnist
