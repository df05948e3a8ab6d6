#include <tinygan/base/precision.hpp>

#include "support/catch.hpp"
#include "support/temporary.hpp"

using namespace tinygan;

TEST_CASE("a precision is found by its name, and only by that") {
  for (const Precision p : {Precision::fp32, Precision::tf32, Precision::bf16}) {
    CHECK(text(p) == name_of(p));
    CHECK(find_precision(text(p)) == p);
    CHECK(parse_precision(text(p)) == p);
  }
  CHECK_FALSE(find_precision("FP32").has_value());
  CHECK(support::error_of([] { parse_precision("fp16"); }) == "precision: 'fp16', expected fp32, tf32 or bf16");
}
