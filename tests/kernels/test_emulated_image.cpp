// Translation and cutout by the CUDA kernels on the emulated device: packs and single elements, as on the CPU.
#include "kernels/emulated.hpp"

namespace tinygan {
namespace {

using namespace test;

template <class T>
void check_images(index_t H, index_t W, index_t C, int offset) {
  CAPTURE(H, W, C, offset);
  constexpr index_t N = 3;
  const index_t size = N * H * W * C;
  const KernelTable<T>& k = emulated_kernels<T>();
  const KernelTable<float>& cpu = kernels<float>(Device::cpu());
  const Operand<T> x(size, offset);
  const std::vector<T> values = x.values();
  const std::vector<float> widened(values.begin(), values.end());
  std::vector<float> expected(widened.size());
  const auto exactly = [&](const std::vector<T>& found) {
    check_elements(
        found, [&](index_t i) { return static_cast<double>(expected[static_cast<std::size_t>(i)]); },
        [](index_t) { return 0.0; });
  };
  const std::int32_t position[] = {1, -2, -3, 1, 100, 0};
  for (const int sign : {1, -1}) {
    const TranslateDims d{N, H, W, C, sign};
    cpu.translate(d, position, widened.data(), expected.data(), {});
    exactly(both_ways<T>(size, [&](T* y) { k.translate(d, position, x.data(), y, {}); }));
  }
  const CutoutDims d{N, H, W, C, 4, 3};
  cpu.cutout(d, position, widened.data(), expected.data(), {});
  exactly(both_ways<T>(size, [&](T* y) { k.cutout(d, position, x.data(), y, {}); }));
}

template <class T>
void check_all_images() {
  for (const int offset : alignments<T>()) {
    check_images<T>(1, 1, 1, offset);
    check_images<T>(28, 28, 1, offset);
    check_images<T>(5, 4, 3, offset);
    check_images<T>(4, 7, 3, offset);
    check_images<T>(6, 5, 8, offset);
  }
}

TEST_CASE("Emulated translation and cutout: packs of a row and single elements") {
  check_all_images<float>();
  check_all_images<bfloat16>();
}

}  // namespace
}  // namespace tinygan
