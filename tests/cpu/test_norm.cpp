#include <tinygan/cpu/batch_norm.hpp>
#include <tinygan/cpu/layer_norm.hpp>

#include "support/activations.hpp"
#include "support/cpu_kernels.hpp"

using namespace tinygan;
using namespace tinygan::cpu_test;
using namespace tinygan::test;

namespace {

constexpr auto activations = all_activations(0.3);

/// One problem, x with its pre-activations kept away from the kink at 0, and what double makes of it.
template <class T>
struct Problem {
  NormDims d;
  NormOptions<T> o;
  bool by_row;  // layer norm: one mean per row
  std::vector<T> x, g, gamma, beta, mean, variance;

  Problem(index_t rows, index_t channels, Activation f, bool layer)
      : d{rows, channels}, o{T(1e-3), f}, by_row(layer), x(numbers<T>(rows * channels, 1, -1, 3)),
        g(numbers<T>(rows * channels, 2)), gamma(numbers<T>(channels, 3, 0.5, 1.5)),
        beta(numbers<T>(channels, 4, -1, 1)), mean(numbers<T>(groups(), 5, 0.9, 1.1)),
        variance(numbers<T>(groups(), 6, 0.8, 1.6)) {
    for (index_t i = 0; i < rows * channels; ++i)
      while (std::fabs(z(i)) < 1e-2) x[as_size(i)] += T(0.05);
  }

  index_t groups() const { return by_row ? d.rows : d.channels; }
  index_t group(index_t i) const { return by_row ? i / d.channels : i % d.channels; }
  double rstd(index_t i) const {
    return 1 / std::sqrt(static_cast<double>(variance[as_size(group(i))]) + static_cast<double>(o.epsilon));
  }
  double xhat(index_t i) const {
    return (static_cast<double>(x[as_size(i)]) - static_cast<double>(mean[as_size(group(i))])) * rstd(i);
  }
  double weight(index_t i) const { return static_cast<double>(gamma[as_size(i % d.channels)]); }
  double z(index_t i) const { return weight(i) * xhat(i) + static_cast<double>(beta[as_size(i % d.channels)]); }
  double h(index_t i) const { return static_cast<double>(g[as_size(i)]) * derivative(o.activation, z(i)); }
  double size() const { return static_cast<double>(d.rows * d.channels); }

  /// y, each within a few roundings of its terms (|f'| <= 1).
  Expected forward() const {
    Expected y(d.rows * d.channels);
    for (index_t i = 0; i < d.rows * d.channels; ++i) {
      const double value = activate(o.activation, z(i));
      y.set(i, value, 12 * eps<T> * (std::fabs(weight(i) * xhat(i)) + 1 + std::fabs(value)));
    }
    return y;
  }

