// Convolutions of stride 1 with a 3x3 or 5x5 filter by Winograd's algorithm F(4x4, RxR): all three partials.
//
//   out = A^T [(sum over c of (G w G^T)(c,k) (B^T in B)(c))] A      per tile of 4x4 outputs and channel k
//   dw  = G^T [(sum over tiles of (B^T x B)(c) (A g A^T)(k))] G
//
// Shapes:       in(N,H,W,C), out(N,P,Q,K), w(R,R,C,K) or, rotated by 180 degrees, (R,R,K,C): ConvDims' own in the
//               forward pass; the input gradient exchanges H,W,C with P,Q,K. n^2 points, one matrix product at each.
// Memory:       a chunk of images at a time: T tiles, whose transforms (n^2, T, C) and (n^2, T, K) stay in the
//               last-level cache. The transformed filter: n^2 C K.
// Cost:         2 n^2 T C K FLOPs and the transforms; F(4x4, 5x5) takes 0.16 of the direct form's FLOPs where no tap
//               falls outside.
// Error:        a few times the direct form's (docs/numerics.md).
// Determinism:  chunks depend on the shape alone; an element is summed over channels or tiles in blocks of k_block, in
//               order, whatever the threads.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <string_view>
#include <type_traits>

#include <tinygan/backend/workspace.hpp>
#include <tinygan/base/outline.hpp>
#include <tinygan/cpu/conv_taps.hpp>
#include <tinygan/cpu/winograd.hpp>

namespace tinygan::cpu {

namespace detail {

/// -1 before the first use, as detail::current_isa.
[[gnu::visibility("default")]] inline constinit std::atomic<int> winograd_switch{-1};

/// TINYGAN_WINOGRAD=0 disables Winograd's algorithm. Throws Error unless it is 0 or 1.
bool winograd_of_environment();

}  // namespace detail

/// Whether Winograd's algorithm is enabled: faster convolutions, with larger rounding errors. Throws Error on a bad
/// TINYGAN_WINOGRAD.
inline bool winograd_enabled() {
  int set = detail::winograd_switch.load(std::memory_order_relaxed);
  if (set < 0) {
    const int initial = detail::winograd_of_environment() ? 1 : 0;
    if (detail::winograd_switch.compare_exchange_strong(set, initial, std::memory_order_relaxed)) set = initial;
  }
  return set != 0;
}

/// Enables or disables Winograd's algorithm. Not to be called while a kernel runs.
inline void set_winograd_enabled(bool enabled) {
  detail::winograd_switch.store(enabled ? 1 : 0, std::memory_order_relaxed);
}

namespace detail {

/// Output pixels of a tile, along either axis: m of F(m, r).
inline constexpr int winograd_tile = 4;

/// An image (H, W, channels) in `rows` x `columns` tiles of step x step pixels; the window of a tile starts `pad`
/// pixels before it. A filter (R, R, C K) is an image of one tile.
struct TileGrid {
  index_t H, W, channels, step, pad_h, pad_w, rows, columns;

  /// Tiles of P x Q output pixels, in an image of the given extents.
  static TileGrid of(index_t H, index_t W, index_t channels, index_t P, index_t Q, index_t pad_h = 0,
                     index_t pad_w = 0) {
    constexpr index_t m = winograd_tile;
    return {H, W, channels, m, pad_h, pad_w, (P + m - 1) / m, (Q + m - 1) / m};
  }
  static TileGrid filter(index_t R, index_t channels) { return {R, R, channels, R, 0, 0, 1, 1}; }

