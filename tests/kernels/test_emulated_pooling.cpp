// Pooling and image gathering as CUDA kernels on the emulated device, against the CPU's kernels in double.
#include "kernels/emulated.hpp"

namespace tinygan {
namespace {

using namespace test;

template <class T>
std::vector<double> widened(const std::vector<T>& x) {
  return {x.begin(), x.end()};
}

template <class T>
void check_pool(const PoolDims& d, int offset) {
  CAPTURE(d.H, d.W, d.C, d.window_h, d.stride_h, d.pad_top, offset);
  const KernelTable<T>& k = emulated_kernels<T>();
  const KernelTable<double>& cpu = kernels<double>(Device::cpu());
  const index_t x_size = d.N * d.H * d.W * d.C, y_size = d.N * d.P * d.Q * d.C;
  const Operand<T> x(x_size, offset), g(y_size, offset, 2);
  const auto x64 = widened(x.values()), g64 = widened(g.values());
  std::vector<double> y64(static_cast<std::size_t>(y_size)), dx64(static_cast<std::size_t>(x_size));
  std::vector<std::int32_t> index64(static_cast<std::size_t>(y_size));
  const auto exactly = [](const std::vector<T>& found, const std::vector<double>& expected) {
    check_elements(
        found, [&](index_t i) { return expected[static_cast<std::size_t>(i)]; }, [](index_t) { return 0.0; });
  };
  // A sum of `window` terms below 1, then one product.
  const double terms = static_cast<double>(d.window_h * d.window_w);
  const auto nearly = [&](const std::vector<T>& found, const std::vector<double>& expected) {
    check_stored(
        found, [&](index_t i) { return expected[static_cast<std::size_t>(i)]; },
        [&](index_t) { return (terms + 1) * terms * float_eps; });
  };

  cpu.max_pool2d(d, x64.data(), y64.data(), index64.data(), {});
  std::vector<std::int32_t> index(static_cast<std::size_t>(y_size) + 4, -1);
  exactly(both_ways<T>(y_size, [&](T* y) { k.max_pool2d(d, x.data(), y, index.data(), {}); }), y64);
  index.resize(static_cast<std::size_t>(y_size));
  CHECK(index == index64);

  exactly(both_ways<T>(y_size, [&](T* y) { k.pool_gather(d, x.data(), index.data(), y, {}); }), y64);
  cpu.pool_scatter(d, g64.data(), index64.data(), dx64.data(), {});
  nearly(both_ways<T>(x_size, [&](T* dx) { k.pool_scatter(d, g.data(), index.data(), dx, {}); }), dx64);

  cpu.sum_pool2d(d, 0.25, x64.data(), y64.data(), {});
  nearly(both_ways<T>(y_size, [&](T* y) { k.sum_pool2d(d, 0.25f, x.data(), y, {}); }), y64);
  cpu.sum_pool2d_grad(d, 0.25, g64.data(), dx64.data(), {});
  nearly(both_ways<T>(x_size, [&](T* dx) { k.sum_pool2d_grad(d, 0.25f, g.data(), dx, {}); }), dx64);
}

template <class T>
void check_pools() {
  for (const int offset : {0, 1})
    for (const index_t C : {1, 3, 8}) {
      check_pool<T>(
          {.N = 2, .H = 8, .W = 6, .C = C, .P = 4, .Q = 3, .window_h = 2, .window_w = 2, .stride_h = 2, .stride_w = 2},
          offset);
      check_pool<T>({.N = 1,
                     .H = 7,
                     .W = 5,
                     .C = C,
                     .P = 4,
                     .Q = 3,
                     .window_h = 3,
                     .window_w = 3,
                     .stride_h = 2,
                     .stride_w = 2,
                     .pad_top = 1,
                     .pad_left = 1},
                    offset);
      check_pool<T>({.N = 3, .H = 5, .W = 5, .C = C, .P = 5, .Q = 4, .window_h = 1, .window_w = 2}, offset);
      check_pool<T>(
          {.N = 1, .H = 9, .W = 9, .C = C, .P = 2, .Q = 2, .window_h = 2, .window_w = 3, .stride_h = 5, .stride_w = 4},
          offset);
    }
}

TEST_CASE("Emulated pooling: packs of channels and single ones, overlaps and padding") { check_pools<float>(); }
TEST_CASE("Emulated pooling of bfloat16: packs of channels and single ones, overlaps and padding") {
  check_pools<bfloat16>();
}

template <class T>
void check_gather_images() {
  for (const GatherDims d : {GatherDims{5, 784}, GatherDims{3, 7}, GatherDims{1, 1}})
    for (const std::size_t offset : {0u, 1u}) {
      CAPTURE(d.pixels, offset);
      std::vector<std::uint8_t> images(static_cast<std::size_t>(9 * d.pixels) + offset);
      for (std::size_t i = 0; i < images.size(); ++i) images[i] = static_cast<std::uint8_t>(i * 37);
      const std::int32_t index[] = {8, 0, 3, 3, 7};
      const auto out = both_ways<T>(d.count * d.pixels, [&](T* y) {
        emulated_kernels<T>().gather_images(d, images.data() + offset, index, nullptr, 0.5f, -1.0f, y, {});
      });
      check_stored(
          out,
          [&](index_t i) {
            return 0.5 * images[offset + static_cast<std::size_t>(index[i / d.pixels] * d.pixels + i % d.pixels)] - 1;
          },
          [](index_t) { return 0.0; });
    }
}

TEST_CASE("Emulated gather_images counts batches modulo their number") {
  const std::uint8_t images[] = {10, 20, 30, 40};
  const std::int32_t order[] = {3, 2, 1, 0};
  for (const std::uint64_t step : {0u, 1u, 2u, 7u}) {
    const auto y = both_ways<float>(2, [&](float* out) {
      const GatherDims d{.count = 2, .pixels = 1, .batches = 2};
      emulated_kernels<float>().gather_images(d, images, order, &step, 1, 0, out, {});
    });
    CHECK(y == (step % 2 == 0 ? std::vector<float>{40, 30} : std::vector<float>{20, 10}));
  }
}

TEST_CASE("Emulated gather_images") {
  check_gather_images<float>();
  check_gather_images<bfloat16>();
}

}  // namespace
}  // namespace tinygan