  /// dx, dgamma, dbeta. Sums may be off by 64 eps of their magnitude in T, and h by the derivative's error.
  std::vector<Expected> backward() const {
    const index_t n = d.rows * d.channels, over = by_row ? d.channels : d.rows;
    Expected dx(n), dgamma(d.channels), dbeta(d.channels);
    std::vector<double> sum(as_size(groups())), product = sum, magnitude = sum, product_magnitude = sum;
    std::vector<double> gamma_magnitude(as_size(d.channels)), beta_magnitude = gamma_magnitude;
    const double unit = 64 * eps<T> + size() * eps<double>;
    for (index_t i = 0; i < n; ++i) {
      const std::size_t k = as_size(group(i)), c = as_size(i % d.channels);
      const double cotangent = by_row ? weight(i) * h(i) : h(i);
      const double size_h = std::fabs(static_cast<double>(g[as_size(i)])) * (1 + std::fabs(z(i)));
      sum[k] += cotangent;
      product[k] += cotangent * xhat(i);
      magnitude[k] += size_h * (by_row ? weight(i) : 1);
      product_magnitude[k] += size_h * (by_row ? weight(i) : 1) * (1 + std::fabs(xhat(i)));
      dbeta.value[c] += h(i);
      dgamma.value[c] += h(i) * xhat(i);
      beta_magnitude[c] += size_h;
      gamma_magnitude[c] += size_h * (1 + std::fabs(xhat(i)));
    }
    // Layer norm adds up to 256 rows in T before it goes on in double.
    const double columns = by_row ? 256 * eps<T> + size() * eps<double> : unit;
    for (std::size_t c = 0; c < dgamma.value.size(); ++c) {
      dgamma.bound[c] = columns * gamma_magnitude[c];
      dbeta.bound[c] = columns * beta_magnitude[c];
    }
    for (index_t i = 0; i < n; ++i) {
      const std::size_t k = as_size(group(i));
      const double m = static_cast<double>(over), scale = rstd(i) * (by_row ? 1 : weight(i));
      const double cotangent = by_row ? weight(i) * h(i) : h(i);
      const double size_h = std::fabs(static_cast<double>(g[as_size(i)])) * (1 + std::fabs(z(i)));
      // A row sum of layer norm has up to channels/32 additions in a row.
      const double row_unit = by_row ? unit + m / 32 * eps<T> : unit;
      dx.set(i, scale * (cotangent - sum[k] / m - xhat(i) * product[k] / m),
             scale * (16 * eps<T> * size_h * weight(i) +
                      row_unit * (magnitude[k] + std::fabs(xhat(i)) * product_magnitude[k]) / m));
    }
    return {dx, dgamma, dbeta};
  }
};

const std::vector<NormDims> shapes = {{1, 1},    {2, 1},     {7, 3},    {13, 16},  {5000, 1},   {3001, 3},
                                      {515, 64}, {130, 100}, {33, 131}, {9, 2100}, {130, 2500}, {4100, 13}};

template <class T>
void check_statistics(const NormDims& d, double centre) {
  INFO("rows " << d.rows << ", channels " << d.channels << ", around " << centre);
  const auto x = numbers<T>(d.rows * d.channels, 17, centre - 1, centre + 2);
  Expected mean(d.channels), variance(d.channels);
  for (index_t c = 0; c < d.channels; ++c) {
    const auto at = [&](index_t r) { return static_cast<double>(x[as_size(r * d.channels + c)]); };
    const auto rows = static_cast<double>(d.rows);
    double sum = 0, squares = 0;
    for (index_t r = 0; r < d.rows; ++r) sum += at(r) - centre;
    const double m = centre + sum / rows;
    for (index_t r = 0; r < d.rows; ++r) squares += (at(r) - m) * (at(r) - m);
    // Deviations from the shift are at most 3 and exact but for one rounding; sums of up to 64 of them in T.
    const double unit = 64 * eps<T> + rows * eps<double>;
    mean.set(c, m, 3 * unit + eps<T> * std::fabs(centre));
    variance.set(c, squares / rows, 2 * 9 * unit);
  }
  check_everywhere<T>({mean, variance}, [&] {
    auto m = poisoned<T>(d.channels), v = poisoned<T>(d.channels);
    GuardedWorkspace scratch;
    cpu::batch_norm_stats(d, x.data(), m.data(), v.data(), scratch, {});
    return std::vector<std::vector<T>>{m, v};
  });
}

template <class T>
void check_batch_norm(const NormDims& d, Activation f) {
  INFO("rows " << d.rows << ", channels " << d.channels << ", activation " << name_of(f));
  const Problem<T> p(d.rows, d.channels, f, false);
  check_everywhere<T>({p.forward()}, [&] {
    auto y = poisoned<T>(d.rows * d.channels);
    cpu::batch_norm_apply(d, p.o, p.x.data(), p.mean.data(), p.variance.data(), p.gamma.data(), p.beta.data(), y.data(),
                          {});
    return std::vector<std::vector<T>>{y};
  });
  check_everywhere<T>(p.backward(), [&] {
    auto dx = poisoned<T>(d.rows * d.channels), dgamma = poisoned<T>(d.channels), dbeta = dgamma;
    GuardedWorkspace scratch;
    cpu::batch_norm_backward(d, p.o, p.x.data(), p.mean.data(), p.variance.data(), p.gamma.data(), p.beta.data(),
                             p.g.data(), dx.data(), dgamma.data(), dbeta.data(), scratch, {});
    return std::vector<std::vector<T>>{dx, dgamma, dbeta};
  });
}

template <class T>
void check_layer_norm(const NormDims& d, Activation f) {
  INFO("rows " << d.rows << ", channels " << d.channels << ", activation " << name_of(f));
  Problem<T> p(d.rows, d.channels, f, true);
  const auto n = static_cast<double>(d.channels);

  // Backward first: mean and rstd are its inputs, as free as in batch norm.
  std::vector<T> rstd(p.variance.size());
  for (index_t r = 0; r < d.rows; ++r) rstd[as_size(r)] = static_cast<T>(p.rstd(r * d.channels));
  check_everywhere<T>(p.backward(), [&] {
    auto dx = poisoned<T>(d.rows * d.channels), dgamma = poisoned<T>(d.channels), dbeta = dgamma;
    GuardedWorkspace scratch;
    cpu::layer_norm_backward(d, p.o, p.x.data(), p.mean.data(), rstd.data(), p.gamma.data(), p.beta.data(), p.g.data(),
                             dx.data(), dgamma.data(), dbeta.data(), scratch, {});
    return std::vector<std::vector<T>>{dx, dgamma, dbeta};
  });

  // Forward finds its own mean and variance.
  Expected mean(d.rows), deviation(d.rows);
  const double unit = (64 + n / 32) * eps<T> + n * eps<double>;
  for (index_t r = 0; r < d.rows; ++r) {
    double sum = 0, squares = 0;
    for (index_t c = 0; c < d.channels; ++c) sum += static_cast<double>(p.x[as_size(r * d.channels + c)]);
    for (index_t c = 0; c < d.channels; ++c) {
      const double delta = static_cast<double>(p.x[as_size(r * d.channels + c)]) - sum / n;
      squares += delta * delta;
    }
    const double variance = squares / n, root = 1 / std::sqrt(variance + 1e-3);
    mean.set(r, sum / n, 5 * unit);
    deviation.set(r, root, (2 * 25 * unit * root * root + 4 * eps<T>)*root);
  }
  std::vector<T> found_mean, found_rstd, found_y;
  check_everywhere<T>({mean, deviation}, [&] {
    found_y = poisoned<T>(d.rows * d.channels), found_mean = poisoned<T>(d.rows), found_rstd = poisoned<T>(d.rows);
    cpu::layer_norm(d, p.o, p.x.data(), p.gamma.data(), p.beta.data(), found_y.data(), found_mean.data(),
                    found_rstd.data(), {});
    return std::vector<std::vector<T>>{found_mean, found_rstd};
  });
  for (index_t r = 0; r < d.rows; ++r) {  // y, from the mean and variance found
    p.mean[as_size(r)] = found_mean[as_size(r)];
    const auto root = static_cast<double>(found_rstd[as_size(r)]);
    p.variance[as_size(r)] = static_cast<T>(1 / (root * root) - static_cast<double>(p.o.epsilon));
  }
  const Expected y = p.forward();
  CHECK(first_wrong(found_y, y.value, y.bound) == "");
}

}  // namespace

