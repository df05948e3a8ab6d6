// The kernels that have no test file of their own, by the cases of their ops: on the emulated device, and on the CPU at any
// number of threads. In this folder they also run under ThreadSanitizer.
#include "ops/cases/batched_matmul.hpp"
#include "ops/cases/extrema.hpp"
#include "ops/cases/grouped_conv.hpp"
#include "ops/cases/indexing.hpp"
#include "ops/cases/scan.hpp"

#include "support/check_ops.hpp"

using namespace tinygan;
using namespace tinygan::test;

namespace {

void check_kernels(const std::vector<OpCase>& cases) {
  for (const OpCase& c : cases) {
    INFO(c.name);
    check_on_device<float>(c, Device::emulated());
    check_threads(c);
  }
}

}  // namespace

TEST_CASE("Emulated batched products, by the cases of their op") { check_kernels(batched_matmul_cases()); }
TEST_CASE("Emulated extrema, by the cases of their ops") { check_kernels(extrema_cases()); }
TEST_CASE("Emulated depthwise convolutions, by the cases of their ops") { check_kernels(grouped_conv_cases()); }
TEST_CASE("Emulated gathering and addition at indices, by the cases of their ops") { check_kernels(indexing_cases()); }
TEST_CASE("Emulated cumulative sums, by the cases of their op") { check_kernels(scan_cases()); }
