#include <tinygan/cpu/data.hpp>
#include <tinygan/cpu/pooling.hpp>

#include "support/cpu_kernels.hpp"

using namespace tinygan;
using namespace tinygan::cpu_test;

namespace {

//                                 N  H   W   C   P  Q  window stride pad
const std::vector<PoolDims> problems = {{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0},     {2, 6, 8, 3, 3, 4, 2, 2, 2, 2, 0, 0},
                                        {3, 7, 7, 67, 3, 3, 3, 3, 2, 2, 0, 0},    {1, 5, 4, 16, 5, 4, 3, 3, 1, 1, 1, 1},
                                        {2, 9, 11, 5, 4, 3, 2, 5, 2, 4, 0, 1},    {2, 8, 8, 33, 2, 2, 2, 2, 5, 6, 0, 0},
                                        {5, 28, 28, 64, 14, 14, 3, 3, 2, 2, 1, 0}};

/// f(x offset of the pixel, y offset of the window) for every cell of every window, channel 0.
template <class F>
void for_cells(const PoolDims& d, const F& f) {
  for (index_t n = 0; n < d.N; ++n)
    for (index_t p = 0; p < d.P; ++p)
      for (index_t q = 0; q < d.Q; ++q)
        for (index_t r = 0; r < d.window_h; ++r)
          for (index_t s = 0; s < d.window_w; ++s) {
            const index_t h = p * d.stride_h + r - d.pad_top, w = q * d.stride_w + s - d.pad_left;
            if (h < 0 || h >= d.H || w < 0 || w >= d.W) continue;
            f(((n * d.H + h) * d.W + w) * d.C, ((n * d.P + p) * d.Q + q) * d.C, h * d.W + w);
          }
}

template <class T>
void check_pooling(const PoolDims& d) {
  INFO("H " << d.H << ", W " << d.W << ", C " << d.C << ", window " << d.window_h << "x" << d.window_w);
  const index_t x_size = d.N * d.H * d.W * d.C, y_size = d.N * d.P * d.Q * d.C;
  auto x = numbers<T>(x_size, 1);
  for (T& value : x) value = std::round(value * T(4)) / T(4);  // ties, of which the first counts
  const auto g = numbers<T>(y_size, 2);
  const T scale = T(0.25);
  Expected largest(y_size), gathered(y_size), scattered(x_size), sums(y_size), spread(x_size);
  std::vector<std::int32_t> where(as_size(y_size), -1);
  for_cells(d, [&](index_t at_x, index_t at_y, index_t pixel) {
    for (index_t c = 0; c < d.C; ++c) {
      const std::size_t i = as_size(at_x + c), k = as_size(at_y + c);
      const auto value = static_cast<double>(x[i]), cotangent = static_cast<double>(g[k]),
                 s = static_cast<double>(scale);
      if (where[k] < 0 || value > largest.value[k]) {
        largest.value[k] = value;
        where[k] = static_cast<std::int32_t>(pixel);
      }
      // As many additions as cells in a window, or windows over a cell.
      sums.value[k] += s * value;
      sums.bound[k] += static_cast<double>(d.window_h * d.window_w) * eps<T> * std::fabs(s * value);
      spread.value[i] += s * cotangent;
      spread.bound[i] += static_cast<double>(d.window_h * d.window_w) * eps<T> * std::fabs(s * cotangent);
    }
  });
  for (index_t k = 0; k < y_size; ++k) {
    const index_t n = k / (d.P * d.Q * d.C), c = k % d.C, i = (n * d.H * d.W + where[as_size(k)]) * d.C + c;
    gathered.set(k, static_cast<double>(x[as_size(i)]), 0);
    scattered.value[as_size(i)] += static_cast<double>(g[as_size(k)]);
    scattered.bound[as_size(i)] +=
        static_cast<double>(d.window_h * d.window_w) * eps<T> * std::fabs(static_cast<double>(g[as_size(k)]));
  }

  check_everywhere<T>({largest, gathered, scattered, sums, spread}, [&] {
    auto y = poisoned<T>(y_size), again = y, total = y, dx = poisoned<T>(x_size), dsum = dx;
    std::vector<std::int32_t> index(as_size(y_size), -7);
    cpu::max_pool2d(d, x.data(), y.data(), index.data(), {});
    CHECK(index == where);
    cpu::pool_gather(d, x.data(), index.data(), again.data(), {});
    cpu::pool_scatter(d, g.data(), index.data(), dx.data(), {});
    cpu::sum_pool2d(d, scale, x.data(), total.data(), {});
    cpu::sum_pool2d_grad(d, scale, g.data(), dsum.data(), {});
    return std::vector<std::vector<T>>{y, again, dx, total, dsum};
  });
}

}  // namespace

TEST_CASE("cpu pooling: every kernel against loops over windows", "[cpu][pool]") {
  for (const PoolDims& d : problems) {
    check_pooling<float>(d);
    check_pooling<double>(d);
  }
}

TEST_CASE("cpu max_pool2d: a NaN is the maximum, -infinity is one too", "[cpu][pool]") {
  const PoolDims d{1, 2, 2, 1, 1, 1, 2, 2, 1, 1, 0, 0};
  const float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  float y = 0;
  std::int32_t at = -1;
  cpu::max_pool2d(d, std::vector<float>{3, nan, 5, nan}.data(), &y, &at, {});
  CHECK(std::isnan(y));
  CHECK(at == 1);
  cpu::max_pool2d(d, std::vector<float>{-inf, -inf, -inf, -inf}.data(), &y, &at, {});
  CHECK(y == -inf);
  CHECK(at == 0);
}

TEST_CASE("cpu gather_images: bytes by index", "[cpu][pool]") {
  const GatherDims d{300, 784};
  std::vector<std::uint8_t> images(as_size(10 * d.pixels));
  for (std::size_t i = 0; i < images.size(); ++i) images[i] = static_cast<std::uint8_t>(i * 37 + i / 256);
  std::vector<std::int32_t> index(as_size(d.count));
  for (std::size_t i = 0; i < index.size(); ++i) index[i] = static_cast<std::int32_t>(i * 7 % 10);
  const auto check = [&](auto zero) {
    using T = decltype(zero);
    Expected want(d.count * d.pixels);
    for (index_t i = 0; i < d.count * d.pixels; ++i) {
      const auto byte = static_cast<double>(images[as_size(index[as_size(i / d.pixels)] * d.pixels + i % d.pixels)]);
      want.set(i, byte / 127.5 - 1, 3 * eps<T>);
    }
    check_everywhere<T>({want}, [&] {
      auto out = poisoned<T>(d.count * d.pixels);
      cpu::gather_images(d, images.data(), index.data(), nullptr, T(1 / 127.5), T(-1), out.data(), {});
      return std::vector<std::vector<T>>{out};
    });
  };
  check(0.0f);
  check(0.0);
  const std::vector<std::uint8_t> four{10, 20, 30, 40};
  const std::vector<std::int32_t> order{3, 2, 1, 0};
  for (const std::uint64_t step : {0u, 1u, 2u, 7u}) {  // batches of two: the even ones and the odd ones
    float y[2];
    cpu::gather_images({.count = 2, .pixels = 1, .batches = 2}, four.data(), order.data(), &step, 1.0f, 0.0f, y, {});
    CHECK((step % 2 == 0 ? y[0] == 40 && y[1] == 30 : y[0] == 20 && y[1] == 10));
  }
}
