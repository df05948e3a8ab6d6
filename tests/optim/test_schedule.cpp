#include <tinygan/optim/adam.hpp>
#include <tinygan/optim/rmsprop.hpp>
#include <tinygan/optim/schedule.hpp>
#include <tinygan/optim/sgd.hpp>
#include <tinygan/runtime/captured_step.hpp>

#include "support/catch.hpp"
#include "support/temporary.hpp"
#include "support/values.hpp"

using namespace tinygan;
using namespace tinygan::test;
using support::error_of;
using V = Variable<float>;

namespace {

/// The parameter after each of `steps` updates with a gradient of 1.
template <class Optimiser, class Hyper>
Array path(const Hyper& hyper, int steps, Device device = Device::cpu()) {
  const V p(Tensor<float>::zeros({1}, device), true), one(Tensor<float>::full({1}, 1.0f, device));
  Optimiser optimiser({p}, hyper);
  runtime::CapturedStep step(device, [&] { optimiser.step({one}); });
  Array values;
  for (int t = 0; t < steps; ++t) {
    step();
    values.push_back(static_cast<double>(p.item()));
  }
  return values;
}

}  // namespace

TEST_CASE("schedules by name, and a decay that begins after the warm-up") {
  const RateSchedule constant = optim::constant_schedule(4);
  CHECK((constant.at(0) == 0.25 && constant.at(9) == 1));
  const RateSchedule linear = optim::linear_schedule({.end = 6, .floor = 0.5, .warmup = 2});
  CHECK((linear.at(0) == 0.5 && linear.at(2) == 1 && linear.at(4) == 0.75 && linear.at(6) == 0.5));
  const RateSchedule cosine = optim::cosine_schedule({.begin = 2, .end = 6});
  CHECK((cosine.at(2) == 1 && cosine.at(4) == 0.5 && cosine.at(6) == 0));
  const RateSchedule step = optim::step_schedule({.every = 3, .factor = 0.25, .warmup = 1});
  CHECK((step.at(0) == 1 && step.at(3) == 1 && step.at(4) == 0.25 && step.at(7) == 0.0625));
}

TEST_CASE("schedules name the number that is wrong") {
  CHECK(error_of([] { optim::constant_schedule(-1); }) ==
        "constant_schedule: warm-up of the schedule is -1, expected a finite non-negative number");
  CHECK(error_of([] { optim::linear_schedule({.begin = 5, .end = 5}); }) ==
        "linear_schedule: the schedule decays from update 5 to 5, expected begin < end");
  CHECK(error_of([] { optim::cosine_schedule({.end = 5, .warmup = 8}); }) ==
        "cosine_schedule: the schedule decays from update 8 to 5, expected begin < end");
  CHECK(error_of([] { optim::cosine_schedule({.end = HUGE_VAL}); }) ==
        "cosine_schedule: end of the schedule is inf, expected a finite non-negative number");
  CHECK(error_of([] { optim::linear_schedule({.end = 1, .floor = std::nan("")}); }) ==
        "linear_schedule: floor of the schedule is nan, expected a finite non-negative number");
  CHECK(error_of([] { optim::step_schedule({.begin = -2, .every = 1}); }) ==
        "step_schedule: begin of the schedule is -2, expected a finite non-negative number");
  CHECK(error_of([] { optim::step_schedule({}); }) ==
        "step_schedule: the schedule drops every 0 updates, expected more than 0");
  CHECK(error_of([] { optim::step_schedule({.every = -1}); }) ==
        "step_schedule: every of the schedule is -1, expected a finite non-negative number");
  CHECK(error_of([] { optim::step_schedule({.every = 1, .factor = -1}); }) ==
        "step_schedule: factor of the schedule is -1, expected a finite non-negative number");
  const V p(Tensor<float>::zeros({1}), true);
  CHECK(error_of([&] { optim::Sgd<float>({p}, {.schedule = {.warmup = -1}}); }) ==
        "sgd: warm-up of the schedule is -1, expected a finite non-negative number");
}

TEST_CASE("every optimiser follows its schedule, in captured steps as well") {
  // Without momentum and with a gradient of 1 every update of SGD is one rate long, exactly with these rates; so is Adam's
  // with beta1 = 0, with the roundings of its kernel.
  const RateSchedule schedules[] = {optim::constant_schedule(4), optim::linear_schedule({.end = 8, .warmup = 2}),
                                    optim::cosine_schedule({.end = 8}), optim::step_schedule({.every = 2})};
  constexpr double eps = std::numeric_limits<float>::epsilon();
  for (const RateSchedule& schedule : schedules)
    for (const Device device : {Device::cpu(), Device::emulated()}) {
      CAPTURE(static_cast<int>(schedule.decay), text(device));
      const Array sgd = path<optim::Sgd<float>>(SgdHyper{.learning_rate = 0.5, .schedule = schedule}, 10, device);
      const AdamHyper hyper{.learning_rate = 0.5, .beta1 = 0, .epsilon = 1e-12, .schedule = schedule};
      const Array adam = path<optim::Adam<float>>(hyper, 10, device);
      double at = 0;
      for (std::size_t t = 0; t < 10; ++t) {
        at -= 0.5 * schedule.at(static_cast<double>(t));
        // Per update a rounding of the rate, below 0.5, and one of the sum, below 5; of Adam's update sixteen roundings.
        const double updates = static_cast<double>(t) + 1;
        CHECK(std::fabs(sgd[t] - at) <= updates * eps / 2 * (0.5 + 5));
        CHECK(std::fabs(adam[t] - at) <= updates * eps / 2 * (16 * 0.5 + 5));
      }
    }
}

TEST_CASE("a schedule goes on from a restored number of updates, of SGD as well") {
  const V p(Tensor<float>::zeros({1}), true), one(Tensor<float>::full({1}, 1.0f));
  optim::Sgd<float> sgd({p}, {.learning_rate = 1, .schedule = optim::step_schedule({.every = 4, .factor = 0.5})});
  sgd.set_steps(7);
  sgd.step({one});
  CHECK(array(p) == Array{-0.5});
  CHECK(sgd.steps() == 8);
  sgd.step({one});
  CHECK(array(p) == Array{-0.75});
}
