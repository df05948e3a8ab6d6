// Printed variables: as tensors, with what the tape knows.
#include <tinygan/autograd/print.hpp>

#include <tinygan/ops/pointwise.hpp>

#include "support/catch.hpp"

using namespace tinygan;

TEST_CASE("a variable prints as its tensor, with what the tape knows of it") {
  const Variable<float> constant(Tensor<float>::from({1, 2}, {2})), x(Tensor<float>::from({1, 2}, {2}), true);
  CHECK(text(constant) == "Variable float (2,) on cpu\n[1, 2]");
  CHECK(text(x) == "Variable float (2,) on cpu, requires grad\n[1, 2]");
  CHECK(text(ops::square(x)) == "Variable float (2,) on cpu, requires grad, computed by square\n[1, 4]");
  CHECK(text(Variable<double>{}) == "Variable double (empty)");
}