TEST_CASE("cpu batch norm: statistics, also far from zero", "[cpu][norm]") {
  for (const NormDims& d : shapes)
    for (const double centre : {0.0, 1000.0}) {
      check_statistics<float>(d, centre);
      check_statistics<double>(d, centre);
    }
}

TEST_CASE("cpu batch norm: a constant channel has variance 0", "[cpu][norm]") {
  const NormDims d{777, 5};
  const std::vector<float> x(as_size(d.rows * d.channels), 0.1f);
  for_each_isa([&] {
    auto mean = poisoned<float>(5), variance = poisoned<float>(5);
    GuardedWorkspace scratch;
    cpu::batch_norm_stats(d, x.data(), mean.data(), variance.data(), scratch, {});
    CHECK(first_difference(mean, std::vector<float>(5, 0.1f)) == "");
    CHECK(first_difference(variance, std::vector<float>(5, 0.0f)) == "");
  });
}

TEST_CASE("cpu batch norm: apply and backward", "[cpu][norm]") {
  for (const NormDims& d : shapes)
    for (const Activation f : activations) {
      check_batch_norm<float>(d, f);
      if (d.rows * d.channels < 20000) check_batch_norm<double>(d, f);
    }
}

TEST_CASE("cpu layer norm: forward and backward", "[cpu][norm]") {
  for (const NormDims& d : {NormDims{1, 1}, {1, 7}, {5, 16}, {300, 33}, {40, 1000}, {3, 5001}, {700, 64}})
    for (const Activation f : activations) {
      check_layer_norm<float>(d, f);
      if (d.rows * d.channels < 20000) check_layer_norm<double>(d, f);
    }
}
