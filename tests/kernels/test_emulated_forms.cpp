// Every form of a product and of a convolution, forced through the contract, against sums in double; what is chosen
// where none is forced; and what happens where one cannot compute a shape.
#include "kernels/all_forms.hpp"
#include "kernels/products.hpp"
#include "support/child.hpp"

namespace tinygan {
namespace {

using namespace test::all_forms;
using forms::Form;
using forms::Way;
using support::contains;
using support::error_of;

/// check() with each of the forms, also with three splits, and that it was launched.
template <class Check>
void each(std::vector<Form> forms, bool with_splits, const Check& check) {
  if (with_splits)
    for (const std::size_t given = forms.size(); forms.size() < 2 * given;) {
      forms.push_back(forms[forms.size() - given]);
      forms.back().splits = 3;
    }
  for (const Form& form : forms) {
    CAPTURE(forms::name_of(form));
    const forms::Force force(form);
    forms::record({}, 0);
    check();
    CHECK(forms::launched.way == form.way);
    CHECK(forms::launched.tile_m == form.tile_m);
    CHECK(forms::launched.tile_n == form.tile_n);
    if (form.splits > 0) CHECK(forms::launched.splits == form.splits);
    CHECK(forms::launched_blocks > 0);
  }
}

template <class T>
void check_forms(Precision p) {
  const bool fp32 = p == Precision::fp32;
  const ConvDims conv = conv_dims({5, 4, 3, 24}, {3, 2, 24, 40}, test::conv_options(2, Padding::same()));
  for (const GemmDims& d : {GemmDims{40, 24, 160}, GemmDims{40, 24, 160, true, true}}) {
    each(fp32 ? ffma_forms : square_forms, true, [&] { test::check_gemm<T>(p, d); });
    if (!fp32) each(wgmma_forms, false, [&] { test::check_gemm<T>(p, d); });
  }
  for (const ConvSlot slot : {ConvSlot::g, ConvSlot::x}) {
    each(fp32 ? ffma_forms : mma_forms, false, [&] { test::check_partial<T>(p, conv, slot); });
    if (!fp32) each(wgmma_forms, false, [&] { test::check_partial<T>(p, conv, slot); });
  }
  each(fp32 ? ffma_forms : square_forms, true, [&] { test::check_partial<T>(p, conv, ConvSlot::w); });
  if (std::is_same_v<T, bfloat16>) each(wgmma_grad_forms, true, [&] { test::check_partial<T>(p, conv, ConvSlot::w); });
}

TEST_CASE("Every form that can be forced computes: fp32") { check_forms<float>(Precision::fp32); }
TEST_CASE("Every form that can be forced computes: tf32") { check_forms<float>(Precision::tf32); }
TEST_CASE("Every form that can be forced computes: bf16") { check_forms<float>(Precision::bf16); }
TEST_CASE("Every form that can be forced computes: bfloat16") { check_forms<bfloat16>(Precision::bf16); }

TEST_CASE("A single channel, row, column or term is computed by its own kernels and by tiles") {
  const ConvDims in = conv_dims({3, 5, 5, 1}, {3, 3, 1, 12}, test::conv_options(2, Padding::same()));
  const ConvDims out = conv_dims({3, 4, 4, 12}, {3, 3, 12, 1}, test::conv_options(1, Padding::same()));
  for (const ConvDims& d : {in, out})
    for (const ConvSlot slot : {ConvSlot::g, ConvSlot::x, ConvSlot::w})
      each({{Way::one_channel}, {Way::ffma, 32, 32}}, false, [&] { test::check_partial(Precision::fp32, d, slot); });
  for (const GemmDims& d :
       {GemmDims{20, 1, 160}, GemmDims{20, 1, 160, true, true}, GemmDims{1, 20, 160}, GemmDims{20, 9, 1}}) {
    each({{Way::vector}, {Way::ffma, 64, 64}}, d.K > 1, [&] { test::check_gemm(Precision::fp32, d); });
    each({{Way::vector}, {Way::mma, 64, 64}}, false, [&] { test::check_gemm(Precision::tf32, d); });
    each({{Way::vector}, {Way::mma, 64, 64}}, d.K > 1, [&] { test::check_gemm<bfloat16>(Precision::bf16, d); });
  }
}

TEST_CASE("A form that cannot compute a shape is an error that names it") {
  const auto forced = [](const Form& form, Precision p, const GemmDims& d) {
    const test::UsePrecision use(p);
    const forms::Force force(form);
    return error_of([&] { test::emulated_kernels().gemm(d, {}, nullptr, nullptr, nullptr, test::no_workspace(), {}); });
  };
  CHECK(contains(forced({Way::mma, 128, 64}, Precision::bf16, {256, 256, 64}), "mma 128x64 cannot compute"));
  CHECK(contains(forced({Way::mma, 64, 64}, Precision::fp32, {256, 256, 64}), "mma 64x64 cannot compute"));
  CHECK(contains(forced({Way::vector}, Precision::fp32, {256, 2, 64}), "vector cannot compute"));
  CHECK(contains(forced({Way::vector}, Precision::bf16, {2, 256, 64}), "vector cannot compute"));
  CHECK(contains(forced({Way::wgmma, 128, 64}, Precision::bf16, {256, 256, 60}), "wgmma 128x64 cannot compute"));
  CHECK(contains(forced({Way::one_channel}, Precision::fp32, {256, 256, 64}), "one_channel cannot compute"));
  CHECK(forms::name_of({Way::mma, 64, 64, 4}) == "mma 64x64 in 4");
}

}  // namespace
}  // namespace tinygan
