// The image grids of a run, all of the same latent vectors.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

namespace dcgan_mnist {

/// A grid of generated images and the step after which it was drawn.
struct Snapshot {
  std::int64_t step = 0;
  std::filesystem::path path;
};

/// The grids in a run directory, fakes_init.png (step 0) and fakes_<step>.png, by step. Throws Error if the directory
/// cannot be listed.
std::vector<Snapshot> find_snapshots(const std::filesystem::path& run_directory);

/// At most `count` of them, evenly spread, the first and the last among them.
std::vector<Snapshot> thin_out(const std::vector<Snapshot>& snapshots, std::size_t count);

/// Writes progress.gif from a run directory's grids: at most 100, the last one held. Writes nothing if there are fewer
/// than two. Throws Error if a grid cannot be read or the file not be written.
void write_progress_gif(const std::filesystem::path& run_directory);

}  // namespace dcgan_mnist
