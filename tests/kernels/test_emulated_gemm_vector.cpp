// Products with a single row, column or term as CUDA kernels on the emulated device, against sums in double.
#include "kernels/products.hpp"

namespace tinygan {
namespace {

using namespace test;

/// check_gemm(), and that a kernel of gemm_vector.cuh computed the product, its sum in so many splits.
template <class T>
void check_vector(const GemmDims& d, int offset = 0, const Epilogue<T>& e = {}, index_t splits = 1) {
  const Precision p = std::is_same_v<T, float> ? Precision::fp32 : Precision::bf16;
  const index_t partial_sums = splits > 1 ? splits * d.M * d.N : 0;
  CHECK(check_gemm<T>(p, d, offset, e) == static_cast<std::size_t>(partial_sums) * sizeof(float));
  CHECK(forms::launched == forms::Form{forms::Way::vector, 0, 0, splits});
}

/// As a column and as a row, each way in which a vector of one extent can be stored; `sums`: of the matrix's rows.
template <class Check>
void as_column_and_row(index_t length, index_t depth, bool sums, const Check& check) {
  for (const bool trans : {false, true}) {
    check(GemmDims{length, 1, depth, sums, trans});
    check(GemmDims{1, length, depth, trans, !sums});
  }
}

/// Depths for 1, 2, 4, 8 and 16 warps to a row, and beyond; of packs and not.
template <class T>
void check_dots() {
  for (const index_t depth : {2, 7, 96, 520, 1600, 3001, 4100, 9000})
    for (const index_t length : {1, 3, 9})
      for (const int offset : {0, 1})
        as_column_and_row(length, depth, false, [&](const GemmDims& d) { check_vector<T>(d, offset); });
}

TEST_CASE("Emulated vector products: dot products of rows, fp32") { check_dots<float>(); }
TEST_CASE("Emulated vector products: dot products of rows, bfloat16") { check_dots<bfloat16>(); }

/// One and several blocks of columns, of packs and not; depths for few threads and many, and for one round and several.
template <class T>
void check_sums() {
  for (const index_t length : {2, 63, 72, 130})
    for (const index_t depth : {2, 35, 300, 1030})
      for (const int offset : {0, 1})
        as_column_and_row(length, depth, true, [&](const GemmDims& d) { check_vector<T>(d, offset); });
}

TEST_CASE("Emulated vector products: weighted sums of rows, fp32") { check_sums<float>(); }
TEST_CASE("Emulated vector products: weighted sums of rows, bfloat16") { check_sums<bfloat16>(); }

template <class T>
void check_outer() {
  for (const GemmDims& d : {GemmDims{33, 41, 1}, GemmDims{37, 40, 1}, GemmDims{5, 264, 1}, GemmDims{1, 300, 1},
                            GemmDims{1, 2056, 1}, GemmDims{2051, 1, 1}, GemmDims{300, 3, 1}, GemmDims{70, 8, 1}})
    for (const int offset : {0, 1})
      for (const bool trans : {false, true}) check_vector<T>({d.M, d.N, 1, trans, !trans}, offset);
}

TEST_CASE("Emulated vector products: outer products, fp32") { check_outer<float>(); }
TEST_CASE("Emulated vector products: outer products, bfloat16") { check_outer<bfloat16>(); }

TEST_CASE("Emulated vector products: more rows than the blocks of an outer product take at once") {
  check_vector<float>({40, 75'777, 1});
}

template <class T>
void check_epilogues() {
  const Operand<T> bias(70, 1, 3);
  for (const Activation activation : all_activations(0.3))
    for (const T* const b : {static_cast<const T*>(nullptr), static_cast<const T*>(bias.data())})
      for (const GemmDims& d : {GemmDims{9, 1, 300}, GemmDims{70, 1, 40, true}, GemmDims{1, 9, 300, false, true},
                                GemmDims{1, 70, 40}, GemmDims{11, 56, 1}, GemmDims{11, 57, 1}, GemmDims{40, 1, 1}})
        check_vector<T>(d, 0, {.bias = b, .activation = activation});
}

TEST_CASE("Emulated vector products: bias and activations, fp32") { check_epilogues<float>(); }
TEST_CASE("Emulated vector products: bias and activations, bfloat16") { check_epilogues<bfloat16>(); }

// A launch that adds up is worth it only where few blocks would read a lot.
template <class T>
void check_splits() {
  const Operand<T> bias(10, 0, 3);
  const Epilogue<T> e{.bias = bias.data(), .activation = Activation::tanh};
  check_vector<T>({2, 1, 150'003}, 0, e, 2);
  check_vector<T>({1, 10, 30'000}, 0, e, 4);
  check_vector<T>({10, 1, 30'000, true}, 1, e, 4);
  check_vector<T>({10, 1, 12'000, true});
}

TEST_CASE("Emulated vector products: a great depth of few sums is split, fp32") { check_splits<float>(); }
TEST_CASE("Emulated vector products: a great depth of few sums is split, bfloat16") { check_splits<bfloat16>(); }

TEST_CASE("Emulated vector products: no split where there are blocks enough") {
  const KernelTable<bfloat16>& k = emulated_kernels<bfloat16>();
  const std::vector<bfloat16> a(128 * 6272), b(6272);
  std::vector<bfloat16> c(128 * 6272);
  for (const GemmDims& d :
       {GemmDims{128, 1, 6272}, GemmDims{6272, 1, 128, true}, GemmDims{128, 6272, 1, false, true}}) {
    k.gemm(d, {}, a.data(), b.data(), c.data(), no_workspace(), {});
    CHECK(forms::launched == forms::Form{forms::Way::vector, 0, 0, 1});
  }
}

/// The product of the same values from a 16-byte boundary on and off it.
template <class T>
void check_alignment(const GemmDims& d) {
  CAPTURE(d.M, d.N, d.K, d.trans_a);
  const std::vector<T> a = random_values<T>(d.M * d.K, 1), b = random_values<T>(d.K * d.N, 2);
  const auto run = [&](int offset) {
    const Operand<T> there_a(d.M * d.K, offset), there_b(d.K * d.N, offset);
    std::copy(a.begin(), a.end(), there_a.data());
    std::copy(b.begin(), b.end(), there_b.data());
    std::vector<T> c(static_cast<std::size_t>(d.M * d.N));
    emulated_kernels<T>().gemm(d, {}, there_a.data(), there_b.data(), c.data(), no_workspace(), {});
    return c;
  };
  CHECK(first_difference(run(0), run(1)) == "");
}

TEST_CASE("Emulated vector products: the same bits however operands are aligned") {
  for (const GemmDims& d : {GemmDims{3, 1, 4096}, GemmDims{72, 1, 600, true}, GemmDims{24, 40, 1}}) {
    check_alignment<float>(d);
    const UsePrecision use(Precision::bf16);
    check_alignment<bfloat16>(d);
  }
}

TEST_CASE("Emulated vector products: a NaN spreads to its own results only") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const auto check = [&](const GemmDims& d, index_t a_at, const auto& expected) {
    CAPTURE(d.M, d.N, d.K, d.trans_a);
    const Operand a(d.M * d.K, 0, 1), b(d.K * d.N, 0, 2);
    a[a_at] = nan;
    const auto c = both_ways(d.M * d.N, [&](float* out) {
      emulated_kernels().gemm(d, {nullptr, Activation::relu}, a.data(), b.data(), out, no_workspace(), {});
    });
    for (index_t i = 0; i < d.M * d.N; ++i) CHECK(std::isnan(c[static_cast<std::size_t>(i)]) == expected(i));
  };
  check({20, 1, 600}, 7 * 600 + 599, [](index_t i) { return i == 7; });
  check({72, 1, 300, true}, 299 * 72 + 7, [](index_t i) { return i == 7; });
  check({9, 12, 1}, 7, [](index_t i) { return i / 12 == 7; });
}

}  // namespace
}  // namespace tinygan
