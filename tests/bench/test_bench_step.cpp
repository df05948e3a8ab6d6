// The predictions of bench_step.
#include "../../bench/step/prediction.hpp"

#include "support/catch.hpp"

using namespace tinygan;

TEST_CASE("Predicted seconds of a step grow with its batch and precision, and an eager one takes longer") {
  for (const char* network : {"dcgan", "article", "libtorch"})
    for (const index_t batch : {64, 128, 256, 512}) {
      const double bf16 = bench::predicted_step(network, batch, Precision::bf16, true);
      CHECK(bench::predicted_step(network, 2 * batch, Precision::bf16, true) > bf16);
      CHECK(bench::predicted_step(network, batch, Precision::tf32, true) > bf16);
      CHECK(bench::predicted_step(network, batch, Precision::fp32, true) >
            bench::predicted_step(network, batch, Precision::tf32, true));
      CHECK(bench::predicted_step(network, batch, Precision::bf16, false) > bf16);
      CHECK(bench::predicted_measurement(bf16) > bench::step_timing_seconds);
    }
  CHECK(bench::step_flops("dcgan", 256) == 2 * bench::step_flops("dcgan", 128));
  CHECK(bench::steps_in_a_row(1e-3) == 20);
  CHECK(bench::steps_in_a_row(1) == 1);
  CHECK(bench::steps_in_a_row(0) == 200);
}
