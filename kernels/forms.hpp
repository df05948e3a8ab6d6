// The form of a matrix product or convolution: kernel family, tile size and split-K count. select.cuh holds the
// heuristics that select one; benchmarks and tests force one and read back which was launched. All translation units
// share this.
#pragma once

#include <string>

#include <tinygan/base/error.hpp>
#include <tinygan/base/shape.hpp>

namespace tinygan::forms {

/// automatic: as select.cuh has it. vector: gemm_vector.cuh, for a single row, column or term. one_channel:
/// conv_1ch*.cuh. ffma, mma, wgmma: the tiles of ffma_tile.cuh, mma_tile.cuh and wgmma_tile.cuh.
enum class Way { automatic, vector, one_channel, ffma, mma, wgmma };

struct Form {
  Way way = Way::automatic;
  int tile_m = 0, tile_n = 0;  ///< 0 where there are no tiles
  index_t splits = 0;          ///< split-K count; when forced, 0 selects by select.cuh
  bool operator==(const Form&) const = default;
};

inline const char* name_of(Way way) {
  constexpr const char* names[] = {"automatic", "vector", "one_channel", "ffma", "mma", "wgmma"};
  return names[static_cast<int>(way)];
}

/// For example "wgmma 128x64", or "mma 64x64 in 4" for a split-K of 4.
inline std::string name_of(const Form& f) {
  std::string name = name_of(f.way);
  if (f.tile_m > 0) name += text(' ', f.tile_m, 'x', f.tile_n);
  if (f.splits > 1) name += text(" in ", f.splits);
  return name;
}

/// Of the calling thread: the form forced on its launches, the form of the latest launch, and the blocks of its grid.
inline thread_local Form forced{}, launched{};
inline thread_local index_t launched_blocks = 0;

inline void record(const Form& form, index_t blocks) {
  launched = form;
  launched_blocks = blocks;
}

/// Forces a form on the calling thread to the end of the enclosing scope: split-K counts and launches alike.
/// A shape that the form does not support is an Error.
class Force {
 public:
  explicit Force(const Form& form) : before_(forced) { forced = form; }
  ~Force() { forced = before_; }
  Force(const Force&) = delete;
  Force& operator=(const Force&) = delete;

 private:
  Form before_;
};

/// Whether a form is selected: the forced one if any, else the one that suits by its limits.
inline bool selects(Way way, bool suits) { return forced.way == Way::automatic ? suits : forced.way == way; }
inline bool selects(Way way, int tile_m, int tile_n, bool suits) {
  return selects(way, suits) && (forced.tile_m == 0 || (forced.tile_m == tile_m && forced.tile_n == tile_n));
}

/// Throws Error if a form is forced that is not among those of this shape.
inline void check_not_forced() {
  check(forced.way == Way::automatic, "form", name_of(forced), " cannot compute this shape in this precision");
}

}  // namespace tinygan::forms
