// tinygan's kernels as contestants: the entries of Device::cuda()'s table.
#include <tinygan/tensor/registry.hpp>

#include "contestant.hpp"
#include "device.hpp"

namespace tinygan::bench::gpu {

namespace {

std::size_t floats(index_t n) { return static_cast<std::size_t>(n) * sizeof(float); }

Epilogue<float> epilogue(const float* bias) {
  return bias ? Epilogue<float>{bias, Activation::relu, 0} : Epilogue<float>{};
}

/// The kernels in a precision, which they read when they are launched.
const KernelTable<float>& table(Precision precision) {
  set_precision(Device::cuda(), precision);
  return kernels<float>(Device::cuda());
}

struct Memory {
  Rotation operands;  // first, second, result, bias
  DeviceMemory workspace;

  Memory(const std::vector<Operand>& o, std::size_t workspace_bytes) : operands(o), workspace(workspace_bytes) {}
};

}  // namespace

Contestant tinygan_gemm(const GemmProblem& p) {
  const GemmDims d = p.dims;
  const Precision precision = p.precision;
  const bool biased = p.bias != nullptr;
  const auto memory = std::make_shared<Memory>(
      std::vector<Operand>{
          {floats(d.M * d.K), p.a}, {floats(d.K * d.N), p.b}, {floats(d.M * d.N)}, {floats(d.N), p.bias}},
      table(precision).gemm_workspace(d));
  return {.name = "tinygan",
          .sets = memory->operands.sets(),
          .run =
              [=](int set, cudaStream_t stream) {
                const Rotation& o = memory->operands;
                table(precision).gemm(d, epilogue(biased ? o.at<float>(3, set) : nullptr), o.at<float>(0, set),
                                      o.at<float>(1, set), o.at<float>(2, set), memory->workspace.data(), {stream});
              },
          .result = [=] { return memory->operands.read<float>(2, d.M * d.N); }};
}

Contestant tinygan_conv(const ConvProblem& p) {
  const ConvDims d = p.dims;
  const ConvSlot output = p.output;
  const Precision precision = p.precision;
  const bool biased = p.bias != nullptr;
  const index_t size = output_size(d, output);
  const auto memory =
      std::make_shared<Memory>(std::vector<Operand>{{floats(first_size(d, output)), p.first},
                                                    {floats(second_size(d, output)), p.second},
                                                    {floats(size)},
                                                    {floats(output == ConvSlot::g ? d.K : d.C), p.bias}},
                               table(precision).conv2d_workspace(d, output));
  return {.name = "tinygan",
          .sets = memory->operands.sets(),
          .run =
              [=](int set, cudaStream_t stream) {
                const Rotation& o = memory->operands;
                const KernelTable<float>& k = table(precision);
                const Epilogue<float> e = epilogue(biased ? o.at<float>(3, set) : nullptr);
                const float *first = o.at<float>(0, set), *second = o.at<float>(1, set);
                float* const result = o.at<float>(2, set);
                void* const workspace = memory->workspace.data();
                switch (output) {
                  case ConvSlot::g: return k.conv2d(d, e, first, second, result, workspace, {stream});
                  case ConvSlot::x: return k.conv2d_input_grad(d, e, first, second, result, workspace, {stream});
                  case ConvSlot::w: return k.conv2d_weight_grad(d, first, second, result, workspace, {stream});
                }
              },
          .result = [=] { return memory->operands.read<float>(2, size); }};
}

}  // namespace tinygan::bench::gpu
