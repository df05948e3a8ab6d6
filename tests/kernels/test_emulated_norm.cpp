// Batch and layer normalisation as CUDA kernels on the emulated device, against naive references in double.
#include "../../kernels/batch_norm.cuh"

#include "kernels/emulated.hpp"
#include "support/activations.hpp"

namespace tinygan {
namespace {

using namespace test;

constexpr auto activations = all_activations(0.3);

std::size_t at(index_t i) { return static_cast<std::size_t>(i); }

/// What double finds, and how far off a float may be.
struct Expected {
  std::vector<double> value, bound;
  explicit Expected(index_t size) : value(at(size)), bound(at(size)) {}
};

template <class T>
void check_expected(const char* what, const T* found, const Expected& e) {
  CAPTURE(what);
  check_stored(
      std::vector<T>(found, found + e.value.size()), [&](index_t i) { return e.value[at(i)]; },
      [&](index_t i) { return e.bound[at(i)]; });
}

/// x, g, gamma, beta and statistics of one problem; x is moved away from the kink of the activation at z = 0.
template <class T>
struct Problem {
  NormDims d;
  NormOptions<T> o;
  bool by_row;  // layer norm: one mean per row
  index_t groups;
  Operand<T> x, g, gamma, beta;
  Operand<float> mean, variance;
  std::vector<float> rstd;

  Problem(const NormDims& dims, Activation f, bool layer, int offset)
      : d(dims), o{1e-3f, f}, by_row(layer), groups(layer ? d.rows : d.channels), x(d.rows * d.channels, offset, 1),
        g(d.rows * d.channels, offset, 2), gamma(d.channels, offset, 3), beta(d.channels, offset, 4),
        mean(groups, offset, 5), variance(groups, offset, 6) {
    for (index_t c = 0; c < d.channels; ++c) gamma[c] = T(1 + 0.5f * gamma[c]);
    for (index_t k = 0; k < groups; ++k) {
      mean[k] *= 0.1f;
      variance[k] = 1 + 0.4f * variance[k];
      rstd.push_back(1 / std::sqrt(variance[k] + o.epsilon));
    }
    for (index_t i = 0; i < x.size(); ++i) {
      x[i] = T(2 * x[i]);
      while (std::fabs(z(i)) < 1e-2) x[i] = T(x[i] + 0.05f);
    }
  }

  index_t group(index_t i) const { return by_row ? i / d.channels : i % d.channels; }
  double root(index_t i) const {
    if (by_row) return static_cast<double>(rstd[at(group(i))]);
    return 1 / std::sqrt(static_cast<double>(variance[group(i)]) + static_cast<double>(o.epsilon));
  }
  double xhat(index_t i) const { return (static_cast<double>(x[i]) - static_cast<double>(mean[group(i)])) * root(i); }
  double weight(index_t i) const { return static_cast<double>(gamma[i % d.channels]); }
  double z(index_t i) const { return weight(i) * xhat(i) + static_cast<double>(beta[i % d.channels]); }
  double h(index_t i) const { return static_cast<double>(g[i]) * derivative(o.activation, z(i)); }
  /// How large the terms of h are: z is off by some eps of 1 + |z|, and |f''| <= 1.
  double h_size(index_t i) const { return std::fabs(static_cast<double>(g[i])) * (2 + std::fabs(z(i))); }

  Expected forward() const {
    Expected y(x.size());
    for (index_t i = 0; i < x.size(); ++i) {
      y.value[at(i)] = activate(o.activation, z(i));
      y.bound[at(i)] = 12 * float_eps * (std::fabs(weight(i) * xhat(i)) + 1 + std::fabs(y.value[at(i)]));
    }
    return y;
  }

