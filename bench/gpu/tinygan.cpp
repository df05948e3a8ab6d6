// tinygan's kernels as contestants: the entries of Device::cuda()'s table.
#include <tinygan/tensor/registry.hpp>

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

template <class T>
Contestant gemm(const GemmProblem& p) {
  const GemmDims d = p.dims;
  const Precision precision = p.precision;
  const bool biased = p.bias != nullptr;
  const std::shared_ptr<Memory> memory(
      new Memory{rotation_of<T>({{p.a, d.M * d.K}, {p.b, d.K * d.N}, {nullptr, d.M * d.N}, {p.bias, d.N}}),
                 DeviceMemory(table<T>(precision).gemm_workspace(d))});
  return {.name = "tinygan",
          .sets = memory->operands.sets(),
          .run =
              [=](int set, cudaStream_t stream) {
                const Rotation& o = memory->operands;
                table<T>(precision).gemm(d, epilogue<T>(biased ? o.at<T>(3, set) : nullptr), o.at<T>(0, set),
                                         o.at<T>(1, set), o.at<T>(2, set), memory->workspace.data(), {stream});
              },
          .result = [=] { return floats_of<T>(memory->operands, 2, d.M * d.N); }};
}

template <class T>
Contestant conv(const ConvProblem& p) {
  const ConvDims d = p.dims;
  const ConvSlot output = p.output;
  const Precision precision = p.precision;
  const bool biased = p.bias != nullptr;
  const index_t size = output_size(d, output);
  const std::shared_ptr<Memory> memory(
      new Memory{rotation_of<T>({{p.first, first_size(d, output)},
                                 {p.second, second_size(d, output)},
                                 {nullptr, size},
                                 {p.bias, output == ConvSlot::g ? d.K : d.C}}),
                 DeviceMemory(table<T>(precision).conv2d_workspace(d, output))});
  return {.name = "tinygan",
          .sets = memory->operands.sets(),
          .run =
              [=](int set, cudaStream_t stream) {
                const Rotation& o = memory->operands;
                const KernelTable<T>& k = table<T>(precision);
                const Epilogue<T> e = epilogue<T>(biased ? o.at<T>(3, set) : nullptr);
                const T *first = o.at<T>(0, set), *second = o.at<T>(1, set);
                T* const result = o.at<T>(2, set);
                void* const workspace = memory->workspace.data();
                switch (output) {
                  case ConvSlot::g: return k.conv2d(d, e, first, second, result, workspace, {stream});
                  case ConvSlot::x: return k.conv2d_input_grad(d, e, first, second, result, workspace, {stream});
                  case ConvSlot::w: return k.conv2d_weight_grad(d, first, second, result, workspace, {stream});
                }
              },
          .result = [=] { return floats_of<T>(memory->operands, 2, size); }};
}

}  // namespace

Contestant tinygan_gemm(const GemmProblem& p) {
  return p.precision == Precision::bf16 ? gemm<bfloat16>(p) : gemm<float>(p);
}

Contestant tinygan_conv(const ConvProblem& p) {
  return p.precision == Precision::bf16 ? conv<bfloat16>(p) : conv<float>(p);
}

}  // namespace tinygan::bench::gpu
