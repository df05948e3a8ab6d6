// A profile: a trace of ops and kernels with extents, FLOPs, bytes and shares of peak (docs/profiling.md).
//
//   TINYGAN_PROFILE=trace.json program
//
// records from the first kernel on and writes the file when the program exits. A program has this if one of its files
// includes this header; tinygan.hpp does where the program links tinygan::compiled. Header-only it takes each file that
// includes it a second or two to compile.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <tinygan/base/outline.hpp>
#include <tinygan/profile/observed_kernels.hpp>
#include <tinygan/profile/scope.hpp>
#include <tinygan/profile/trace.hpp>

namespace tinygan::profile {

/// What a profile is told.
struct Options {
  /// Of the GPU, if kernels run on one, else of the CPU. By default TINYGAN_PEAK=GFLOPS,GBYTES, and without that the
  /// CPU's is measured at the start, in a fraction of a second, and a GPU's is unknown.
  std::optional<Peak> peak;
};

/// Records every op and kernel of the program until stop(). Throws Error if a profile is recorded already, if the file
/// cannot be written, and on a bad TINYGAN_PEAK.
void start(const std::string& file, const Options& options = {});

/// Writes what was recorded so far; waits for the devices. Throws Error if no profile is recorded or the file cannot be
/// written.
void flush();

/// flush(), and ends the profile.
void stop();

namespace detail {

/// Records to TINYGAN_PROFILE, if set, from the first kernel on.
bool arm();
[[gnu::visibility("default")]] inline const bool armed = arm();

}  // namespace detail

}  // namespace tinygan::profile

#ifdef TINYGAN_FUNC
#include <tinygan/profile/profile_functions.hpp>
#endif
