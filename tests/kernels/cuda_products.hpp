// Products and partials of convolutions on a device, against sums in double and exact checksums.
#pragma once

#include <limits>

#include "kernels/checksum.hpp"
#include "kernels/cuda_device.hpp"
#include "kernels/cuda_shapes.hpp"
#include "support/worst_error.hpp"

namespace tinygan::test {

enum class Values { real, signs };  ///< in [-1, 1), or 1 and -1

/// Random operands, drawn and copied once for a family: each case takes the first elements.
template <class T>
class CudaOperands {
 public:
  CudaOperands(Device device, index_t size, Values values, std::uint64_t stream)
      : host_(values == Values::signs ? random_signs<float>(size, stream) : std::vector<float>(as_size(size))) {
    if (values == Values::real)
      for (std::size_t i = 0; i < host_.size(); ++i)
        host_[i] = static_cast<float>(gpu::random_bits(gpu::check_seed() + stream, i) >> 40) * 0x1p-23f - 1;
    there_ = cast<T>(Tensor<float>::from(std::span<const float>(host_), {size}, device));
  }
  const float* host(index_t offset) const { return host_.data() + offset; }
  const T* there(index_t offset) const { return there_.data() + offset; }

 private:
  static std::size_t as_size(index_t n) { return static_cast<std::size_t>(n); }
  std::vector<float> host_;
  Tensor<T> there_;
};

template <class T>
struct CudaOperandSet {
  template <class Case>
  CudaOperandSet(Device device, const std::vector<Case>& cases, Values v)
      : values(v), first(device, most(cases, [](const Case& c) { return first_size(c) + c.offset; }), v, 1),
        second(device, most(cases, [](const Case& c) { return second_size(c) + c.offset; }), v, 2),
        bias(device, most(cases, [](const Case& c) { return channels(c) + c.offset; }), v, 3) {}

  template <class Case, class F>
  static index_t most(const std::vector<Case>& cases, const F& size) {
    index_t n = 0;
    for (const Case& c : cases) n = std::max(n, size(c));
    return n;
  }

