// Tensors and gradients: the first step of docs/tutorial.md.   g++ -std=c++20 -O2 -I include examples/tensors.cpp -pthread
#include <cstdio>
#include <iostream>
#include <tinygan/tinygan.hpp>

using namespace tinygan;

int main() try {
  const Tensor<float> numbers = Tensor<float>::from({1, 2, 3, 4, 5, 6}, {2, 3});
  std::cout << numbers << '\n';                    // a shape over elements, row by row, on a device
  std::cout << numbers[1] << '\n';                 // a row, which shares the elements
  std::cout << numbers.reshape({3, 2}) << "\n\n";  // and another shape over them

  const Variable<float> x(numbers, true);           // true: we shall want gradients with respect to it
  const Variable<float> row_sums = ops::sum(x, 1);  // (2,)
  const Variable<float> y = ops::mean(ops::square(x - ops::mean(x, 1, true)));  // broadcasts, as in NumPy
  std::cout << row_sums << '\n' << "y = " << y.item() << '\n';

  const Variable<float> dy = grad(y, {x})[0];  // dy/dx, of x's shape
  std::cout << dy << "\n\n";

  const Variable<float> t(Tensor<float>::scalar(2), true);
  const Variable<float> cube = ops::pow(t, 3);
  const Variable<float> slope = grad(cube, {t}, {.create_graph = true})[0];  // can be differentiated again
  std::cout << "t^3 = " << cube.item() << ", 3 t^2 = " << slope.item() << ", 6 t = " << grad(slope, {t})[0].item()
            << "\n\n";

  try {
    ops::matmul(x, x);
  } catch (const Error& e) {
    std::cout << e.what() << '\n';  // errors name the op, what it found and what it expected
  }
} catch (const Error& e) {
  std::fprintf(stderr, "%s\n", e.what());
  return 1;
}
