// tinygan's kernels as contestants: the entries of Device::cuda()'s table.
#include <tinygan/tensor/kernels.hpp>

#include "contestant.hpp"
#include "operands.hpp"

namespace tinygan::bench::gpu {

namespace {

template <class T>
Epilogue<T> epilogue(const T* bias) {
  return bias ? Epilogue<T>{bias, Activation::relu} : Epilogue<T>{};
}

/// The kernels in a precision, which they read when they are launched.
template <class T>
const KernelTable<T>& table(Precision precision) {
  set_precision(Device::cuda(), precision);
  return kernels<T>(Device::cuda());
}

struct Memory {
  Rotation operands;  // first, second, result, bias
  GrowingWorkspace workspace;
};

/// Contestants that share `memory` and differ in the form that call(memory, set, stream) meets.
template <class T, class Call>
std::vector<FormContestant> in_forms(const std::vector<forms::Form>& all, const std::shared_ptr<Memory>& memory,
                                     index_t size, const Call& call) {
  std::vector<FormContestant> found;
  for (std::size_t i = 0; i < all.size(); ++i)
    found.push_back({all[i],
                     {.name = "tinygan",
                      .sets = memory->operands.sets(),
                      .run =
                          [=, form = all[i]](int set, cudaStream_t stream) {
                            const forms::Force force(form);
                            call(*memory, set, stream);
                          },
                      .result = [=] { return floats_of<T>(memory->operands, 2, size); }},
                     [=] { memory->operands.poison(2); }});
  return found;
}

template <class T>
std::vector<FormContestant> gemm(const GemmProblem& p, const std::vector<forms::Form>& all) {
  const GemmDims d = p.dims;
  const Precision precision = p.precision;
  const bool biased = p.bias != nullptr;
  const std::shared_ptr<Memory> memory(
      new Memory{rotation_of<T>({{p.a, d.M * d.K}, {p.b, d.K * d.N}, {nullptr, d.M * d.N}, {p.bias, d.N}}), {}});
  return in_forms<T>(all, memory, d.M * d.N, [=](Memory& m, int set, cudaStream_t stream) {
    const Rotation& o = m.operands;
    table<T>(precision).gemm(d, epilogue<T>(biased ? o.at<T>(3, set) : nullptr), o.at<T>(0, set), o.at<T>(1, set),
                             o.at<T>(2, set), m.workspace, {stream});
  });
}

template <class T>
std::vector<FormContestant> conv(const ConvProblem& p, const std::vector<forms::Form>& all) {
  const ConvDims d = p.dims;
  const ConvSlot output = p.output;
  const Precision precision = p.precision;
  const bool biased = p.bias != nullptr;
  const std::shared_ptr<Memory> memory(new Memory{rotation_of<T>({{p.first, first_size(d, output)},
                                                                  {p.second, second_size(d, output)},
                                                                  {nullptr, output_size(d, output)},
                                                                  {p.bias, output == ConvSlot::g ? d.K : d.C}}),
                                                  {}});
  return in_forms<T>(all, memory, output_size(d, output), [=](Memory& m, int set, cudaStream_t stream) {
    const Rotation& o = m.operands;
    const KernelTable<T>& k = table<T>(precision);
    const Epilogue<T> e = epilogue<T>(biased ? o.at<T>(3, set) : nullptr);
    const T *first = o.at<T>(0, set), *second = o.at<T>(1, set);
    T* const result = o.at<T>(2, set);
    switch (output) {
      case ConvSlot::g: return k.conv2d(d, e, first, second, result, m.workspace, {stream});
      case ConvSlot::x: return k.conv2d_input_grad(d, e, first, second, result, m.workspace, {stream});
      case ConvSlot::w: return k.conv2d_weight_grad(d, first, second, result, m.workspace, {stream});
    }
  });
}

/// The form that the library chooses.
Contestant chosen(std::vector<FormContestant> forms) { return std::move(forms[0].contestant); }

}  // namespace

Contestant tinygan_gemm(const GemmProblem& p) {
  return chosen(p.precision == Precision::bf16 ? gemm<bfloat16>(p, {forms::Form{}}) : gemm<float>(p, {forms::Form{}}));
}

Contestant tinygan_conv(const ConvProblem& p) {
  return chosen(p.precision == Precision::bf16 ? conv<bfloat16>(p, {forms::Form{}}) : conv<float>(p, {forms::Form{}}));
}

std::vector<FormContestant> tinygan_forms(const GemmProblem& p, std::vector<forms::Form> all) {
  all.insert(all.begin(), forms::Form{});
  return p.precision == Precision::bf16 ? gemm<bfloat16>(p, all) : gemm<float>(p, all);
}

std::vector<FormContestant> tinygan_forms(const ConvProblem& p, std::vector<forms::Form> all) {
  all.insert(all.begin(), forms::Form{});
  return p.precision == Precision::bf16 ? conv<bfloat16>(p, all) : conv<float>(p, all);
}

}  // namespace tinygan::bench::gpu
