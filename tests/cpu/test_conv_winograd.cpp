// Winograd's algorithm in double against the defining formula, in float against the direct form's error, and its own bits.
#include <tinygan/cpu/conv_winograd.hpp>

#include "support/child.hpp"
#include "support/conv_partials.hpp"

namespace {

using namespace tinygan;
using namespace tinygan::test;

/// Runs f() with Winograd's algorithm enabled or disabled, then restores the setting.
template <class F>
auto with_winograd(bool enabled, F&& f) {
  struct Restore {
    bool enabled = cpu::winograd_enabled();
    ~Restore() { cpu::set_winograd_enabled(enabled); }
  } restore;
  cpu::set_winograd_enabled(enabled);
  return f();
}

std::vector<float> direct_partial(const ConvDims& d, ConvSlot slot, const Operands<float>& o) {
  return with_winograd(false, [&] { return partial(d, slot, o); });
}

/// f(F) with the F(m, r) of this filter.
template <class Body>
auto with_filter(const ConvDims& d, const Body& f) {
  return d.R == 3 ? f(cpu::detail::Winograd<4, 3>{}) : f(cpu::detail::Winograd<4, 5>{});
}

/// The partial by Winograd's algorithm, whether or not it is the faster one.
template <class T>
std::vector<T> winograd_partial(const ConvDims& d, ConvSlot slot, const Operands<T>& o,
                                const Epilogue<T>& epilogue = {}) {
  using namespace cpu::detail;
  GuardedWorkspace workspace;
  std::vector<T> out = poisoned<T>(slot_shape(d, slot).size());
  with_filter(d, [&]<class F>(F) {
    if (slot == ConvSlot::g)
      winograd_conv<F>(WinogradConv::forward(d), epilogue, o.x.data(), o.w.data(), out.data(), workspace);
    if (slot == ConvSlot::x)
      winograd_conv<F>(WinogradConv::input_grad(d), epilogue, o.g.data(), o.w.data(), out.data(), workspace);
    if (slot == ConvSlot::w) winograd_weight_grad<F>(d, o.x.data(), o.g.data(), out.data(), workspace);
  });
  CHECK(workspace.intact());
  return out;
}

ConvDims layer(index_t N, index_t H, index_t W, index_t C, index_t R, index_t K, const Padding& padding) {
  return conv_dims({N, H, W, C}, {R, R, C, K}, {.padding = padding});
}

/// Sum of the magnitudes of row i.
template <int Rows, int Columns>
double row_norm(const cpu::detail::Matrix<Rows, Columns>& a, int i) {
  double sum = 0;
  for (int j = 0; j < Columns; ++j) sum += std::fabs(a.at[i][j]);
  return sum;
}

/// max over i of sum over p of |out[i][p]| |a_p|_1 |b_p|_1: how much larger the algorithm's intermediate terms are than
/// the operands, along one axis.
template <int Rows, int n, int A, int B>
double amplification(const cpu::detail::Matrix<Rows, n>& out, const cpu::detail::Matrix<n, A>& a,
                     const cpu::detail::Matrix<n, B>& b) {
  double worst = 0;
  for (int i = 0; i < Rows; ++i) {
    double sum = 0;
    for (int p = 0; p < n; ++p) sum += std::fabs(out.at[i][p]) * row_norm(a, p) * row_norm(b, p);
    worst = std::max(worst, sum);
  }
  return worst;
}

/// Bound of the algorithm's error in T, for operands in [-1, 1]: each of `terms` products of transforms is a sum over two
/// axes, with at most 4 n roundings in each of the three transforms, the rounded matrices included.
template <class T>
double error_bound(const ConvDims& d, ConvSlot slot) {
  const index_t tiles = d.N * cpu::detail::TileGrid::of(d.P, d.Q, d.K, d.P, d.Q).tiles();
  const auto terms = static_cast<double>(slot == ConvSlot::g ? d.C : slot == ConvSlot::x ? d.K : tiles);
  return with_filter(d, [&]<class F>(F) {
    const double axis = slot == ConvSlot::w ? amplification(F::filter_adjoint, F::input, F::output_adjoint)
                                            : amplification(F::output, F::filter, F::input);
    return std::numeric_limits<T>::epsilon() * (terms + 12 * F::n) * terms * axis * axis;
  });
}

void check_exact(const std::vector<double>& found, const std::vector<double>& expected, double bound) {
  check_elements(
      found, [&](index_t i) { return expected[static_cast<std::size_t>(i)]; }, [&](index_t) { return bound; });
}

double rms_error(const std::vector<float>& found, const std::vector<double>& exact) {
  double sum = 0;
  for (std::size_t i = 0; i < found.size(); ++i) sum += std::pow(double{found[i]} - exact[i], 2);
  return std::sqrt(sum / static_cast<double>(found.size()));
}

template <class F>
void check_matrices() {
  double w[F::r], x[F::n], y[F::m] = {};
  for (int i = 0; i < F::r; ++i) w[i] = 1 - 0.5 * i;
  for (int i = 0; i < F::n; ++i) x[i] = 0.25 * (i % 4) - 0.5;
  for (int p = 0; p < F::n; ++p) {
    double filter = 0, input = 0;
    for (int i = 0; i < F::r; ++i) filter += F::filter.at[p][i] * w[i];
    for (int i = 0; i < F::n; ++i) input += F::input.at[p][i] * x[i];
    for (int i = 0; i < F::m; ++i) y[i] += F::output.at[i][p] * filter * input;
  }
  const double bound =
      std::numeric_limits<double>::epsilon() * 6 * F::n * amplification(F::output, F::filter, F::input);
  for (int i = 0; i < F::m; ++i) {
    double expected = 0;
    for (int j = 0; j < F::r; ++j) expected += w[j] * x[i + j];
    CHECK(std::fabs(y[i] - expected) <= bound);
  }
  for (int p = 0; p < F::n; ++p)
    for (int i = 0; i < F::r; ++i) {
      CHECK(F::filter_adjoint.at[i][p] == F::filter.at[p][i]);
      CHECK(F::filter_reversed.at[p][i] == F::filter.at[p][F::r - 1 - i]);
    }
}

}  // namespace

