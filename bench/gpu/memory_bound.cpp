#include "memory_bound.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include <tinygan/tensor/kernels.hpp>

#include "operands.hpp"
#include "support/buffers.hpp"

namespace tinygan::bench::gpu {

namespace {

using Values = Buffer<float>;

std::size_t floats(index_t n) { return static_cast<std::size_t>(n) * sizeof(float); }
double as_double(float f) { return static_cast<double>(f); }

template <class T>
constexpr Precision precision_of = sizeof(T) < sizeof(float) ? Precision::bf16 : Precision::fp32;

constexpr double eps = std::numeric_limits<float>::epsilon();

/// "" if `found` is within `bound` of `want`.
std::string outside(const char* what, index_t at, double found, double want, double bound) {
  if (std::fabs(found - want) <= bound) return "";
  return text(what, ' ', at, " is ", found, ", expected ", want, " within ", bound);
}

// ---- Batch norm -----------------------------------------------------------------------------------------------------

/// Random values that T holds exactly.
template <class T>
Values exact_buffer(index_t n, unsigned seed) {
  Values v = random_buffer(n, seed);
  float* const values = v.get();
  if constexpr (sizeof(T) < sizeof(float))
    cpu::parallel_for(n, host_grain, [=](index_t begin, index_t end) {
      for (index_t i = begin; i < end; ++i) values[i] = static_cast<float>(static_cast<T>(values[i]));
    });
  return v;
}

/// x, gamma, beta and the cotangent g of a layer of elements T; LeakyReLU follows.
template <class T>
struct BatchNormData {
  NormDims d;
  NormOptions<T> o{1e-3f, Activation::leaky_relu(0.3)};
  Values x, gamma, beta, g;

  explicit BatchNormData(const NormDims& dims)
      : d(dims), x(exact_buffer<T>(dims.rows * dims.channels, 1)), gamma(exact_buffer<T>(dims.channels, 2)),
        beta(exact_buffer<T>(dims.channels, 3)), g(exact_buffer<T>(dims.rows * dims.channels, 4)) {}

  /// Statistics, forward and backward result of one channel, in double.
  struct Channel {
    double mean = 0, rstd = 0, dgamma = 0, dbeta = 0;
    std::vector<double> y, dx;
  };
  Channel channel(index_t c) const {
    Channel r;
    const auto rows = static_cast<double>(d.rows);
    const auto at = [&](const Values& v, index_t row) {
      return as_double(v[static_cast<std::size_t>(row * d.channels + c)]);
    };
    for (index_t i = 0; i < d.rows; ++i) r.mean += at(x, i) / rows;
    double variance = 0;
    for (index_t i = 0; i < d.rows; ++i) variance += (at(x, i) - r.mean) * (at(x, i) - r.mean) / rows;
    r.rstd = 1 / std::sqrt(variance + as_double(o.epsilon));
    const double scale = at(gamma, 0), shift = at(beta, 0), slope = as_double(o.activation.slope);
    std::vector<double> h;
    for (index_t i = 0; i < d.rows; ++i) {
      const double xhat = (at(x, i) - r.mean) * r.rstd, v = scale * xhat + shift;
      r.y.push_back(v > 0 ? v : slope * v);
      h.push_back(at(g, i) * (v > 0 ? 1 : slope));
      r.dbeta += h.back();
      r.dgamma += h.back() * xhat;
    }
    for (index_t i = 0; i < d.rows; ++i)
      r.dx.push_back(
          scale * r.rstd *
          (h[static_cast<std::size_t>(i)] - r.dbeta / rows - (at(x, i) - r.mean) * r.rstd * r.dgamma / rows));
    return r;
  }

