// cpu::gemm against the naive product: all transpositions, edges of every blocking, each instruction set, any thread
// count.
#include <tinygan/cpu/gemm.hpp>
#include <tinygan/cpu/small_gemm.hpp>

#include "support/kernel_check.hpp"

namespace {

using namespace tinygan;
using namespace tinygan::test;

std::string name(const GemmDims& d) {
  return text("M ", d.M, " N ", d.N, " K ", d.K, d.trans_a ? " trans_a" : "", d.trans_b ? " trans_b" : "");
}

template <class T>
std::vector<T> product(const GemmDims& d, const Epilogue<T>& epilogue, const std::vector<T>& a,
                       const std::vector<T>& b) {
  GuardedWorkspace workspace;
  std::vector<T> c = poisoned<T>(d.M * d.N);
  cpu::gemm(d, epilogue, a.data(), b.data(), c.data(), workspace, Stream{});
  CHECK(workspace.intact());
  return c;
}

template <class T>
void check_product(const GemmDims& d) {
  INFO(name(d));
  const auto a = random_values<T>(d.M * d.K, 1), b = random_values<T>(d.K * d.N, 2);
  const Reference expected = reference_gemm(d, a.data(), b.data());
  for_each_isa([&] { check_close(product<T>(d, {}, a, b), expected); });
}

/// All four transpositions.
template <class T>
void check_products(index_t M, index_t N, index_t K) {
  for (bool trans_a : {false, true})
    for (bool trans_b : {false, true})
      check_product<T>({.M = M, .N = N, .K = K, .trans_a = trans_a, .trans_b = trans_b});
}

}  // namespace

TEST_CASE("gemm: small and prime extents", "[cpu][gemm]") {
  for (index_t M : {1, 2, 3, 5, 7, 13})
    for (index_t N : {1, 2, 5, 17, 31})
      for (index_t K : {1, 2, 3, 11, 37}) {
        check_products<float>(M, N, K);
        check_products<double>(M, N, K);
      }
}

TEST_CASE("gemm: extents around the edges of tiles, panels and depth blocks", "[cpu][gemm]") {
  for (index_t M : {6, 47, 97})
    for (index_t N : {15, 16, 33, 63, 64, 65, 129}) check_products<float>(M, N, 61);
  check_products<float>(7, 70, 511);
  check_products<float>(7, 70, 513);
  check_products<float>(101, 67, 1031);
  check_products<double>(101, 67, 1031);
}

TEST_CASE("gemm: skinny shapes and split-K", "[cpu][gemm]") {
  check_products<float>(128, 1, 6272);
  check_products<float>(1, 6272, 128);
  check_products<float>(1, 4203, 37);
  check_products<float>(1, 512, 130);
  check_products<float>(1, 97, 1000);
  check_products<float>(6272, 1, 128);
  check_products<float>(1, 1, 5003);
  check_products<float>(64, 301, 1);
  check_products<float>(1, 7, 4099);
  check_products<float>(31, 100, 4099);
  check_products<double>(5, 100, 4099);
  check_products<float>(25, 1543, 100);
  check_products<float>(100, 1543, 25);
}

TEST_CASE("gemm: products of a few elements take no memory", "[cpu][gemm]") {
  for (const index_t M : {1, 4, 7})
    for (const index_t N : {2, 5, 16})
      for (const index_t K : {1, 3, 8})
        for (const bool trans_a : {false, true})
          for (const bool trans_b : {false, true}) {
            const GemmDims d{.M = M, .N = N, .K = K, .trans_a = trans_a, .trans_b = trans_b};
            INFO(name(d));
            const auto a = random_values<float>(M * K, 1), b = random_values<float>(K * N, 2),
                       bias = random_values<float>(N, 3);
            const Epilogue<float> epilogue{bias.data(), Activation::relu};
            Reference expected = reference_gemm(d, a.data(), b.data());
            reference_epilogue(epilogue, N, expected);
            std::vector<float> c = poisoned<float>(M * N);
            cpu::small_gemm(d, epilogue, a.data(), b.data(), c.data());
            check_close(c, expected, 1, 8);
            if (M * N * K > 512) continue;
            GuardedWorkspace workspace;
            std::vector<float> chosen = poisoned<float>(M * N);
            cpu::any_gemm(d, epilogue, a.data(), b.data(), chosen.data(), workspace, Stream{});
            CHECK(first_difference(chosen, c) == "");
          }
}