TEST_CASE("winograd: the outputs of a filter along one axis", "[cpu][conv]") {
  check_matrices<cpu::detail::Winograd<4, 3>>();
  check_matrices<cpu::detail::Winograd<4, 5>>();
  check_matrices<cpu::detail::Winograd<2, 5>>();
}

TEST_CASE("winograd: all three partials in double against the definition", "[cpu][conv]") {
  const ConvDims shapes[] = {layer(3, 11, 9, 32, 3, 48, Padding::same()),
                             layer(4, 7, 7, 48, 5, 32, Padding::same()),
                             layer(2, 10, 13, 16, 3, 80, Padding::sides(0, 2, 2, 1)),
                             layer(2, 12, 9, 80, 5, 16, Padding::sides(3, 0, 1, 4)),
                             layer(3, 9, 9, 32, 3, 32, Padding::valid()),
                             layer(2, 5, 4, 16, 3, 16, Padding::all(4))};  // more padding than the filter reaches
  for (const ConvDims& d : shapes) {
    const Operands<double> o(d);
    for (ConvSlot slot : slots) {
      INFO(name(d) << ", partial in " << slot_names[static_cast<int>(slot)]);
      const std::vector<double> expected = reference(d, slot, o).value;
      for_each_isa([&] { check_exact(winograd_partial(d, slot, o), expected, error_bound<double>(d, slot)); });
    }
  }
}

// With -s it prints the ratios of docs/numerics.md.
TEST_CASE("winograd: where it is used by default, within 8 times the direct form's error", "[cpu][conv]") {
  if (support::thread_sanitizer) return;  // the values are compared in the other builds, which takes longer
  for (const ConvDims& d :
       {layer(128, 7, 7, 128, 5, 256, Padding::same()), layer(32, 14, 14, 64, 5, 64, Padding::same()),
        layer(16, 16, 16, 64, 3, 64, Padding::same())}) {
    REQUIRE(cpu::detail::winograd_pays(d));
    const Operands<float> o(d);
    Operands<double> exact(d);
    for (auto [from, to] : {std::pair(&o.x, &exact.x), {&o.w, &exact.w}, {&o.g, &exact.g}})
      to->assign(from->begin(), from->end());
    for (ConvSlot slot : slots) {
      const std::vector<double> expected = partial(d, slot, exact);
      const double ratio =
          rms_error(winograd_partial(d, slot, o), expected) / rms_error(direct_partial(d, slot, o), expected);
      INFO(name(d) << ", partial in " << slot_names[static_cast<int>(slot)]);
      CHECK(ratio <= 8);
    }
  }
}