  /// y (or dx) of a few channels; values are of order 1, and rounding errors of sums grow like the square root of their
  /// length; a result in bfloat16 is rounded once more. A gradient at the kink may be that of either side.
  std::string wrong(const std::vector<float>& found, bool backward) const {
    const double bound = 64 * std::sqrt(static_cast<double>(d.rows)) * eps;
    for (index_t c = 0; c < d.channels; c += std::max<index_t>(1, d.channels / 5)) {
      const Channel want = channel(c);
      int off = 0;
      std::string first;
      for (index_t i = 0; i < d.rows; ++i) {
        const auto row = static_cast<std::size_t>(i);
        const double have = as_double(found[static_cast<std::size_t>(i * d.channels + c)]);
        const double exact = backward ? want.dx[row] : want.y[row];
        const double stored = sizeof(T) < sizeof(float) ? 0x1p-8 * std::fabs(exact) : 0.0;
        const std::string error = outside("row", i, have, exact, bound * (backward ? want.rstd : 1.0) + stored);
        if (error.empty()) continue;
        if (++off == 1) first = error;
      }
      if (off > (backward ? static_cast<int>(d.rows / 10000) + 1 : 0)) return text("channel ", c, ": ", first);
    }
    return "";
  }
};

/// Operands on the device: x, gamma, beta, g, y (or dx), dgamma, dbeta; and mean and variance.
template <class T>
struct BatchNormMemory {
  BatchNormData<T> data;
  Rotation operands, statistics;
  GrowingWorkspace workspace;

  explicit BatchNormMemory(const NormDims& d)
      : data(d), operands(rotation_of<T>({{data.x.get(), d.rows * d.channels},
                                          {data.gamma.get(), d.channels},
                                          {data.beta.get(), d.channels},
                                          {data.g.get(), d.rows * d.channels},
                                          {nullptr, d.rows * d.channels},
                                          {nullptr, d.channels},
                                          {nullptr, d.channels}})),
        statistics({{floats(d.channels)}, {floats(d.channels)}}) {}

