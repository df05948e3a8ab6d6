// Convolutions of stride 1 with a 3x3 or 5x5 filter by Winograd's algorithm, and the gradients of their filters.
//
//   out = A^T [(sum over c of (G w G^T)(c,k) (B^T in B)(c))] A      per tile of 4x4 outputs and channel k
//   dw  = G^T [(sum over tiles of (B^T x B)(c) (A g A^T)(k))] G
//
// Shapes:       in(N,H,W,C), out(N,P,Q,K), w(R,R,C,K) or, read backwards, (R,R,K,C): ConvDims' own in the forward pass; the input
//               gradient exchanges H,W,C with P,Q,K. T tiles in a chunk; n^2 points, at each of them one matrix product.
// Memory:       a chunk of images at a time: their tiles at all points (n^2, T, C) and (n^2, T, K) stay in the last-level cache, and
//               beside them the filter at all points, n^2 C K.
// Cost:         2 n^2 T C K FLOPs and the transforms; F(4, 5) takes 0.16 of the direct form's FLOPs, less where taps fall outside.
// Error:        a few times the direct form's (docs/numerics.md).
// Determinism:  chunks depend on the shape alone; an element is summed over channels or tiles in order, whatever the threads.
#pragma once

#include <atomic>
#include <cstdlib>
#include <string_view>

#include <tinygan/backend/workspace.hpp>
#include <tinygan/base/outline.hpp>
#include <tinygan/cpu/conv_taps.hpp>
#include <tinygan/cpu/winograd.hpp>

namespace tinygan::cpu {

namespace detail {

/// -1 before the first use.
[[gnu::visibility("default")]] inline constinit std::atomic<int> winograd_allowed{-1};

/// TINYGAN_WINOGRAD=0 forbids it; anything but 0 and 1 is an error.
bool winograd_of_environment();

}  // namespace detail

/// Whether convolutions may use Winograd's algorithm, which is faster and rounds a little more. Throws Error on a bad
/// TINYGAN_WINOGRAD.
inline bool winograd() {
  const int set = detail::winograd_allowed.load(std::memory_order_relaxed);
  if (set >= 0) return set != 0;
  const bool initial = detail::winograd_of_environment();
  detail::winograd_allowed.store(initial ? 1 : 0, std::memory_order_relaxed);
  return initial;
}

/// Allows or forbids it. Not to be called while a kernel runs.
inline void set_winograd(bool allowed) { detail::winograd_allowed.store(allowed ? 1 : 0, std::memory_order_relaxed); }

namespace detail {

/// Pairs of an output and an input along one axis that a filter of stride 1 joins.
inline index_t axis_pairs(index_t outputs, index_t inputs, index_t taps, index_t pad) {
  index_t pairs = 0;
  for (index_t r = 0; r < taps; ++r) {
    const index_t first = std::max<index_t>(0, pad - r), last = std::min(outputs, inputs + pad - r);
    pairs += std::max<index_t>(0, last - first);
  }
  return pairs;
}

/// Whether Winograd's algorithm computes the partials of this convolution of floats: by its shape alone.
inline bool winograd_pays(const ConvDims& d) {
  if (d.R != d.S || (d.R != 3 && d.R != 5) || d.stride_h != 1 || d.stride_w != 1 || d.dilation_h != 1 ||
      d.dilation_w != 1 || d.C % WinogradPolicy::channels != 0 || d.K % WinogradPolicy::channels != 0)
    return false;
  const double n = static_cast<double>(d.R + 3), r = static_cast<double>(d.R);
  const index_t tile_count = d.N * ((d.P + 3) / 4) * ((d.Q + 3) / 4);
  const auto tiles = static_cast<double>(tile_count);
  const auto C = static_cast<double>(d.C), K = static_cast<double>(d.K);
  const double transforms = tiles * (C * 2 * n * n * n + K * (n * n * 4 + n * 16)) + C * K * (n * r * r + n * n * r);
  const double work = n * n * tiles * C * K + WinogradPolicy::transform_cost * transforms;
  const auto pairs =
      static_cast<double>(d.N * axis_pairs(d.P, d.H, d.R, d.pad_top) * axis_pairs(d.Q, d.W, d.S, d.pad_left));
  return work * WinogradPolicy::gain < pairs * C * K;
}

/// An image (H, W, channels) in tiles of step x step pixels, each with a window that starts `pad` pixels before it. A filter
/// (R, R, C K) is one of a single tile.
struct TileGrid {
  index_t H, W, channels, step, pad_h, pad_w;
  index_t rows, columns;  // of tiles

