// The figures of support/training_step.hpp, which the test on emulated ARM uses too.
#include <cstdio>

#include "support/kernel_check.hpp"
#include "support/rounding.hpp"
#include "support/training_step.hpp"

using namespace tinygan;
using namespace tinygan::test;

namespace {

/// The sum of the bounds of all elements.
double total_bound(const Variable<double>& y) {
  double sum = 0;
  for (const Rounding& r : roundings(y)) sum += r.bound<float>();
  return sum;
}

void check_figure(const Figure& figure, double value, double bound) {
  CAPTURE(figure.value, figure.bound, value, bound);
  CHECK(std::fabs(value - figure.value) <= figure.bound / 100);  // weights may differ in their last bit
  CHECK(bound <= figure.bound);
  CHECK(figure.bound <= 1.1 * bound);
}

}  // namespace

TEST_CASE("a training step: loss and gradients are those of double, on every instruction set") {
  TrainingStep<float> step;
  TrainingStep<double> exact;
  const std::vector<Variable<float>> parameters = step.model.parameters();
  const std::vector<Variable<double>> exact_parameters = exact.model.parameters();
  for (std::size_t i = 0; i < parameters.size(); ++i)
    exact_parameters[i].set_master(tensor<double>(array(parameters[i]), parameters[i].shape()));
  exact.images = tensor<double>(array(step.images), step.images.shape());
  exact.targets = tensor<double>(array(step.targets), step.targets.shape());

  const Variable<double> exact_loss = exact.loss();
  const std::vector<Variable<double>> exact_gradients = grad(exact_loss, exact_parameters, {.create_graph = true});
  check_figure(training_loss, exact_loss.item(), total_bound(exact_loss));
  REQUIRE(exact_gradients.size() == std::size(training_gradients));
  for (std::size_t i = 0; i < exact_gradients.size(); ++i) {
    INFO("gradient of parameter " << i);
    check_figure(training_gradients[i], sum_of_magnitudes(exact_gradients[i]), total_bound(exact_gradients[i]));
  }

  for_each_isa([&] {
    const Variable<float> loss = step.loss();
    check_rounded<float>(array(loss), exact_loss);
    const std::vector<Variable<float>> gradients = grad(loss, parameters);
    for (std::size_t i = 0; i < gradients.size(); ++i) {
      INFO("gradient of parameter " << i);
      check_rounded<float>(array(gradients[i]), exact_gradients[i]);
    }
  });
}