  index_t tiles() const { return rows * columns; }
  index_t top(index_t tile) const { return tile / columns * step - pad_h; }
  index_t left(index_t tile) const { return tile % columns * step - pad_w; }
};

/// Whether Winograd's algorithm is expected to be faster for this convolution of floats: by the shape alone, from the
/// multiply-adds of products and transforms.
inline bool winograd_pays(const ConvDims& d) {
  if (d.R != d.S || (d.R != 3 && d.R != 5) || d.stride_h != 1 || d.stride_w != 1 || d.dilation_h != 1 ||
      d.dilation_w != 1 || d.C % WinogradPolicy::channels != 0 || d.K % WinogradPolicy::channels != 0)
    return false;
  const double m = winograd_tile, r = static_cast<double>(d.R), n = m + r - 1;
  const index_t tile_count = d.N * TileGrid::of(d.P, d.Q, d.K, d.P, d.Q).tiles();
  const auto tiles = static_cast<double>(tile_count), C = static_cast<double>(d.C), K = static_cast<double>(d.K);
  const double products = n * n * tiles * C * K;
  const double transforms = tiles * (2 * C * n * n * n + K * n * m * (n + m)) + C * K * n * r * (n + r);
  return WinogradPolicy::min_speedup * (products + WinogradPolicy::transform_cost * transforms) <
         static_cast<double>(exact_macs(d));
}

/// Transform L window L^T of channels [first, last) of a tile; pixels outside the image are zero. Point p of channel c
/// is stored at points[p * plane + offset_of(c)].
template <const auto& L, class T, class Offset>
void transform_to_points(const TileGrid& grid, const T* image, index_t tile, index_t first, index_t last, T* points,
                         index_t plane, const Offset& offset_of) {
  constexpr int n = std::remove_cvref_t<decltype(L)>::rows;
  const index_t top = grid.top(tile), left = grid.left(tile);
  dispatch([&]<class Arch>(Arch) TINYGAN_INLINE_LAMBDA {
    using V = Vec<T, Arch>;
    for (index_t c = first; c < last; c += lanes<T, Arch>) {
      T* const to = points + offset_of(c);
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

/// Transform L points L^T to channels [first, last) of a tile; point p of channel c lies at points[p * plane + c].
/// Pixels outside the image are not stored.
template <const auto& L, class T>
void transform_from_points(const TileGrid& grid, const T* points, index_t plane, index_t tile, index_t first,
                           index_t last, T* image) {
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

/// Offset of element (row, column) of a matrix (rows, columns) in packed panels.
inline index_t panel_offset(const TileExtents& shape, index_t rows, index_t columns, index_t row, index_t column) {
  const index_t first = column / shape.width * shape.width;
  return first * rows + row * shape.panel_width(std::min(shape.width, columns - first)) + column - first;
}

/// The transformed filter of one direction, packed: (n^2, panel of K, C, width).
template <class F, class T>
void transform_filter(const TapConv& v, const TileExtents& shape, const T* w, T* points) {
  constexpr index_t most = WinogradPolicy::channels, values = F::n * F::n * most * most;
  const index_t block = std::min(most, shape.width);
  const TileGrid grid = TileGrid::filter(F::r, v.C * v.K);
  const index_t plane = v.C * v.K;
  if (v.w_major == Major::mn)  // (R,R,C,K)
    return parallel_chunks(v.C, [&](index_t c, int) {
      transform_to_points<F::filter>(grid, w, 0, c * v.K, (c + 1) * v.K, points, plane,
                                     [&](index_t j) { return panel_offset(shape, v.C, v.K, c, j - c * v.K); });
    });
  parallel_chunks(v.K / block, [&](index_t chunk, int) {  // (R,R,K,C), rotated: transposed in squares of channels
    alignas(64) T squares[values];
    for (index_t c = 0; c < v.C; c += block) {
      for (index_t i = 0; i < block; ++i) {
        const index_t first = (chunk * block + i) * v.C + c;
        transform_to_points<F::filter_reversed>(grid, w, 0, first, first + block, squares + i * block, block * block,
                                                [&](index_t j) { return j - first; });
      }
      T* const to = points + panel_offset(shape, v.C, v.K, c, chunk * block);
      const index_t k = chunk * block / shape.width * shape.width,
                    width = shape.panel_width(std::min(shape.width, v.K - k));
      for (index_t p = 0; p < F::n * F::n; ++p)
        transpose(squares + p * block * block, block, block, block, to + p * plane, width);
    }
  });
}

/// Images of a chunk, whose tiles have `bytes` each at all points.
inline index_t winograd_images(index_t images, index_t tiles, index_t bytes) {
  const index_t most = std::clamp<index_t>(WinogradPolicy::chunk_bytes / (tiles * bytes), 1, images);
  const index_t chunks = (images + most - 1) / most;
  return (images + chunks - 1) / chunks;
}

/// A matrix product at each point: c(M,N) = a(M,K) b(K,N), or added to c; b in packed panels, c row-major.
template <class T>
struct PointProducts {
  index_t points, M, N, K;
  const T* a;
  index_t a_row, a_step, a_plane;  // strides of M, K and points
  const T* b;
  index_t b_plane;
  T* c;
  index_t c_plane;
  bool accumulate;

  void run() const {
    const TileExtents shape = tile_shape<T>();
    // All panels of a point in one task, so that its rows of a come from the last-level cache once; in several where
    // the threads are too many for one.
    const index_t panels = shape.panels(N),
                  groups = std::min(panels, (GemmPolicy::tasks_per_thread * threads() + points - 1) / points);
    parallel_chunks(points * groups, [&](index_t task, int) {
      const index_t group = task % groups;
      for (index_t j = group * panels / groups; j < (group + 1) * panels / groups; ++j)
        panel(shape, task / groups, j * shape.width);
    });
  }

 private:
  /// Columns from n0 on, in blocks of K: partial sums of few terms have smaller rounding errors than one long sum.
  void panel(const TileExtents& shape, index_t point, index_t n0) const {
    const index_t columns = std::min(shape.width, N - n0), width = shape.panel_width(columns), zero = 0;
    index_t a_rows[max_tile_rows], c_rows[max_tile_rows];
    for (int i = 0; i < max_tile_rows; ++i) a_rows[i] = i * a_row, c_rows[i] = i * N;
    Tile<T> tile{nullptr, a_rows, &zero, a_step, nullptr, &zero, width, 1, 0, nullptr, c_rows, accumulate};
    for (index_t k = 0; k < K; k += tile.K, tile.accumulate = true) {
      tile.K = std::min(WinogradPolicy::k_block, K - k);
      tile.b = b + point * b_plane + K * n0 + k * width;
      for (index_t m = 0; m < M; m += shape.rows) {
        tile.a = a + point * a_plane + m * a_row + k * a_step;
        tile.c = c + point * c_plane + m * N + n0;
        run_tile(shape, tile, static_cast<int>(std::min<index_t>(shape.rows, M - m)), columns, width);
      }
    }
  }
};

/// One direction of a convolution of stride 1; the filter's window starts `pad` pixels before its output.
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
                    gap = 64 / sizeof(T);  // a cache line: equal points of planes fall into different cache sets
  const TileExtents shape = tile_shape<T>();
  const TileGrid in_grid = TileGrid::of(v.H, v.W, v.C, v.P, v.Q, v.pad_h, v.pad_w),
                 out_grid = TileGrid::of(v.P, v.Q, v.K, v.P, v.Q);
  const index_t tiles = in_grid.tiles(),
                images = winograd_images(v.N, tiles, points * (v.C + v.K) * static_cast<index_t>(sizeof(T)));
  const index_t in_plane = images * tiles * v.C + gap, out_plane = images * tiles * v.K + gap, w_plane = v.C * v.K;
  T* const w_points = workspace.allocate<T>("conv2d", {points * w_plane, points * in_plane, points * out_plane});
  T* const in_points = w_points + points * w_plane;
  T* const out_points = in_points + points * in_plane;
  transform_filter<F>(v, shape, w, w_points);

  for (index_t n0 = 0; n0 < v.N; n0 += images) {
    const index_t count = std::min(images, v.N - n0) * tiles;
    parallel_chunks(count, [&](index_t t, int) {
      transform_to_points<F::input>(in_grid, in + (n0 + t / tiles) * v.H * v.W * v.C, t % tiles, 0, v.C,
                                    in_points + t * v.C, in_plane, [](index_t c) { return c; });
    });
    PointProducts<T>{points,   count,    v.K,     v.C,        in_points, v.C,  1,
                     in_plane, w_points, w_plane, out_points, out_plane, false}
        .run();
    parallel_chunks(count, [&](index_t t, int) {
      T* const image = out + (n0 + t / tiles) * v.P * v.Q * v.K;
      transform_from_points<F::output>(out_grid, out_points + t * v.K, out_plane, t % tiles, 0, v.K, image);
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
  const index_t tiles = x_grid.tiles(),
                images = winograd_images(d.N, tiles, points * (d.C + d.K) * static_cast<index_t>(sizeof(T)));
  const index_t x_row = d.C + gap;  // stride of a tile; x is read transposed, (C, T)
  const index_t x_plane = images * tiles * x_row + gap, g_plane = images * tiles * d.K + gap, w_plane = d.C * d.K;
  T* const w_points =
      workspace.allocate<T>("conv2d_weight_grad", {points * w_plane, points * x_plane, points * g_plane});
  T* const x_points = w_points + points * w_plane;
  T* const g_points = x_points + points * x_plane;

  for (index_t n0 = 0; n0 < d.N; n0 += images) {
    const index_t count = std::min(images, d.N - n0) * tiles;
    parallel_chunks(count, [&](index_t t, int) {
      const index_t image = n0 + t / tiles;
      transform_to_points<F::input>(x_grid, x + image * d.H * d.W * d.C, t % tiles, 0, d.C, x_points + t * x_row,
                                    x_plane, [](index_t c) { return c; });
      transform_to_points<F::output_adjoint>(g_grid, g + image * d.P * d.Q * d.K, t % tiles, 0, d.K, g_points, g_plane,
                                             [&](index_t k) { return panel_offset(shape, count, d.K, t, k); });
    });
    PointProducts<T>{points, d.C, d.K, count, x_points, 1, x_row, x_plane, g_points, g_plane, w_points, w_plane, n0 > 0}
        .run();
  }
  parallel_chunks(d.C, [&](index_t c, int) {
    transform_from_points<F::filter_adjoint>(w_grid, w_points, w_plane, 0, c * d.K, (c + 1) * d.K, dw);
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
