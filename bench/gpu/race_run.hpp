// Runs the races of bench_kernels --race.
#pragma once

#include <string>
#include <vector>

#include "kernel_options.hpp"
#include "race.hpp"

namespace tinygan::bench::gpu {

/// Prints and writes the race of each shape. Returns whether every form that ran was right.
bool run_races(const KernelOptions&, const std::vector<RaceShape>&);

/// The shapes with the number of forms and the predicted seconds.
void list_races(const KernelOptions&, const std::vector<RaceShape>&);

}  // namespace tinygan::bench::gpu
