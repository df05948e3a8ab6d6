// Winograd's algorithm against the defining formula, the direct form's error, and its own bits.
#include <tinygan/cpu/conv_winograd.hpp>

#include "support/conv_partials.hpp"

namespace {

using namespace tinygan;
using namespace tinygan::test;

/// Winograd's algorithm allowed or not while it lives.
class Allowed {
 public:
  explicit Allowed(bool allowed) : before_(cpu::winograd()) { cpu::set_winograd(allowed); }
  ~Allowed() { cpu::set_winograd(before_); }
  Allowed(const Allowed&) = delete;
  Allowed& operator=(const Allowed&) = delete;

 private:
  bool before_;
};

/// By the direct form.
std::vector<float> direct_partial(const ConvDims& d, ConvSlot slot, const Operands<float>& o,
                                  const Epilogue<float>& epilogue = {}) {
  const Allowed scope(false);
  return partial(d, slot, o, epilogue);
}

/// By Winograd's algorithm, whether it pays or not.
std::vector<float> winograd_partial(const ConvDims& d, ConvSlot slot, const Operands<float>& o,
                                    const Epilogue<float>& epilogue = {}) {
  using namespace cpu::detail;
  GuardedWorkspace workspace;
  const Shape shape = slot == ConvSlot::g ? d.y_shape() : slot == ConvSlot::x ? d.x_shape() : d.w_shape();
  std::vector<float> out = poisoned<float>(shape.size());
  const auto run = [&]<class F>(F) {
    if (slot == ConvSlot::g)
      winograd_conv<F>(WinogradConv::forward(d), epilogue, o.x.data(), o.w.data(), out.data(), workspace);
    if (slot == ConvSlot::x)
      winograd_conv<F>(WinogradConv::input_grad(d), epilogue, o.g.data(), o.w.data(), out.data(), workspace);
    if (slot == ConvSlot::w) winograd_weight_grad<F>(d, o.x.data(), o.g.data(), out.data(), workspace);
  };
  if (d.R == 3) run(Winograd<4, 3>{});
  else run(Winograd<4, 5>{});
  CHECK(workspace.intact());
  return out;
}

ConvDims layer(index_t N, index_t H, index_t W, index_t C, index_t R, index_t K, const Padding& padding) {
  return conv_dims({N, H, W, C}, {R, R, C, K}, {.padding = padding});
}

/// Sums of squared errors.
double squares(const std::vector<float>& found, const Reference& expected) {
  double sum = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    const double error = double{found[i]} - expected.value[i];
    sum += error * error;
  }
  return sum;
}

template <class F>
void check_products() {
  // A polynomial of degree m - 1 against one of r - 1 taps: the full product has n coefficients, exact in double but for rounding.
  double w[F::r], x[F::n];
  for (int i = 0; i < F::r; ++i) w[i] = 3 - 2 * i;
  for (int i = 0; i < F::n; ++i) x[i] = i % 3 + 0.25 * i;
  double y[F::m] = {};
  for (int p = 0; p < F::n; ++p) {
    double filter = 0, input = 0;
    for (int i = 0; i < F::r; ++i) filter += F::filter.at[p][i] * w[i];
    for (int i = 0; i < F::n; ++i) input += F::input.at[p][i] * x[i];
    for (int i = 0; i < F::m; ++i) y[i] += F::output.at[i][p] * filter * input;
  }
  for (int i = 0; i < F::m; ++i) {
    double expected = 0;
    for (int j = 0; j < F::r; ++j) expected += w[j] * x[i + j];
    CHECK(std::fabs(y[i] - expected) <= 1e-12);
  }
  for (int p = 0; p < F::n; ++p)
    for (int i = 0; i < F::r; ++i) {
      CHECK(F::filter_adjoint.at[i][p] == F::filter.at[p][i]);
      CHECK(F::filter_reversed.at[p][i] == F::filter.at[p][F::r - 1 - i]);
    }
}

}  // namespace

TEST_CASE("winograd: the outputs of a filter along one axis", "[cpu][conv]") {
  check_products<cpu::detail::Winograd<4, 3>>();
  check_products<cpu::detail::Winograd<4, 5>>();
  check_products<cpu::detail::Winograd<2, 5>>();
}

TEST_CASE("winograd: all three partials, sums of few terms, where the transforms round most", "[cpu][conv]") {
  const ConvDims shapes[] = {layer(3, 11, 9, 32, 3, 48, Padding::same()),
                             layer(4, 7, 7, 48, 5, 32, Padding::same()),
                             layer(2, 10, 13, 16, 3, 80, Padding::sides(0, 2, 2, 1)),
                             layer(2, 12, 9, 80, 5, 16, Padding::sides(3, 0, 1, 4)),
                             layer(3, 9, 9, 32, 3, 32, Padding::valid()),
                             layer(2, 5, 4, 16, 3, 16, Padding::all(4))};  // more padding than the filter reaches
  for (const ConvDims& d : shapes) {
    const Operands<float> o(d);
    for (ConvSlot slot : slots) {
      INFO(name(d) << ", partial in " << slot_names[static_cast<int>(slot)]);
      const Reference expected = reference(d, slot, o);
      for_each_isa([&] {
        const std::vector<float> found = winograd_partial(d, slot, o), direct = direct_partial(d, slot, o);
        const double ratio = std::sqrt(squares(found, expected) / squares(direct, expected));
        CAPTURE(ratio);
        CHECK(ratio <= (slot == ConvSlot::w ? 12 : 8));
      });
    }
  }
}

