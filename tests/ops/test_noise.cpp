#include <cmath>

#include <tinygan/ops/noise.hpp>
#include <tinygan/ops/reduce.hpp>
#include <tinygan/optim/schedule.hpp>

#include "support/check_ops.hpp"
#include "support/temporary.hpp"

using namespace tinygan;
using namespace tinygan::test;

TEST_CASE("noise is the generator's next normal numbers, falling over its steps, and passes gradients on") {
  for (const Device device : devices()) {
    CAPTURE(device);
    Generator random(3, device);
    const Variable<float> x(tensor<float>(draw(Draw::uniform, {3, 7, 5}, 1), {3, 7, 5}, device), true);
    for (const double share : {1.0, 1.0, 0.75, 0.5, 0.25, 0.0, 0.0}) {  // full in steps 0 and 1, none from step 5 on
      random.next_step();
      Generator same = random;
      const Array z = array(random_normal<float>({3, 7, 5}, same)), from = array(x);
      const Variable<float> y = ops::add_noise(x, 0.5, optim::linear_schedule({.begin = 1, .end = 5}), random);
      CHECK(random.draw() == 1);
      check_elements(
          array(y),
          [&](index_t i) {
            const auto at = static_cast<std::size_t>(i);
            return from[at] + 0.5 * share * z[at];
          },
          [](index_t) { return 8 * 0x1p-23; });  // numbers below 8; a product and a sum
      for (const double g : array(grad(ops::sum(y), {x})[0])) REQUIRE(g == 1);
    }
  }
}

TEST_CASE("noise of no size is the input itself, without a draw") {
  Generator random(1);
  const Variable<float> x(Tensor<float>::zeros({2, 2}));
  CHECK(ops::add_noise(x, 0, {}, random) == x);
  CHECK(random.draw() == 0);
}

TEST_CASE("noise names a standard deviation that is none") {
  Generator random(1);
  const Variable<float> x(Tensor<float>::zeros({2, 2}));
  for (const double bad : {-1.0, std::nan(""), double{INFINITY}})
    CHECK(support::contains(support::error_of([&] { ops::add_noise(x, bad, {}, random); }),
                            "add_noise: standard deviation "));
}