  Values values;
  CudaOperands<T> first, second, bias;
};

inline bool has_bias(const ProductCase&) { return true; }
inline bool has_bias(const PartialCase& c) { return c.output != ConvSlot::w; }

/// What the host does for these cases: each runs unbiased on reals and signs, and biased on signs.
template <class Case>
HostWork host_work(const std::vector<Case>& cases) {
  HostWork work;
  const auto most = [&](const auto& size) { return static_cast<double>(CudaOperandSet<float>::most(cases, size)); };
  const double pool =
      most([](const Case& c) { return first_size(c); }) + most([](const Case& c) { return second_size(c); });
  work.drawn = 2 * pool;
  work.copied = 4 * work.drawn;
  for (const Case& c : cases) {
    const double runs = has_bias(c) ? 3 : 2;
    work.copied += 4 * runs * static_cast<double>(output_size(c));
    const auto in_a_sum = static_cast<double>(terms(c));
    work.products += (runs - 1) * static_cast<double>(gpu::samples_of(in_a_sum)) * in_a_sum;
    work.read += static_cast<double>(first_size(c) + second_size(c) + output_size(c));
  }
  return work;
}

inline gpu::GemmProblem problem(const ProductCase& c, Precision p, const float* a, const float* b, const float* bias) {
  return {c.dims, p, a, b, bias};
}
inline gpu::ConvProblem problem(const PartialCase& c, Precision p, const float* a, const float* b, const float* bias) {
  return {c.dims, c.output, p, a, b, bias};
}

inline std::string name_of(const ProductCase& c) {
  const GemmDims& d = c.dims;
  return text(d.M, 'x', d.N, 'x', d.K, d.trans_a ? " A^T" : "", d.trans_b ? " B^T" : "", c.offset ? " unaligned" : "");
}
inline std::string name_of(const PartialCase& c) {
  const ConvDims& d = c.dims;
  return text(c.output == ConvSlot::g   ? "conv2d"
              : c.output == ConvSlot::x ? "input grad"
                                        : "weight grad",
              " {", d.N, ',', d.H, ',', d.W, ',', d.C, "}x{", d.R, ',', d.S, ',', d.C, ',', d.K, "}/", d.stride_h, ',',
              d.stride_w, c.offset ? " unaligned" : "");
}

template <class T>
void compute(const ProductCase& c, const Epilogue<T>& e, const T* a, const T* b, T* out, Device device) {
  const KernelTable<T>& k = kernels<T>(device);
  PoolWorkspace workspace(device);
  k.gemm(c.dims, e, a, b, out, workspace, {});
}
template <class T>
void compute(const PartialCase& c, const Epilogue<T>& e, const T* a, const T* b, T* out, Device device) {
  const KernelTable<T>& k = kernels<T>(device);
  PoolWorkspace workspace(device);
  if (c.output == ConvSlot::g) k.conv2d(c.dims, e, a, b, out, workspace, {});
  if (c.output == ConvSlot::x) k.conv2d_input_grad(c.dims, e, a, b, out, workspace, {});
  if (c.output == ConvSlot::w) k.conv2d_weight_grad(c.dims, a, b, out, workspace, {});
}

/// One case: reals within error bounds, signs exactly.
template <class T, class Case>
void check_case(const Arithmetic& by, const CudaOperandSet<T>& operands, const Case& c, bool biased) {
  const std::string name =
      text(name_of(c), biased ? " +bias+relu" : "", operands.values == Values::signs ? ", signs" : "");
  CAPTURE(name, forms::name_of(c.form));
  const forms::Force force(c.form);
  forms::record({}, 0);
  const index_t at = c.offset;
  const Epilogue<T> e = biased ? Epilogue<T>{operands.bias.there(at), Activation::relu} : Epilogue<T>{};
  // NaN in the output and before it: an element that is not written shows, and one written out of place.
  const Tensor<T> out = Tensor<T>::full({at + output_size(c)}, T(std::numeric_limits<float>::quiet_NaN()), by.device);
  compute(c, e, operands.first.there(at), operands.second.there(at), out.data() + at, by.device);
  const std::string form = forms::name_of(forms::launched);
  CAPTURE(form);
  const support::ErrorContext context(text(name, " by ", form));
  if (c.form.way != forms::Way::automatic) {
    CHECK(forms::launched.way == c.form.way);
    CHECK(forms::launched.tile_m == c.form.tile_m);
    CHECK(forms::launched.tile_n == c.form.tile_n);
  }
  std::vector<float> found = cast<float>(out).to_vector();
  for (index_t i = 0; i < at; ++i) CHECK(std::isnan(found[static_cast<std::size_t>(i)]));
  found.erase(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(at));

  const auto p = problem(c, by.precision, operands.first.host(at), operands.second.host(at),
                         biased ? operands.bias.host(at) : nullptr);
  constexpr bool narrow_result = sizeof(T) < sizeof(float);
  if (operands.values == Values::real) {
    const gpu::Judgement j = gpu::judge(p, found, channels(c), narrow_result);
    support::record_error(j.worst, 1, j.worst_at);
    CHECK(j.fault == "");
  } else {
    const bool written = std::none_of(found.begin(), found.end(), [](float x) { return std::isnan(x); });
    const std::string fault = !written ? "an output is NaN or was not written"
                              : biased ? inexact_samples(p, found, channels(c), narrow_result)
                                       : inexact(p, found, narrow_result);
    support::record_error(fault.empty() ? 0 : 1, 0, [] { return "an exact sum"; });
    CHECK(fault == "");
  }
}

template <class Case>
void check_cases(const Arithmetic& by, const std::vector<Case>& cases) {
  with_elements(by, [&]<class T>(T) {
    for (const Values v : {Values::signs, Values::real}) {
      const CudaOperandSet<T> operands(by.device, cases, v);
      for (const Case& c : cases) {
        check_case(by, operands, c, false);
        if (v == Values::signs && has_bias(c)) check_case(by, operands, c, true);
      }
    }
  });
}

/// The same cases made small, on the emulated device.
template <class Case>
void check_shrunk(const std::vector<Case>& cases) {
  const std::vector<Case> small = shrunk(cases);
  REQUIRE(small.size() >= 10);
  for (const Arithmetic& by : all_arithmetics(Device::emulated())) {
    INFO(by.name());
    check_cases(by, small);
  }
}

/// The host's work is seconds.
template <class Case>
void check_host_work(const std::vector<Case>& cases) {
  const HostWork work = host_work(cases);
  UNSCOPED_INFO(work.drawn << " numbers drawn, " << work.copied << " bytes copied, " << work.products << " products, "
                           << work.read << " elements read for checksums");
  CHECK(work.drawn <= 1e8);
  CHECK(work.copied <= 4e9);
  CHECK(work.products <= 1e9);
  CHECK(work.read <= 5e8);
}

}  // namespace tinygan::test