  static TileGrid of(index_t H, index_t W, index_t channels, index_t rows, index_t columns, index_t pad_h = 0,
                     index_t pad_w = 0) {
    return {H, W, channels, 4, pad_h, pad_w, (rows + 3) / 4, (columns + 3) / 4};
  }
  static TileGrid filter(index_t R, index_t channels) { return {R, R, channels, R, 0, 0, 1, 1}; }

  index_t tiles() const { return rows * columns; }
  index_t top(index_t tile) const { return tile / columns * step - pad_h; }
  index_t left(index_t tile) const { return tile % columns * step - pad_w; }
};

/// L window L^T of a tile's channels [first, last), pixels outside the image zero: point p of channel c goes to
/// points[p * plane + place(c)].
template <const auto& L, class T, class Place>
void tile_to_points(const TileGrid& grid, const T* image, index_t tile, index_t first, index_t last, T* points,
                    index_t plane, const Place& place) {
  constexpr int n = std::remove_cvref_t<decltype(L)>::rows;
  const index_t top = grid.top(tile), left = grid.left(tile);
  dispatch([&]<class Arch>(Arch) TINYGAN_INLINE_LAMBDA {
    using V = Vec<T, Arch>;
    for (index_t c = first; c < last; c += lanes<T, Arch>) {
      T* const to = points + place(c);
      multiply_both_axes<L, T, Arch>(
          [&](int i, int j, V& v) TINYGAN_INLINE_LAMBDA {
            const index_t h = top + i, w = left + j;
            if (h >= 0 && h < grid.H && w >= 0 && w < grid.W)
              v = *vec<T, Arch>(image + (h * grid.W + w) * grid.channels + c);
            else v = V{};
          },
          [&](int i, int j, const V& v) TINYGAN_INLINE_LAMBDA { *vec<T, Arch>(to + (i * n + j) * plane) = v; });
    }
  });
}

/// Channels [first, last) of a tile from L points L^T, point p of channel c at points[p * plane + c]; pixels outside the image are
/// left out.
template <const auto& L, class T>
void points_to_tile(const TileGrid& grid, const T* points, index_t plane, index_t tile, index_t first, index_t last,
                    T* image) {
  constexpr int n = std::remove_cvref_t<decltype(L)>::columns;
  const index_t top = grid.top(tile), left = grid.left(tile);
  dispatch([&]<class Arch>(Arch) TINYGAN_INLINE_LAMBDA {
    using V = Vec<T, Arch>;
    for (index_t c = first; c < last; c += lanes<T, Arch>)
      multiply_both_axes<L, T, Arch>([&](int i, int j, V& v)
                                         TINYGAN_INLINE_LAMBDA { v = *vec<T, Arch>(points + (i * n + j) * plane + c); },
                                     [&](int i, int j, const V& v) TINYGAN_INLINE_LAMBDA {
                                       const index_t h = top + i, w = left + j;
                                       if (h < grid.H && w < grid.W)
                                         *vec<T, Arch>(image + (h * grid.W + w) * grid.channels + c) = v;
                                     });
  });
}

/// Where element (row, column) of a matrix lies that is packed in panels, each of all rows.
inline index_t panel_place(const TileExtents& shape, index_t rows, index_t columns, index_t row, index_t column) {
  const index_t first = column / shape.width * shape.width;
  return first * rows + row * shape.panel_width(std::min(shape.width, columns - first)) + column - first;
}

/// The filter of one direction at all points: (n^2, panel of K, C, width).
template <class F, class T>
void filter_to_points(const TapConv& v, const TileExtents& shape, const T* w, T* points) {
  constexpr index_t most = WinogradPolicy::channels, values = F::n * F::n * most * most;
  const index_t block = std::min(most, shape.width);
  const TileGrid grid = TileGrid::filter(F::r, v.C * v.K);
  const index_t plane = v.C * v.K;
  if (v.w_major == Major::mn)  // (R,R,C,K), read as it stands
    return parallel_chunks(v.C, [&](index_t c, int) {
      tile_to_points<F::filter>(grid, w, 0, c * v.K, (c + 1) * v.K, points, plane,
                                [&](index_t j) { return panel_place(shape, v.C, v.K, c, j - c * v.K); });
    });
  parallel_chunks(v.K / block, [&](index_t chunk, int) {  // (R,R,K,C), read backwards: a square of channels at a time
    alignas(64) T squares[values];
    for (index_t c = 0; c < v.C; c += block) {
      for (index_t i = 0; i < block; ++i) {
        const index_t first = (chunk * block + i) * v.C + c;
        tile_to_points<F::filter_reversed>(grid, w, 0, first, first + block, squares + i * block, block * block,
                                           [&](index_t j) { return j - first; });
      }
      T* const to = points + panel_place(shape, v.C, v.K, c, chunk * block);
      const index_t k = chunk * block / shape.width * shape.width,
                    width = shape.panel_width(std::min(shape.width, v.K - k));
      for (index_t p = 0; p < F::n * F::n; ++p)
        transpose(squares + p * block * block, block, block, block, to + p * plane, width);
    }
  });
}

/// Images of a chunk, for `channels` values at all points of each tile.
inline index_t winograd_images(index_t images, index_t tiles, index_t points, index_t channels) {
  const index_t bytes = points * tiles * channels * static_cast<index_t>(sizeof(float));
  const index_t most = std::clamp<index_t>(WinogradPolicy::chunk_bytes / bytes, 1, images),
                chunks = (images + most - 1) / most;
  return (images + chunks - 1) / chunks;
}

/// The product of one panel and `rows` rows, whose operands lie `a_row` and whose results lie `c_row` apart from row to row: in chains of
/// terms, as short sums added up round less than a long one.
template <class T>
void run_chains(const TileExtents& shape, const Tile<T>& whole, index_t rows, index_t a_row, index_t c_row,
                index_t columns) {
  Tile<T> tile = whole;
  for (index_t k = 0; k < whole.K; k += tile.K, tile.accumulate = true) {
    tile.K = std::min(WinogradPolicy::chain, whole.K - k);
    tile.b = whole.b + k * whole.b_step;
    for (index_t m = 0; m < rows; m += shape.rows) {
      tile.a = whole.a + m * a_row + k * whole.a_step;
      tile.c = whole.c + m * c_row;
      run_tile(shape, tile, static_cast<int>(std::min<index_t>(shape.rows, rows - m)), columns, whole.b_step);
    }
  }
}

/// One direction of a convolution of stride 1, and how far before an output its filter starts.
struct WinogradConv : TapConv {
  index_t pad_h, pad_w;