TEST_CASE("winograd: bias and activation are applied once, to every pixel", "[cpu][conv]") {
  for (const ConvDims& d : {layer(3, 7, 6, 32, 3, 48, Padding::same()), layer(3, 7, 7, 16, 5, 32, Padding::same())}) {
    const Operands<double> o(d);
    for (ConvSlot slot : {ConvSlot::g, ConvSlot::x})
      for (const Activation activation : all_activations(0.3)) {
        INFO(name(d) << ", activation " << name_of(activation));
        const index_t channels = slot == ConvSlot::g ? d.K : d.C;
        const auto bias = random_values<double>(channels, 4);
        const Epilogue<double> epilogue{bias.data(), activation};
        Reference expected = reference(d, slot, o);
        reference_epilogue(epilogue, channels, expected);
        const double activation_error = 8 * std::numeric_limits<double>::epsilon();
        check_exact(winograd_partial(d, slot, o, epilogue), expected.value,
                    error_bound<double>(d, slot) + activation_error);
      }
  }
}

TEST_CASE("winograd: several chunks of images, the same bits at 1, 2, 3 and 16 threads", "[cpu][conv]") {
  const ConvDims d = layer(83, 9, 9, 32, 3, 80, Padding::same());
  REQUIRE(cpu::detail::winograd_images(d.N, 9, 36 * (d.C + d.K) * 4) < d.N);
  const Operands<float> o(d);
  const Operands<double> exact(d);
  for (ConvSlot slot : slots) {
    INFO(name(d) << ", partial in " << slot_names[static_cast<int>(slot)]);
    const auto one = with_threads(1, [&] { return winograd_partial(d, slot, o); });
    for (const int count : {2, 3, 16})  // 16: more tasks than points
      CHECK(first_difference(one, with_threads(count, [&] { return winograd_partial(d, slot, o); })) == "");
    const std::vector<double> direct = partial(d, slot, exact);
    const double terms = static_cast<double>(nominal_macs(d)) / static_cast<double>(direct.size());
    const double direct_bound = (terms + 2) * terms * std::numeric_limits<double>::epsilon();
    check_exact(winograd_partial(d, slot, exact), direct, error_bound<double>(d, slot) + direct_bound);
  }
}

TEST_CASE("winograd: convolutions of floats use it where it pays and is enabled", "[cpu][conv]") {
  const ConvDims d = layer(10, 8, 8, 64, 3, 96, Padding::same());
  REQUIRE(cpu::detail::winograd_pays(d));
  const Operands<float> o(d);
  for (ConvSlot slot : slots) {
    INFO(name(d) << ", partial in " << slot_names[static_cast<int>(slot)]);
    const auto by_default = with_winograd(true, [&] { return partial(d, slot, o); });
    CHECK(first_difference(by_default, winograd_partial(d, slot, o)) == "");
    CHECK(first_difference(by_default, direct_partial(d, slot, o)) != "");
  }
  const Operands<double> exact(d);
  const auto in_double = [&] { return partial(d, ConvSlot::g, exact); };
  CHECK(first_difference(with_winograd(true, in_double), with_winograd(false, in_double)) == "");
}

TEST_CASE("winograd: shapes for which it does not pay", "[cpu][conv]") {
  const auto pays = [](const ConvDims& d) { return cpu::detail::winograd_pays(d); };
  CHECK(pays(layer(128, 7, 7, 128, 5, 256, Padding::same())));
  CHECK_FALSE(pays(layer(128, 7, 7, 120, 5, 256, Padding::same())));  // part of a vector
  CHECK_FALSE(pays(layer(128, 7, 7, 128, 4, 256, Padding::same())));  // neither 3x3 nor 5x5
  CHECK_FALSE(pays(layer(128, 7, 7, 1, 5, 256, Padding::same())));    // one channel
  CHECK_FALSE(pays(layer(8, 7, 7, 128, 5, 256, Padding::same())));    // too few tiles for the filter's transform
  CHECK_FALSE(pays(layer(128, 28, 28, 16, 3, 16, Padding::same())));  // too few channels for the tiles' transforms
  const Padding padding = Padding::all(4);
  CHECK_FALSE(pays(conv_dims({128, 7, 7, 128}, {5, 5, 128, 256}, {.stride_h = 2, .padding = padding})));
  CHECK_FALSE(pays(conv_dims({128, 7, 7, 128}, {5, 5, 128, 256}, {.padding = padding, .dilation_w = 2})));
}
