// tinygan's kernels as contestants: the entries of Device::cuda()'s table.
#include <tinygan/tensor/kernels.hpp>

#include "contestant.hpp"
#include "operands.hpp"

namespace tinygan::bench::gpu {

namespace {

template <class T>
Epilogue<T> epilogue(const T* bias) {
  return bias ? Epilogue<T>{bias, Activation::relu, 0} : Epilogue<T>{};
}

/// The kernels in a precision, which they read when they are launched.
template <class T>
const KernelTable<T>& table(Precision precision) {
  set_precision(Device::cuda(), precision);
  return kernels<T>(Device::cuda());
}

struct Memory {
  Rotation operands;  // first, second, result, bias
  DeviceMemory workspace;
};

/// Bytes for each form that can compute, the most of them; and why the others cannot.
struct Workspace {
  std::size_t bytes = 0;
  std::vector<std::string> errors;

  template <class Bytes>
  Workspace(const std::vector<forms::Form>& all, const Bytes& bytes_of) {
    for (const forms::Form& form : all) {
      errors.emplace_back();
      try {
        const forms::Force force(form);
        bytes = std::max<std::size_t>(bytes, bytes_of());
      } catch (const Error& e) {
        errors.back() = e.what();
      }
    }
  }
};

/// Contestants that share `memory` and differ in the form that call(memory, set, stream) meets.
template <class T, class Call>
std::vector<FormContestant> in_forms(const std::vector<forms::Form>& all, const Workspace& workspace,
                                     const std::shared_ptr<Memory>& memory, index_t size, const Call& call) {
  std::vector<FormContestant> found;
  for (std::size_t i = 0; i < all.size(); ++i)
    found.push_back({all[i],
                     workspace.errors[i],
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
  const Workspace workspace(all, [&] { return table<T>(precision).gemm_workspace(d); });
  const std::shared_ptr<Memory> memory(
      new Memory{rotation_of<T>({{p.a, d.M * d.K}, {p.b, d.K * d.N}, {nullptr, d.M * d.N}, {p.bias, d.N}}),
                 DeviceMemory(workspace.bytes)});
  return in_forms<T>(all, workspace, memory, d.M * d.N, [=](const Memory& m, int set, cudaStream_t stream) {
    const Rotation& o = m.operands;
    table<T>(precision).gemm(d, epilogue<T>(biased ? o.at<T>(3, set) : nullptr), o.at<T>(0, set), o.at<T>(1, set),
                             o.at<T>(2, set), m.workspace.data(), {stream});
  });
}

template <class T>
std::vector<FormContestant> conv(const ConvProblem& p, const std::vector<forms::Form>& all) {
  const ConvDims d = p.dims;
  const ConvSlot output = p.output;
  const Precision precision = p.precision;
  const bool biased = p.bias != nullptr;
  const Workspace workspace(all, [&] { return table<T>(precision).conv2d_workspace(d, output); });
  const std::shared_ptr<Memory> memory(new Memory{rotation_of<T>({{p.first, first_size(d, output)},
                                                                  {p.second, second_size(d, output)},
                                                                  {nullptr, output_size(d, output)},
                                                                  {p.bias, output == ConvSlot::g ? d.K : d.C}}),
                                                  DeviceMemory(workspace.bytes)});
  return in_forms<T>(all, workspace, memory, output_size(d, output),
                     [=](const Memory& m, int set, cudaStream_t stream) {
                       const Rotation& o = m.operands;
                       const KernelTable<T>& k = table<T>(precision);
                       const Epilogue<T> e = epilogue<T>(biased ? o.at<T>(3, set) : nullptr);
                       const T *first = o.at<T>(0, set), *second = o.at<T>(1, set);
                       T* const result = o.at<T>(2, set);
                       void* const bytes = m.workspace.data();
                       switch (output) {
                         case ConvSlot::g: return k.conv2d(d, e, first, second, result, bytes, {stream});
                         case ConvSlot::x: return k.conv2d_input_grad(d, e, first, second, result, bytes, {stream});
                         case ConvSlot::w: return k.conv2d_weight_grad(d, first, second, result, bytes, {stream});
                       }
                     });
}

/// The form that the library chooses.
Contestant chosen(std::vector<FormContestant> forms) {
  check(forms[0].error.empty(), "tinygan", forms[0].error);
  return std::move(forms[0].contestant);
}

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
