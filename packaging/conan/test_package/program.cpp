// Prints the version and a sum that the tensors computed.
#include <cstdio>
#include <tinygan/base/version.hpp>
#include <tinygan/tensor/tensor.hpp>

int main() {
  double sum = 0;
  for (const float value : tinygan::Tensor<float>::full({2, 3}, 7).to_vector()) sum += double{value};
  std::printf("tinygan %s: %g\n", tinygan::version_text, sum);
  return sum == 42 ? 0 : 1;
}