TEST_CASE("gemm: bias and activation, whichever way the product runs", "[cpu][gemm]") {
  const GemmDims shapes[] = {{.M = 13, .N = 70, .K = 19},
                             {.M = 70, .N = 13, .K = 19, .trans_b = true},
                             {.M = 13, .N = 70, .K = 19, .trans_b = true},
                             {.M = 9, .N = 70, .K = 2100},
                             {.M = 9, .N = 70, .K = 2100, .trans_b = true},
                             {.M = 9, .N = 37, .K = 1},
                             {.M = 37, .N = 1, .K = 50},
                             {.M = 1, .N = 37, .K = 50},
                             {.M = 13, .N = 70, .K = 19, .trans_a = true}};
  for (const GemmDims& d : shapes)
    for (const Activation activation : test::all_activations(0.2))
      for (bool with_bias : {false, true}) {
        INFO(name(d) << " activation " << test::name_of(activation) << " bias " << with_bias);
        const auto a = random_values<float>(d.M * d.K, 3), b = random_values<float>(d.K * d.N, 4);
        const auto bias = random_values<float>(d.N, 5);
        const Epilogue<float> epilogue{with_bias ? bias.data() : nullptr, activation};
        Reference expected = reference_gemm(d, a.data(), b.data());
        reference_epilogue(epilogue, d.N, expected);
        for_each_isa([&] { check_close(product(d, epilogue, a, b), expected, 1, 8); });
      }
}

TEST_CASE("gemm: the same bits at 1, 2 and 3 threads", "[cpu][gemm]") {
  for (bool trans_a : {false, true})
    for (bool trans_b : {false, true})
      for (const auto& [M, N, K] :
           {std::array<index_t, 3>{128, 100, 2000}, {31, 700, 600}, {300, 65, 129}, {128, 1, 1000}}) {
        const GemmDims d{.M = M, .N = N, .K = K, .trans_a = trans_a, .trans_b = trans_b};
        INFO(name(d));
        const auto a = random_values<float>(M * K, 6), b = random_values<float>(K * N, 7);
        for_each_isa([&] {
          const auto one = with_threads(1, [&] { return product<float>(d, {}, a, b); });
          CHECK(first_difference(one, with_threads(2, [&] { return product<float>(d, {}, a, b); })) == "");
          CHECK(first_difference(one, with_threads(3, [&] { return product<float>(d, {}, a, b); })) == "");
        });
      }
}

TEST_CASE("gemm: NaN and infinity of the operands reach the result", "[cpu][gemm]") {
  const GemmDims d{.M = 7, .N = 20, .K = 33};
  auto a = random_values<float>(d.M * d.K, 8);
  const auto b = random_values<float>(d.K * d.N, 9);
  a[2 * 33 + 5] = std::numeric_limits<float>::quiet_NaN();
  for (const Activation activation : test::all_activations(0.2))
    for_each_isa([&] {
      INFO("activation " << test::name_of(activation));
      const auto c = product<float>(d, {nullptr, activation}, a, b);
      for (std::size_t i = 0; i < c.size(); ++i) CHECK(std::isnan(c[i]) == (i / 20 == 2));
    });
}

TEST_CASE("gemm: a workspace whose size would overflow is refused by name") {
  const GemmDims d{.M = 2, .N = 2, .K = index_t{1} << 58, .trans_a = true};
  CHECK_THROWS_WITH(cpu::gemm<double>(d, {}, nullptr, nullptr, nullptr, no_workspace(), Stream{}),
                    Catch::Contains("elements, more than 576460752303423487"));
}