  void run(bool backward, int set, cudaStream_t handle) {
    const KernelTable<T>& k = kernels<T>(Device::cuda());
    const Stream stream{handle};
    const NormDims& d = data.d;
    const auto at = [&](std::size_t i) { return operands.at<T>(i, set); };
    float *const mean = statistics.at<float>(0, set % statistics.sets()), *const variance = statistics.at<float>(
                                                                              1, set % statistics.sets());
    if (backward)
      return k.batch_norm_backward(d, data.o, at(0), mean, variance, at(1), at(2), at(3), at(4), at(5), at(6),
                                   workspace, stream);
    k.batch_norm(d, data.o, at(0), at(1), at(2), at(4), mean, variance, workspace, stream);
  }
};

template <class T>
MemoryCase batch_norm(const std::string& layer, index_t batch, const NormDims& d, bool backward) {
  const index_t size = d.rows * d.channels;
  const auto ours = [=] {
    const auto memory = std::make_shared<BatchNormMemory<T>>(d);
    if (backward)  // statistics to work with
      for (int set = 0; set < memory->operands.sets(); ++set) memory->run(false, set, nullptr);
    check_cuda(cudaDeviceSynchronize(), "cudaDeviceSynchronize");
    return Contestant{.name = "tinygan",
                      .sets = memory->operands.sets(),
                      .run = [=](int set, cudaStream_t stream) { memory->run(backward, set, stream); },
                      .result = [=] { return floats_of<T>(memory->operands, 4, size); }};
  };
  // Forward: read for the statistics, read, write. Backward: two reads for the sums, two reads and a write.
  return {text("batch_norm ", layer, backward ? " backward" : " forward"),
          batch,
          precision_of<T>,
          static_cast<double>(size) * sizeof(T) * (backward ? 5 : 3),
          ours,
          [=](const std::vector<float>& found) { return BatchNormData<T>(d).wrong(found, backward); }};
}

// ---- Adam -----------------------------------------------------------------------------------------------------------

/// Of float, or of bfloat16 with fp32 master weights.
template <class T>
MemoryCase adam(const std::string& network, index_t n) {
  constexpr bool wide = sizeof(T) == sizeof(float);
  const AdamHyper h = AdamHyper::gan();
  const auto ours = [=] {
    const Values param = random_buffer(n, 1), grad = exact_buffer<T>(n, 2), m = random_buffer(n, 3),
                 v = random_buffer(n, 4);
    for (index_t i = 0; i < n; ++i) v[static_cast<std::size_t>(i)] = std::fabs(v[static_cast<std::size_t>(i)]);
    const std::uint64_t step = 10;
    const auto narrow_bytes = static_cast<std::size_t>(n) * sizeof(T);
    const Buffer<T> narrow_grad = uninitialised<T>(n);
    convert(n, grad.get(), narrow_grad.get());
    const auto memory = std::make_shared<Rotation>(std::vector<Operand>{{floats(n), param.get()},
                                                                        {narrow_bytes, narrow_grad.get()},
                                                                        {floats(n), m.get()},
                                                                        {floats(n), v.get()},
                                                                        {sizeof step, &step},
                                                                        {wide ? 0 : narrow_bytes}});
    return Contestant{.name = "tinygan",
                      .sets = memory->sets(),
                      .run =
                          [=](int set, cudaStream_t stream) {
                            const ParameterSlot<T> slot{.n = n,
                                                        .param = memory->at<T>(wide ? 0 : 5, set),
                                                        .grad = memory->at<T>(1, set),
                                                        .m = memory->at<float>(2, set),
                                                        .v = memory->at<float>(3, set),
                                                        .master = wide ? nullptr : memory->at<float>(0, set)};
                            kernels<T>(Device::cuda()).adam(h, 1, &slot, memory->at<std::uint64_t>(4, set), {stream});
                          },
                      .result = [=] { return memory->read<float>(0, n); }};
  };
  const auto wrong = [=](const std::vector<float>& found) -> std::string {
    const Values param = random_buffer(n, 1), grad = exact_buffer<T>(n, 2), m = random_buffer(n, 3),
                 v = random_buffer(n, 4);
    for (index_t i = 0; i < n; i += 997) {
      const auto at = static_cast<std::size_t>(i);
      const double g = as_double(grad[at]), p = as_double(param[at]);
      const double m1 = h.beta1 * as_double(m[at]) + (1 - h.beta1) * g;
      const double v1 = h.beta2 * std::fabs(as_double(v[at])) + (1 - h.beta2) * g * g;
      const double rate =
          h.learning_rate / (1 - std::pow(h.beta1, 10)) / (std::sqrt(v1 / (1 - std::pow(h.beta2, 10))) + h.epsilon);
      const double magnitude = h.beta1 * std::fabs(as_double(m[at])) + (1 - h.beta1) * std::fabs(g);
      const std::string error = outside("parameter", i, as_double(found[at]), p - rate * m1,
                                        2 * eps * std::fabs(p) + 32 * eps * rate * magnitude);
      if (!error.empty()) return error;
    }
    return "";
  };
  // param (or master), m and v read and written, the gradient read; a bfloat16 parameter is written besides.
  return {text("adam ", network, ' ', n, " parameters"),
          0,
          precision_of<T>,
          6.0 * static_cast<double>(floats(n)) + static_cast<double>(n) * sizeof(T) * (wide ? 1 : 2),
          ours,
          wrong};
}

}  // namespace

std::vector<MemoryCase> memory_cases(index_t batch) {
  std::vector<MemoryCase> cases;
  const auto norm = [&](const char* layer, index_t rows, index_t channels) {
    for (const bool backward : {false, true}) {
      cases.push_back(batch_norm<float>(layer, batch, {batch * rows, channels}, backward));
      cases.push_back(batch_norm<bfloat16>(layer, batch, {batch * rows, channels}, backward));
    }
  };
  norm("dcgan G.bn1", 1, 12544);
  norm("dcgan G.bn2", 49, 128);
  norm("dcgan G.bn3", 196, 64);
  norm("libtorch D.bn1", 49, 128);
  norm("libtorch D.bn2", 9, 256);
  if (batch == 128) {  // Adam knows no batch
    for (const auto& [network, n] :
         {std::pair<const char*, index_t>{"dcgan", 2'518'337}, {"article", 40'953'474}, {"libtorch", 1'496'960}}) {
      cases.push_back(adam<float>(network, n));
      cases.push_back(adam<bfloat16>(network, n));
    }
  }
  return cases;
}

Contestant copy_of(double bytes) {
  const auto half = static_cast<std::size_t>(bytes / 2);
  const auto memory = std::make_shared<Rotation>(std::vector<Operand>{{half}, {half}});
  return {.name = "a copy of as many bytes",
          .sets = memory->sets(),
          .run =
              [=](int set, cudaStream_t stream) {
                check_cuda(cudaMemcpyAsync(memory->at<void>(1, set), memory->at<void>(0, set), half,
                                           cudaMemcpyDeviceToDevice, stream),
                           "cudaMemcpyAsync");
              },
          .result = [] { return std::vector<float>(); }};
}

}  // namespace tinygan::bench::gpu