  /// dx, dgamma, dbeta. A sum has at most `terms` additions after each other, and each term is off by 16 eps.
  std::vector<Expected> backward(double row_terms, double column_terms) const {
    Expected dx(x.size()), dgamma(d.channels), dbeta(d.channels);
    std::vector<double> sum(at(groups)), product = sum, size = sum, product_size = sum;
    const double unit = (16 + column_terms) * float_eps;
    for (index_t i = 0; i < x.size(); ++i) {
      const std::size_t k = at(group(i)), c = at(i % d.channels);
      const double w = by_row ? weight(i) : 1;
      sum[k] += w * h(i);
      product[k] += w * h(i) * xhat(i);
      size[k] += w * h_size(i);
      product_size[k] += w * h_size(i) * (1 + std::fabs(xhat(i)));
      dbeta.value[c] += h(i);
      dgamma.value[c] += h(i) * xhat(i);
      dbeta.bound[c] += unit * h_size(i);
      dgamma.bound[c] += unit * h_size(i) * (1 + std::fabs(xhat(i)));
    }
    const double n = static_cast<double>(by_row ? d.channels : d.rows);
    const double group_unit = (16 + (by_row ? row_terms : column_terms)) * float_eps;
    for (index_t i = 0; i < x.size(); ++i) {
      const std::size_t k = at(group(i));
      const double w = by_row ? weight(i) : 1, scale = root(i) * (by_row ? 1 : weight(i));
      dx.value[at(i)] = scale * (w * h(i) - sum[k] / n - xhat(i) * product[k] / n);
      dx.bound[at(i)] = scale * (16 * float_eps * w * h_size(i) +
                                 group_unit * (size[k] + (1 + std::fabs(xhat(i))) * product_size[k]) / n);
    }
    return {dx, dgamma, dbeta};
  }
};

/// Additions after each other in a sum over rows: those of a thread, of which a column has 16 at least, if it has more
/// than 16; then 8 threads and a butterfly; then the splits, 16 threads and more to a column, and these
/// (device/columns.cuh).
double column_terms(index_t rows) {
  const double r = static_cast<double>(rows);
  return std::fmin(r, std::fmax(16, r / 16)) + 13 + 512 / 16 + 13;
}

/// Rows fewer than a block is high, several splits of every width, one channel, lanes left over, a row of blocks, packs
/// and single channels.
const NormDims shapes[] = {{2, 1},    {7, 3},    {600, 1}, {2500, 3}, {5, 8},     {13, 64},
                           {700, 64}, {33, 131}, {3, 516}, {301, 20}, {2300, 24}, {1100, 20}};

/// 66 splits: more than a thread has in flight when they are combined.
constexpr NormDims many_splits{33500, 16};

/// mean and variance, in this order, against those of x, whose values lie within 1 of the centre.
template <class T>
void check_statistics(const NormDims& d, const Operand<T>& x, double centre, const std::vector<float>& found) {
  Expected mean(d.channels), variance(d.channels);
  const double n = static_cast<double>(d.rows), unit = (column_terms(d.rows) + 8) * float_eps;
  for (index_t c = 0; c < d.channels; ++c) {
    double sum = 0, squares = 0;
    for (index_t r = 0; r < d.rows; ++r) sum += static_cast<double>(x[r * d.channels + c]) - centre;
    for (index_t r = 0; r < d.rows; ++r) {
      const double delta = static_cast<double>(x[r * d.channels + c]) - centre - sum / n;
      squares += delta * delta;
    }
    // Deviations from a value of the channel are below 2, unless x was rounded; combining rounds means of the size of
    // the centre.
    const double spread = 2 + 2 * storing_error<T>(centre + 1);
    const double mean_bound = spread * unit + 16 * float_eps * std::fabs(centre);
    mean.value[at(c)] = centre + sum / n;
    mean.bound[at(c)] = mean_bound;
    variance.value[at(c)] = squares / n;
    variance.bound[at(c)] = spread * spread * unit + 2 * spread * mean_bound;
  }
  check_expected("mean", found.data(), mean);
  check_expected("variance", found.data() + d.channels, variance);
}

/// Statistics only: y is thrown away.
template <class T>
void statistics_of(const NormDims& d, const T* x, float* mean, float* variance, Workspace& workspace) {
  const std::vector<T> factors(at(d.channels), T(1.0f));
  std::vector<T> y(at(d.rows * d.channels));
  emulated_kernels<T>().batch_norm(d, {}, x, factors.data(), factors.data(), y.data(), mean, variance, workspace, {});
}

template <class T>
void check_stats(const NormDims& d, double centre) {
  CAPTURE(sizeof(T), d.rows, d.channels, centre);
  const std::vector<float> values = random_values<float>(d.rows * d.channels, 7);
  std::vector<float> found[2];
  for (const int offset : {0, 1}) {
    const Operand<T> x(d.rows * d.channels, offset);
    for (index_t i = 0; i < x.size(); ++i) x[i] = T(static_cast<float>(centre) + values[at(i)]);
    found[offset] = both_ways(2 * d.channels, [&](float* y) {
      GuardedWorkspace workspace;
      statistics_of(d, x.data(), y, y + d.channels, workspace);
      CHECK(workspace.intact());
    });
    check_statistics(d, x, centre, found[offset]);
  }
  CHECK(first_difference(found[0], found[1]) == "");  // alignment changes loads, not sums
}

TEST_CASE("Emulated batch norm: statistics near zero and far from it") {
  for (const NormDims& d : shapes)
    for (const bool far : {false, true}) {
      check_stats<float>(d, far ? 1000 : 0);
      check_stats<bfloat16>(d, far ? 20 : 0);
    }
}

/// y: the same bits as from the statistics that come with it.
template <class T>
void check_in_one(const NormDims& d, Activation f, int offset) {
  CAPTURE(sizeof(T), d.rows, d.channels, name_of(f), offset);
  const KernelTable<T>& k = emulated_kernels<T>();
  const Problem<T> p(d, f, false, offset);
  const index_t n = p.x.size();
  const Operand<T> y(n, offset);
  std::vector<float> statistics(at(2 * d.channels));
  float *const mean = statistics.data(), *const variance = mean + d.channels;
  const auto found = both_ways<T>(n, [&](T* out) {
    GuardedWorkspace workspace;
    k.batch_norm(d, p.o, p.x.data(), p.gamma.data(), p.beta.data(), y.data(), mean, variance, workspace, {});
    std::copy_n(y.data(), n, out);
    CHECK(workspace.intact());
  });
  k.batch_norm_apply(d, p.o, p.x.data(), mean, variance, p.gamma.data(), p.beta.data(), y.data(), {});
  CHECK(first_difference(found, y.values()) == "");
}

TEST_CASE("Emulated batch norm: statistics and y in one") {
  for (const NormDims& d : shapes)
    for (const int offset : {0, 1}) {
      check_in_one<float>(d, Activation::leaky_relu(0.3), offset);
      check_in_one<bfloat16>(d, Activation::leaky_relu(0.3), offset);
    }
  check_in_one<float>({700, 24}, Activation::tanh, 0);
  check_in_one<bfloat16>({2300, 24}, Activation::tanh, 0);
}

TEST_CASE("Emulated batch norm: many splits") {
  check_stats<bfloat16>(many_splits, 20);
  check_in_one<bfloat16>(many_splits, Activation::relu, 0);
}

TEST_CASE("Emulated batch norm: a constant channel has variance 0, a NaN stays in its channel") {
  const NormDims d{777, 5};
  std::vector<float> x(at(d.rows * d.channels), 0.1f), y(10);
  x[3 + 5 * 400] = std::numeric_limits<float>::quiet_NaN();
  GuardedWorkspace workspace;
  statistics_of(d, x.data(), y.data(), y.data() + 5, workspace);
  for (const std::size_t c : {0u, 1u, 2u, 4u}) {
    CHECK(y[c] == 0.1f);
    CHECK(y[c + 5] == 0.0f);
  }
  CHECK(y[3] != y[3]);
  CHECK(y[8] != y[8]);
}

template <class T>
void check_batch_norm(const NormDims& d, Activation f, int offset) {
  CAPTURE(sizeof(T), d.rows, d.channels, name_of(f), offset);
  const KernelTable<T>& k = emulated_kernels<T>();
  const Problem<T> p(d, f, false, offset);
  const index_t n = p.x.size();
  const Operand<T> y(n, offset);  // results stand where the operands do
  const auto result = both_ways<T>(n, [&](T* out) {
    k.batch_norm_apply(d, p.o, p.x.data(), p.mean.data(), p.variance.data(), p.gamma.data(), p.beta.data(), y.data(),
                       {});
    std::copy_n(y.data(), n, out);
  });
  check_expected("y", result.data(), p.forward());

  const auto grads = both_ways<T>(n + 2 * d.channels, [&](T* out) {
    GuardedWorkspace workspace;
    T *dgamma = out + n, *dbeta = dgamma + d.channels;
    k.batch_norm_backward(d, p.o, p.x.data(), p.mean.data(), p.variance.data(), p.gamma.data(), p.beta.data(),
                          p.g.data(), y.data(), dgamma, dbeta, workspace, {});
    std::copy_n(y.data(), n, out);
    CHECK(workspace.intact());
  });
  const auto expected = p.backward(0, column_terms(d.rows));
  check_expected("dx", grads.data(), expected[0]);
  check_expected("dgamma", grads.data() + n, expected[1]);
  check_expected("dbeta", grads.data() + n + d.channels, expected[2]);
}

template <class T>
void check_batch_norms() {
  for (const NormDims& d : shapes)
    for (const int offset : alignments<T>()) check_batch_norm<T>(d, Activation::leaky_relu(0.3), offset);
}

TEST_CASE("Emulated batch norm: apply and backward, every shape") {
  check_batch_norms<float>();
  check_batch_norm<float>(many_splits, Activation::leaky_relu(0.3), 0);
}
TEST_CASE("Emulated batch norm of bfloat16: apply and backward, every shape") { check_batch_norms<bfloat16>(); }

TEST_CASE("Emulated batch norm: apply and backward, every activation") {
  for (const Activation f : activations) {
    check_batch_norm<float>({13, 8}, f, 0);
    check_batch_norm<float>({9, 3}, f, 0);
    check_batch_norm<bfloat16>({13, 8}, f, 0);
    check_batch_norm<bfloat16>({9, 3}, f, 0);
  }
}

template <class T>
void check_layer_norm(const NormDims& d, Activation f, int offset) {
  CAPTURE(sizeof(T), d.rows, d.channels, name_of(f), offset);
  const KernelTable<T>& k = emulated_kernels<T>();
  Problem<T> p(d, f, true, offset);
  const index_t n = p.x.size();
  const Operand<T> y(n, offset);
  const double terms = static_cast<double>(d.channels) / (d.channels <= 1024 ? 32 : 256) + 16;

  const auto grads = both_ways<T>(n + 2 * d.channels, [&](T* out) {
    GuardedWorkspace workspace;
    T *dgamma = out + n, *dbeta = dgamma + d.channels;
    k.layer_norm_backward(d, p.o, p.x.data(), p.mean.data(), p.rstd.data(), p.gamma.data(), p.beta.data(), p.g.data(),
                          y.data(), dgamma, dbeta, workspace, {});
    std::copy_n(y.data(), n, out);
    CHECK(workspace.intact());
  });
  const auto expected = p.backward(terms, column_terms(d.rows));
  check_expected("dx", grads.data(), expected[0]);
  check_expected("dgamma", grads.data() + n, expected[1]);
  check_expected("dbeta", grads.data() + n + d.channels, expected[2]);

  const auto found = both_ways(n + 2 * d.rows, [&](float* out) {
    k.layer_norm(d, p.o, p.x.data(), p.gamma.data(), p.beta.data(), y.data(), out + n, out + n + d.rows, {});
    std::copy_n(y.data(), n, out);  // widened
  });
  const std::vector<T> result = y.values();
  Expected mean(d.rows), rstd(d.rows);
  for (index_t r = 0; r < d.rows; ++r) {
    double sum = 0, squares = 0;
    for (index_t c = 0; c < d.channels; ++c) sum += static_cast<double>(p.x[r * d.channels + c]);
    const double m = sum / static_cast<double>(d.channels);
    for (index_t c = 0; c < d.channels; ++c) {
      const double delta = static_cast<double>(p.x[r * d.channels + c]) - m;
      squares += delta * delta;
    }
    const double variance = squares / static_cast<double>(d.channels);
    const double root = 1 / std::sqrt(variance + static_cast<double>(p.o.epsilon));
    const double unit = (terms + 8) * float_eps;  // |x| <= 3, so deviations are at most 6
    mean.value[at(r)] = m;
    mean.bound[at(r)] = 6 * unit;
    rstd.value[at(r)] = root;
    rstd.bound[at(r)] = root * (root * root * 36 * unit + 4 * float_eps);
  }
  check_expected("mean", found.data() + n, mean);
  check_expected("rstd", found.data() + n + d.rows, rstd);
  for (index_t r = 0; r < d.rows; ++r) {  // y, from the mean and rstd found
    p.mean[r] = found[at(n + r)];
    p.rstd[at(r)] = found[at(n + d.rows + r)];
  }
  check_expected("y", result.data(), p.forward());
}

template <class T>
void check_layer_norms() {
  for (const NormDims d : {NormDims{1, 1}, NormDims{3, 7}, NormDims{2, 1024}, NormDims{2, 1025}, NormDims{1, 3000},
                           NormDims{300, 8}, NormDims{150, 33}})
    for (const int offset : alignments<T>()) check_layer_norm<T>(d, Activation::leaky_relu(0.3), offset);
}

TEST_CASE("Emulated layer norm: warps and blocks for a row, packs and single channels") { check_layer_norms<float>(); }
TEST_CASE("Emulated layer norm of bfloat16: warps and blocks for a row, packs and single channels") {
  check_layer_norms<bfloat16>();
}

TEST_CASE("Emulated layer norm: every activation") {
  for (const Activation f : activations) {
    check_layer_norm<float>({9, 12}, f, 0);
    check_layer_norm<float>({5, 3}, f, 0);
    check_layer_norm<bfloat16>({9, 12}, f, 0);
    check_layer_norm<bfloat16>({5, 3}, f, 0);
  }
}

}  // namespace
}  // namespace tinygan
