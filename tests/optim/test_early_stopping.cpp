#include <tinygan/optim/early_stopping.hpp>

#include "support/catch.hpp"
#include "support/temporary.hpp"

using namespace tinygan;
using optim::EarlyStopping;
using support::error_of;

TEST_CASE("early stopping: after so many measurements without an improvement") {
  EarlyStopping stopping({.patience = 2});
  CHECK((std::isnan(stopping.best()) && stopping.best_measurement() == 0 && !stopping.should_stop()));
  CHECK(stopping.improved(3));
  CHECK(stopping.improved(2));
  CHECK_FALSE(stopping.improved(2));
  CHECK_FALSE(stopping.should_stop());
  CHECK(stopping.improved(1));  // patience begins anew
  CHECK_FALSE(stopping.improved(5));
  CHECK_FALSE(stopping.should_stop());
  CHECK_FALSE(stopping.improved(4));
  CHECK(stopping.should_stop());
  CHECK((stopping.best() == 1 && stopping.best_measurement() == 4));
}

TEST_CASE("early stopping: an improvement is more than min_delta, in the direction that is better") {
  EarlyStopping lower({.patience = 1, .min_delta = 0.5}), higher({.min_delta = 0.5, .better = optim::Better::higher});
  CHECK(lower.improved(3));
  CHECK_FALSE(lower.improved(2.5));
  CHECK(lower.improved(2.25));
  CHECK(higher.improved(3));
  CHECK_FALSE(higher.improved(3.5));
  CHECK_FALSE(higher.improved(2));
  CHECK(higher.improved(3.75));
  CHECK((lower.best() == 2.25 && higher.best() == 3.75));
}

TEST_CASE("early stopping: NaN is no improvement, and whatever follows it is") {
  EarlyStopping stopping({.patience = 3});
  CHECK_FALSE(stopping.improved(std::nan("")));
  CHECK(stopping.improved(7));
  CHECK_FALSE(stopping.improved(std::nan("")));
  CHECK((stopping.best() == 7 && stopping.best_measurement() == 2));
  for (int i = 0; i < 2; ++i) CHECK_FALSE(stopping.improved(std::nan("")));
  CHECK(stopping.should_stop());
}

TEST_CASE("early stopping goes on from a state as if it had not been interrupted") {
  const optim::EarlyStoppingOptions options{.patience = 3};
  EarlyStopping whole(options);
  for (const double value : {4.0, 2.0, 3.0, 3.0}) whole.improved(value);
  EarlyStopping resumed(options);
  resumed.set_state(whole.state());
  CHECK((resumed.best() == 2 && resumed.best_measurement() == 2 && !resumed.should_stop()));
  for (const double value : {3.0, 1.0}) {
    CHECK(resumed.improved(value) == whole.improved(value));
    CHECK(resumed.should_stop() == whole.should_stop());
  }
  CHECK(resumed.best_measurement() == 6);
  CHECK(error_of([&] { resumed.set_state({.best = 1, .measurements = 2, .best_measurement = 3}); }) ==
        "early_stopping: the best of 2 measurements is number 3");
  CHECK(resumed.best_measurement() == 6);
}

TEST_CASE("early stopping: errors") {
  CHECK(error_of([] { EarlyStopping({.patience = 0}); }) == "early_stopping: patience is 0, expected at least 1");
  CHECK(error_of([] { EarlyStopping({.min_delta = -1}); }) ==
        "early_stopping: min_delta is -1, expected a finite non-negative number");
  CHECK(error_of([] { EarlyStopping({.min_delta = std::nan("")}); }) ==
        "early_stopping: min_delta is nan, expected a finite non-negative number");
}
