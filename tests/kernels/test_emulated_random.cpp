// Random CUDA kernels on the emulated device: the numbers that (seed, step, draw, element) stand for, as on the CPU.
#include "kernels/emulated.hpp"

namespace tinygan {
namespace {

using namespace test;

std::uint32_t word(const RandomKey& key, index_t i) {
  const auto block =
      philox4x32(philox_counter(static_cast<std::uint64_t>(i / 4), key.draw, key.step ? *key.step : 0), key.seed);
  return block[static_cast<std::size_t>(i % 4)];
}

/// Box-Muller in double.
double normal(const RandomKey& key, index_t i) {
  const index_t even = i / 2 * 2;
  const double u = static_cast<double>(uniform01_open(word(key, even))),
               turn = static_cast<double>(uniform01(word(key, even + 1)));
  const double radius = std::sqrt(-2 * std::log(u)), angle = 2 * 3.14159265358979323846 * turn;
  return radius * (i % 2 == 0 ? std::cos(angle) : std::sin(angle));
}

template <class T>
void check_random_numbers() {
  const std::uint64_t step = 5;
  const KernelTable<T>& k = emulated_kernels<T>();
  const KernelTable<float>& cpu = kernels<float>(Device::cpu());
  for (const RandomKey key : {RandomKey{42, 7, &step}, RandomKey{0xfedcba9876543210, 0, nullptr}})
    for (const index_t n : {1, 2, 4, 7, 1030})
      for (const int offset : alignments<T>()) {
        CAPTURE(n, offset);
        const auto drawn = [&](const auto& f) {  // at an address that is a multiple of 16 bytes or is not
          auto y = both_ways<T>(n + 8, [&](T* memory) { f(memory + offset); });
          return std::vector<T>(y.begin() + offset, y.begin() + offset + n);
        };
        check_stored(
            drawn([&](T* y) { k.random_uniform(n, key, -1, 3, y, {}); }),
            [&](index_t i) { return -1 + 4 * static_cast<double>(uniform01(word(key, i))); },
            [](index_t) { return 4 * float_eps; });
        // The radius is below 6; logarithm, root, sine and cosine are good to 2 eps, products and the sum to 1 each.
        check_stored(
            drawn([&](T* y) { k.random_normal(n, key, 1, 2, y, {}); }),
            [&](index_t i) { return 1 + 2 * normal(key, i); }, [](index_t) { return 12 * 8 * float_eps; });
        check_elements(
            drawn([&](T* y) { k.random_bernoulli(n, key, 0.3f, y, {}); }),
            [&](index_t i) { return uniform01(word(key, i)) < 0.3f ? 1.0 : 0.0; }, [](index_t) { return 0.0; });

        const Operand<T> x(n, offset);
        const auto kept = drawn([&](T* y) { k.dropout(n, key, 0.3f, x.data(), y, {}); });
        const std::vector<T> values = x.values();
        std::vector<float> dropped(values.begin(), values.end());
        cpu.dropout(n, key, 0.3f, dropped.data(), dropped.data(), {});
        std::vector<T> expected;
        for (const float v : dropped) expected.push_back(T(v));
        CHECK(kept == expected);
        const RateSchedule decay{.decay = RateSchedule::Decay::linear, .begin = 2, .end = 8};
        const double share = key.step ? 4.0 / 6 : 1;  // of step 5, the fifth from 1
        check_stored(
            drawn([&](T* y) { k.add_noise(n, key, 2, decay, x.data(), y, {}); }),
            [&](index_t i) {
              return static_cast<double>(values[static_cast<std::size_t>(i)]) + 2 * share * normal(key, i);
            },
            [](index_t) { return 12 * 8 * float_eps; });
        k.dropout(n, key, 0.3f, x.data(), x.data(), {});  // in place
        CHECK(x.values() == expected);
      }
}

TEST_CASE("Emulated random integers are the words, scaled") {
  const std::uint64_t step = 5;
  const RandomKey key{42, 7, &step};
  for (const index_t n : {1, 4, 7, 1030}) {
    const auto y = both_ways<std::int32_t>(
        n, [&](std::int32_t* out) { emulated_kernels().random_integers(n, key, -3, 9, out, {}); });
    for (index_t i = 0; i < n; ++i)
      REQUIRE(y[static_cast<std::size_t>(i)] == -3 + static_cast<std::int32_t>(word(key, i) * std::uint64_t{13} >> 32));
  }
}

TEST_CASE("Emulated random numbers are the contract's") {
  check_random_numbers<float>();
  check_random_numbers<bfloat16>();
}

}  // namespace
}  // namespace tinygan
