// What the GPU's tests share. A hidden test case for each family and precision, "cuda: products, bf16", runs on a GPU
// on request (scripts/gpu-check); the same functions run in every test run on the emulated device, with small shapes.
#pragma once

#include <cstdlib>
#include <string_view>
#include <type_traits>

#include <tinygan/base/precision.hpp>
#include <tinygan/tensor/cast.hpp>
#include <tinygan/tensor/kernels.hpp>

#include "support/catch.hpp"
#include "support/use_precision.hpp"

namespace tinygan::test {

/// How a family computes: precision of products, and elements in memory.
struct Arithmetic {
  Device device;
  Precision precision;
  bool bfloat16_elements = false;  ///< else float

  const char* name() const {
    if (bfloat16_elements) return "bfloat16";
    return precision == Precision::fp32 ? "fp32" : precision == Precision::tf32 ? "tf32" : "bf16";
  }
};

/// fp32, tf32 and bf16 of float elements, and bf16 of bfloat16 elements.
inline std::vector<Arithmetic> all_arithmetics(Device device) {
  return {
      {device, Precision::fp32}, {device, Precision::tf32}, {device, Precision::bf16}, {device, Precision::bf16, true}};
}

/// On the device of the hidden test cases: a GPU, or the emulated device if TINYGAN_TEST_DEVICE=emulated.
inline Arithmetic on_gpu(std::string_view name) {
  const char* const chosen = std::getenv("TINYGAN_TEST_DEVICE");
  const std::string_view device = chosen ? chosen : "cuda";
  check(device == "cuda" || device == "emulated", "TINYGAN_TEST_DEVICE", "'", device, "', expected cuda or emulated");
  for (const Arithmetic& a : all_arithmetics(device == "cuda" ? Device::cuda() : Device::emulated()))
    if (name == a.name()) return a;
  fail("on_gpu", "no arithmetic ", name);
}

/// f(T()) for the elements T in memory, in the arithmetic's precision.
template <class F>
void with_elements(const Arithmetic& a, const F& f) {
  const UsePrecision use(a.precision, a.device);
  if (a.bfloat16_elements) f(bfloat16());
  else f(float());
}

}  // namespace tinygan::test
