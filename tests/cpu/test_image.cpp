#include <tinygan/cpu/image.hpp>

#include "support/cpu_kernels.hpp"

using namespace tinygan;
using namespace tinygan::cpu_test;

TEST_CASE("cpu translate and cutout: every kernel against loops over pixels, at any number of threads", "[cpu]") {
  const index_t N = 40, H = 28, W = 27, C = 3, size = N * H * W * C;
  const auto x = numbers<float>(size, 1);
  std::vector<std::int32_t> position(as_size(2 * N));
  for (std::size_t i = 0; i < position.size(); ++i) position[i] = static_cast<std::int32_t>(i * 7 % 61) - 30;
  for (const int sign : {1, -1}) {
    Expected moved(size), cut(size);
    for (index_t i = 0; i < size; ++i) {
      const index_t n = i / (H * W * C), h = i / (W * C) % H, w = i / C % W, c = i % C;
      const index_t down = position[as_size(2 * n)], right = position[as_size(2 * n + 1)];
      const index_t p = h - sign * down, q = w - sign * right;
      const bool inside = p >= 0 && p < H && q >= 0 && q < W;
      moved.set(i, inside ? static_cast<double>(x[as_size(((n * H + p) * W + q) * C + c)]) : 0, 0);
      const bool erased = h >= down && h < down + 9 && w >= right && w < right + 14;
      cut.set(i, erased ? 0 : static_cast<double>(x[as_size(i)]), 0);
    }
    check_everywhere<float>({moved, cut}, [&] {
      auto y = poisoned<float>(size), z = y;
      cpu::translate({N, H, W, C, sign}, position.data(), x.data(), y.data(), {});
      cpu::cutout({N, H, W, C, 9, 14}, position.data(), x.data(), z.data(), {});
      return std::vector<std::vector<float>>{y, z};
    });
  }
}