  static WinogradConv forward(const ConvDims& d) { return {TapConv::forward(d), d.pad_top, d.pad_left}; }
  static WinogradConv input_grad(const ConvDims& d) {
    return {TapConv::input_grad(d), d.R - 1 - d.pad_top, d.S - 1 - d.pad_left};
  }
};

/// Forward pass or input gradient.
template <class F, class T>
void winograd_conv(const WinogradConv& v, const Epilogue<T>& epilogue, const T* in, const T* w, T* out,
                   Workspace& workspace) {
  constexpr index_t points = F::n * F::n,
                    gap = 64 / sizeof(T);  // planes a line apart, as sets of a cache are chosen by address
  const TileExtents shape = tile_shape<T>();
  const TileGrid in_grid = TileGrid::of(v.H, v.W, v.C, v.P, v.Q, v.pad_h, v.pad_w),
                 out_grid = TileGrid::of(v.P, v.Q, v.K, v.P, v.Q);
  const index_t tiles = in_grid.tiles(), images = winograd_images(v.N, tiles, points, v.C + v.K);
  const index_t in_plane = images * tiles * v.C + gap, out_plane = images * tiles * v.K + gap, w_plane = v.C * v.K;
  T* const w_points = workspace.allocate<T>("conv2d", {points * w_plane, points * in_plane, points * out_plane});
  T* const in_points = w_points + points * w_plane;
  T* const out_points = in_points + points * in_plane;
  filter_to_points<F>(v, shape, w, w_points);

  for (index_t n0 = 0; n0 < v.N; n0 += images) {
    const index_t count = std::min(images, v.N - n0) * tiles;
    parallel_chunks(count, [&](index_t t, int) {
      tile_to_points<F::input>(in_grid, in + (n0 + t / tiles) * v.H * v.W * v.C, t % tiles, 0, v.C, in_points + t * v.C,
                               in_plane, [](index_t c) { return c; });
    });
    parallel_chunks(points * shape.panels(v.K), [&](index_t task, int) {
      const index_t p = task % points, k0 = task / points * shape.width, columns = std::min(shape.width, v.K - k0),
                    zero = 0;
      index_t a_rows[max_tile_rows], c_rows[max_tile_rows];
      for (int i = 0; i < max_tile_rows; ++i) a_rows[i] = i * v.C, c_rows[i] = i * v.K;
      const Tile<T> tile{in_points + p * in_plane,
                         a_rows,
                         &zero,
                         1,
                         w_points + p * w_plane + v.C * k0,
                         &zero,
                         shape.panel_width(columns),
                         1,
                         v.C,
                         out_points + p * out_plane + k0,
                         c_rows,
                         false};
      run_chains(shape, tile, count, v.C, v.K, columns);
    });
    parallel_chunks(count, [&](index_t t, int) {
      T* const image = out + (n0 + t / tiles) * v.P * v.Q * v.K;
      points_to_tile<F::output>(out_grid, out_points + t * v.K, out_plane, t % tiles, 0, v.K, image);
      index_t rows[F::m * F::m];
      int pixels = 0;
      const index_t top = out_grid.top(t % tiles), left = out_grid.left(t % tiles);
      for (index_t p = top; p < std::min(v.P, top + F::m); ++p)
        for (index_t q = left; q < std::min(v.Q, left + F::m); ++q) rows[pixels++] = (p * v.Q + q) * v.K;
      finish_rows(epilogue, 0, image, rows, pixels, v.K);
    });
  }
}

/// dw(R,R,C,K).
template <class F, class T>
void winograd_weight_grad(const ConvDims& d, const T* x, const T* g, T* dw, Workspace& workspace) {
  constexpr index_t points = F::n * F::n, gap = 64 / sizeof(T);
  const TileExtents shape = tile_shape<T>();
  const TileGrid x_grid = TileGrid::of(d.H, d.W, d.C, d.P, d.Q, d.pad_top, d.pad_left),
                 g_grid = TileGrid::of(d.P, d.Q, d.K, d.P, d.Q);
  const TileGrid w_grid = TileGrid::filter(F::r, d.C * d.K);
  const index_t tiles = x_grid.tiles(), images = winograd_images(d.N, tiles, points, d.C + d.K);
  const index_t x_row = d.C + gap;  // a tile's channels are a column of the product: its rows are read side by side
  const index_t x_plane = images * tiles * x_row + gap, g_plane = images * tiles * d.K + gap, w_plane = d.C * d.K;
  T* const w_points =
      workspace.allocate<T>("conv2d_weight_grad", {points * w_plane, points * x_plane, points * g_plane});
  T* const x_points = w_points + points * w_plane;
  T* const g_points = x_points + points * x_plane;

  for (index_t n0 = 0; n0 < d.N; n0 += images) {
    const index_t count = std::min(images, d.N - n0) * tiles;
    parallel_chunks(count, [&](index_t t, int) {
      const index_t image = n0 + t / tiles;
      tile_to_points<F::input>(x_grid, x + image * d.H * d.W * d.C, t % tiles, 0, d.C, x_points + t * x_row, x_plane,
                               [](index_t c) { return c; });
      tile_to_points<F::output_adjoint>(g_grid, g + image * d.P * d.Q * d.K, t % tiles, 0, d.K, g_points, g_plane,
                                        [&](index_t k) { return panel_place(shape, count, d.K, t, k); });
    });
    parallel_chunks(points * shape.panels(d.K), [&](index_t task, int) {
      const index_t p = task % points, k0 = task / points * shape.width, columns = std::min(shape.width, d.K - k0),
                    zero = 0;
      index_t a_rows[max_tile_rows], c_rows[max_tile_rows];
      for (int i = 0; i < max_tile_rows; ++i) a_rows[i] = i, c_rows[i] = i * d.K;
      const Tile<T> tile{x_points + p * x_plane,
                         a_rows,
                         &zero,
                         x_row,
                         g_points + p * g_plane + count * k0,
                         &zero,
                         shape.panel_width(columns),
                         1,
                         count,
                         w_points + p * w_plane + k0,
                         c_rows,
                         n0 > 0};
      run_chains(shape, tile, d.C, 1, d.K, columns);
    });
  }
  parallel_chunks(d.C, [&](index_t c, int) {
    points_to_tile<F::filter_adjoint>(w_grid, w_points, w_plane, 0, c * d.K, (c + 1) * d.K, dw);
  });
}

}  // namespace detail

}  // namespace tinygan::cpu

#ifdef TINYGAN_FUNC

namespace tinygan::cpu::detail {

TINYGAN_FUNC bool winograd_of_environment() {
  const char* const wish = std::getenv("TINYGAN_WINOGRAD");
  if (!wish) return true;
  const std::string_view text = wish;
  check(text == "0" || text == "1", "TINYGAN_WINOGRAD", "'", text, "', expected 0 or 1");
  return text == "1";
}

}  // namespace tinygan::cpu::detail

#endif