TEST_CASE("winograd: where it is used by default, within 8 times the direct form's error", "[cpu][conv]") {
  for (const ConvDims& d :
       {layer(10, 8, 8, 64, 3, 96, Padding::same()), layer(3, 16, 16, 48, 5, 48, Padding::same())}) {
    REQUIRE(cpu::detail::winograd_pays(d));
    const Operands<float> o(d);
    for (ConvSlot slot : slots) {
      const Reference expected = reference(d, slot, o);
      const double ratio =
          std::sqrt(squares(winograd_partial(d, slot, o), expected) / squares(direct_partial(d, slot, o), expected));
      INFO(name(d) << ", partial in " << slot_names[static_cast<int>(slot)]);
      CAPTURE(ratio);
      CHECK(ratio <= 8);
    }
  }
}

TEST_CASE("winograd: bias and activation are applied once, to every pixel", "[cpu][conv]") {
  for (const ConvDims& d : {layer(3, 7, 6, 32, 3, 48, Padding::same()), layer(3, 7, 7, 16, 5, 32, Padding::same())}) {
    const Operands<float> o(d);
    for (ConvSlot slot : {ConvSlot::g, ConvSlot::x})
      for (const Activation activation : all_activations(0.3)) {
        INFO(name(d) << ", activation " << name_of(activation));
        const auto bias = random_values<float>(slot == ConvSlot::g ? d.K : d.C, 4);
        const Epilogue<float> epilogue{bias.data(), activation};
        const std::vector<float> found = winograd_partial(d, slot, o, epilogue),
                                 direct = direct_partial(d, slot, o, epilogue);
        double worst = 0;
        for (std::size_t i = 0; i < found.size(); ++i)
          worst = std::max(worst, std::fabs(double{found[i]} - double{direct[i]}));
        CHECK(worst <= 5e-4);  // sums are of some 10 in size
      }
  }
}

TEST_CASE("winograd: several chunks of images, the same bits at 1, 2 and 3 threads", "[cpu][conv]") {
  const ConvDims d = layer(83, 9, 9, 32, 3, 48, Padding::same());
  REQUIRE(cpu::detail::winograd_images(d.N, 9, 36, d.C + d.K) < d.N);
  const Operands<float> o(d);
  for (ConvSlot slot : slots) {
    INFO(name(d) << ", partial in " << slot_names[static_cast<int>(slot)]);
    const auto one = with_threads(1, [&] { return winograd_partial(d, slot, o); });
    CHECK(first_difference(one, with_threads(2, [&] { return winograd_partial(d, slot, o); })) == "");
    CHECK(first_difference(one, with_threads(3, [&] { return winograd_partial(d, slot, o); })) == "");
    const auto direct = direct_partial(d, slot, o);
    double error = 0, size = 0;
    for (std::size_t i = 0; i < one.size(); ++i) {
      error += std::pow(double{one[i]} - double{direct[i]}, 2);
      size += std::pow(double{direct[i]}, 2);
    }
    CHECK(std::sqrt(error / size) <= 1e-5);
  }
}

TEST_CASE("winograd: convolutions use it where it pays and is allowed, and for floats only", "[cpu][conv]") {
  const ConvDims d = layer(10, 8, 8, 64, 3, 96, Padding::same());
  REQUIRE(cpu::detail::winograd_pays(d));
  const Operands<float> o(d);
  const Allowed scope(true);
  for (ConvSlot slot : slots) {
    INFO(name(d) << ", partial in " << slot_names[static_cast<int>(slot)]);
    CHECK(first_difference(partial(d, slot, o), winograd_partial(d, slot, o)) == "");
    CHECK(first_difference(partial(d, slot, o), direct_partial(d, slot, o)) != "");
  }
  const Operands<double> exact(d);
  const auto by_default = partial(d, ConvSlot::g, exact);
  cpu::set_winograd(false);
  CHECK(first_difference(by_default, partial(d, ConvSlot::g, exact)) == "");
}

TEST_CASE("winograd: shapes that it is not for", "[cpu][conv]") {
  const auto pays = [](const ConvDims& d) { return cpu::detail::winograd_pays(d); };
  CHECK(pays(layer(128, 7, 7, 128, 5, 256, Padding::same())));
  CHECK_FALSE(pays(layer(128, 7, 7, 120, 5, 256, Padding::same())));  // part of a vector
  CHECK_FALSE(pays(layer(128, 7, 7, 128, 4, 256, Padding::same())));  // no such filter
  CHECK_FALSE(pays(layer(128, 7, 7, 1, 5, 256, Padding::same())));    // one channel
  CHECK_FALSE(pays(layer(1, 7, 7, 128, 5, 256, Padding::same())));  // fewer tiles than the filter's transform is worth
  CHECK_FALSE(
      pays(layer(128, 28, 28, 16, 3, 16, Padding::same())));  // fewer channels than those of the tiles are worth
  CHECK_FALSE(
      pays(conv_dims({128, 7, 7, 128}, {5, 5, 128, 256}, {.stride_h = 2, .stride_w = 1, .padding = Padding::same()})));
  CHECK_FALSE(pays(conv_dims({128, 7, 7, 128}, {5, 5, 128, 256}, {.padding = Padding::all(4), .dilation_w = 2})));
}
