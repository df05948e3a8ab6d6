// program.cpp of docs/packaging.md: the sum of a tensor on the GPU, if there is one, or on the device that the argument names.
#include <cstdio>
#include <cstring>
#include <tinygan/base/version.hpp>
#include <tinygan/tensor/tensor.hpp>

using namespace tinygan;

int main(int argc, char** argv) try {
  const bool gpu = argc > 1 ? std::strcmp(argv[1], "cuda") == 0 : cuda_device_count() > 0;
  const Device device = gpu ? Device::cuda() : Device::cpu();
  double sum = 0;
  for (const float x : Tensor<float>::from({1, 2, 3}, {3}, device).to_vector()) sum += double{x};
  std::printf("tinygan %s on %s: %g\n", version_text, gpu ? "cuda" : "cpu", sum);
} catch (const Error& e) {
  std::fprintf(stderr, "%s\n", e.what());
  return 1;
}
