// cuDNN of the stub. A handle keeps the stream that it was given, as the real one does: every search and every call
// uses it, whatever has become of it.
#include <cudnn.h>

#include <algorithm>

#include "stub.hpp"

#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

namespace stub {
namespace {

Objects<cudaStream_t>& handles() {
  static auto& all = *new Objects<cudaStream_t>("a handle of cuDNN");
  return all;
}
/// Descriptors, and the bytes of the tensors among them.
Objects<std::size_t>& descriptors() {
  static auto& all = *new Objects<std::size_t>("a descriptor");
  return all;
}

std::size_t bytes_of(cudnnDataType_t type, int n, int c, int h, int w) {
  return static_cast<std::size_t>(n) * static_cast<std::size_t>(c) * static_cast<std::size_t>(h) *
         static_cast<std::size_t>(w) * (type == CUDNN_DATA_FLOAT ? 4 : 2);
}

cudnnStatus_t create(void** descriptor) {
  *descriptor = descriptors().create(0);
  return CUDNN_STATUS_SUCCESS;
}

struct Tensor {
  const void* descriptor;
  const void* data;
};

void check_tensors(std::initializer_list<Tensor> tensors) {
  for (const Tensor& t : tensors)
    check_memory(t.data, std::max<std::size_t>(descriptors().at(t.descriptor), 1), "a tensor");
}

cudnnStatus_t compute(const char* name, cudnnHandle_t handle, std::initializer_list<Tensor> tensors,
                      double seconds = 1e-5) {
  const cudaStream_t stream = handles().at(handle);
  check_tensors(tensors);
  queue(stream, name, seconds);
  return CUDNN_STATUS_SUCCESS;
}

/// The algorithms, with one that failed among them.
template <class Perf>
cudnnStatus_t name_algorithms(int room, int* count, Perf* found) {
  for (*count = 0; *count < std::min(room, 4); ++*count) {
    Perf& p = found[*count];
    p = {};
    p.algo = static_cast<decltype(p.algo)>(*count);
    p.status = *count == 1 ? CUDNN_STATUS_NOT_SUPPORTED : CUDNN_STATUS_SUCCESS;
    p.time = 1e-2f * static_cast<float>(1 + *count);
  }
  return CUDNN_STATUS_SUCCESS;
}

/// What all searches that time do: calls on the handle's stream, and the host waits for them.
template <class Perf>
cudnnStatus_t search(const char* name, cudnnHandle_t handle, std::initializer_list<Tensor> tensors, int room,
                     int* count, Perf* found) {
  const cudaStream_t stream = handles().at(handle);
  check_tensors(tensors);
  queue(stream, name, 1e-3);
  wait_for(stream);
  return name_algorithms(room, count, found);
}

template <class Perf>
cudnnStatus_t heuristic(const char* name, cudnnHandle_t handle, std::initializer_list<const void*> used, int room,
                        int* count, Perf* found) {
  handles().at(handle);
  for (const void* d : used) descriptors().at(d);
  stub::count(name);
  return name_algorithms(room, count, found);
}

}  // namespace
}  // namespace stub

using namespace stub;

extern "C" {

size_t cudnnGetVersion() { return 0; }
const char* cudnnGetErrorString(cudnnStatus_t) { return "an error of the stub"; }

cudnnStatus_t cudnnCreate(cudnnHandle_t* handle) {
  STUB_CALL;
  check_not_capturing();
  *handle = static_cast<cudnnHandle_t>(handles().create(nullptr));
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, cudaStream_t stream) {
  STUB_CALL;
  handles().at(handle) = stream;
  return CUDNN_STATUS_SUCCESS;
}

// ---- Descriptors ----------------------------------------------------------------------------------------------------

#define STUB_DESCRIPTOR(Kind)                                                 \
  cudnnStatus_t cudnnCreate##Kind##Descriptor(cudnn##Kind##Descriptor_t* d) { \
    STUB_CALL;                                                                \
    return create(reinterpret_cast<void**>(d));                               \
  }                                                                           \
  cudnnStatus_t cudnnDestroy##Kind##Descriptor(cudnn##Kind##Descriptor_t d) { \
    STUB_CALL;                                                                \
    descriptors().destroy(d);                                                 \
    return CUDNN_STATUS_SUCCESS;                                              \
  }
STUB_DESCRIPTOR(Tensor)
STUB_DESCRIPTOR(Filter)
STUB_DESCRIPTOR(Convolution)
STUB_DESCRIPTOR(Activation)

cudnnStatus_t cudnnSetTensor4dDescriptor(cudnnTensorDescriptor_t d, cudnnTensorFormat_t, cudnnDataType_t type, int n,
                                         int c, int h, int w) {
  STUB_CALL;
  descriptors().at(d) = bytes_of(type, n, c, h, w);
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnSetFilter4dDescriptor(cudnnFilterDescriptor_t d, cudnnDataType_t type, cudnnTensorFormat_t, int k,
                                         int c, int h, int w) {
  STUB_CALL;
  descriptors().at(d) = bytes_of(type, k, c, h, w);
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnSetConvolution2dDescriptor(cudnnConvolutionDescriptor_t d, int, int, int, int, int, int,
                                              cudnnConvolutionMode_t, cudnnDataType_t) {
  STUB_CALL;
  descriptors().at(d);
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnSetConvolutionMathType(cudnnConvolutionDescriptor_t d, cudnnMathType_t) {
  STUB_CALL;
  descriptors().at(d);
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnSetActivationDescriptor(cudnnActivationDescriptor_t d, cudnnActivationMode_t, cudnnNanPropagation_t,
                                           double) {
  STUB_CALL;
  descriptors().at(d);
  return CUDNN_STATUS_SUCCESS;
}

// ---- Searches -------------------------------------------------------------------------------------------------------

cudnnStatus_t cudnnFindConvolutionForwardAlgorithmEx(cudnnHandle_t handle, const cudnnTensorDescriptor_t x_of,
                                                     const void* x, const cudnnFilterDescriptor_t w_of, const void* w,
                                                     const cudnnConvolutionDescriptor_t,
                                                     const cudnnTensorDescriptor_t y_of, void* y, const int room,
                                                     int* count, cudnnConvolutionFwdAlgoPerf_t* found, void*, size_t) {
  STUB_CALL;
  return search(__func__, handle, {{x_of, x}, {w_of, w}, {y_of, y}}, room, count, found);
}
cudnnStatus_t cudnnFindConvolutionBackwardDataAlgorithmEx(cudnnHandle_t handle, const cudnnFilterDescriptor_t w_of,
                                                          const void* w, const cudnnTensorDescriptor_t g_of,
                                                          const void* g, const cudnnConvolutionDescriptor_t,
                                                          const cudnnTensorDescriptor_t x_of, void* x, const int room,
                                                          int* count, cudnnConvolutionBwdDataAlgoPerf_t* found, void*,
                                                          size_t) {
  STUB_CALL;
  return search(__func__, handle, {{x_of, x}, {w_of, w}, {g_of, g}}, room, count, found);
}
cudnnStatus_t cudnnFindConvolutionBackwardFilterAlgorithmEx(cudnnHandle_t handle, const cudnnTensorDescriptor_t x_of,
                                                            const void* x, const cudnnTensorDescriptor_t g_of,
                                                            const void* g, const cudnnConvolutionDescriptor_t,
                                                            const cudnnFilterDescriptor_t w_of, void* w, const int room,
                                                            int* count, cudnnConvolutionBwdFilterAlgoPerf_t* found,
                                                            void*, size_t) {
  STUB_CALL;
  return search(__func__, handle, {{x_of, x}, {w_of, w}, {g_of, g}}, room, count, found);
}
cudnnStatus_t cudnnGetConvolutionForwardAlgorithm_v7(cudnnHandle_t handle, const cudnnTensorDescriptor_t x_of,
                                                     const cudnnFilterDescriptor_t w_of,
                                                     const cudnnConvolutionDescriptor_t conv,
                                                     const cudnnTensorDescriptor_t y_of, const int room, int* count,
                                                     cudnnConvolutionFwdAlgoPerf_t* found) {
  STUB_CALL;
  return heuristic(__func__, handle, {x_of, w_of, conv, y_of}, room, count, found);
}
cudnnStatus_t cudnnGetConvolutionBackwardDataAlgorithm_v7(cudnnHandle_t handle, const cudnnFilterDescriptor_t w_of,
                                                          const cudnnTensorDescriptor_t g_of,
                                                          const cudnnConvolutionDescriptor_t conv,
                                                          const cudnnTensorDescriptor_t x_of, const int room,
                                                          int* count, cudnnConvolutionBwdDataAlgoPerf_t* found) {
  STUB_CALL;
  return heuristic(__func__, handle, {x_of, w_of, conv, g_of}, room, count, found);
}
cudnnStatus_t cudnnGetConvolutionBackwardFilterAlgorithm_v7(cudnnHandle_t handle, const cudnnTensorDescriptor_t x_of,
                                                            const cudnnTensorDescriptor_t g_of,
                                                            const cudnnConvolutionDescriptor_t conv,
                                                            const cudnnFilterDescriptor_t w_of, const int room,
                                                            int* count, cudnnConvolutionBwdFilterAlgoPerf_t* found) {
  STUB_CALL;
  return heuristic(__func__, handle, {x_of, w_of, conv, g_of}, room, count, found);
}

// ---- Calls ----------------------------------------------------------------------------------------------------------

cudnnStatus_t cudnnConvolutionForward(cudnnHandle_t handle, const void*, const cudnnTensorDescriptor_t x_of,
                                      const void* x, const cudnnFilterDescriptor_t w_of, const void* w,
                                      const cudnnConvolutionDescriptor_t, cudnnConvolutionFwdAlgo_t algorithm, void*,
                                      size_t, const void*, const cudnnTensorDescriptor_t y_of, void* y) {
  STUB_CALL;
  return compute(__func__, handle, {{x_of, x}, {w_of, w}, {y_of, y}}, 1e-5 * (1 + static_cast<int>(algorithm)));
}
cudnnStatus_t cudnnConvolutionBackwardData(cudnnHandle_t handle, const void*, const cudnnFilterDescriptor_t w_of,
                                           const void* w, const cudnnTensorDescriptor_t g_of, const void* g,
                                           const cudnnConvolutionDescriptor_t, cudnnConvolutionBwdDataAlgo_t algorithm,
                                           void*, size_t, const void*, const cudnnTensorDescriptor_t x_of, void* x) {
  STUB_CALL;
  return compute(__func__, handle, {{x_of, x}, {w_of, w}, {g_of, g}}, 1e-5 * (1 + static_cast<int>(algorithm)));
}
cudnnStatus_t cudnnConvolutionBackwardFilter(cudnnHandle_t handle, const void*, const cudnnTensorDescriptor_t x_of,
                                             const void* x, const cudnnTensorDescriptor_t g_of, const void* g,
                                             const cudnnConvolutionDescriptor_t,
                                             cudnnConvolutionBwdFilterAlgo_t algorithm, void*, size_t, const void*,
                                             const cudnnFilterDescriptor_t w_of, void* w) {
  STUB_CALL;
  return compute(__func__, handle, {{x_of, x}, {w_of, w}, {g_of, g}}, 1e-5 * (1 + static_cast<int>(algorithm)));
}
cudnnStatus_t cudnnConvolutionBiasActivationForward(
    cudnnHandle_t handle, const void*, const cudnnTensorDescriptor_t x_of, const void* x,
    const cudnnFilterDescriptor_t w_of, const void* w, const cudnnConvolutionDescriptor_t,
    cudnnConvolutionFwdAlgo_t algorithm, void*, size_t, const void*, const cudnnTensorDescriptor_t z_of, const void* z,
    const cudnnTensorDescriptor_t bias_of, const void* bias, const cudnnActivationDescriptor_t,
    const cudnnTensorDescriptor_t y_of, void* y) {
  STUB_CALL;
  if (algorithm != CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_GEMM) return CUDNN_STATUS_NOT_SUPPORTED;
  return compute(__func__, handle, {{x_of, x}, {w_of, w}, {z_of, z}, {bias_of, bias}, {y_of, y}});
}
cudnnStatus_t cudnnAddTensor(cudnnHandle_t handle, const void*, const cudnnTensorDescriptor_t bias_of, const void* bias,
                             const void*, const cudnnTensorDescriptor_t y_of, void* y) {
  STUB_CALL;
  return compute(__func__, handle, {{bias_of, bias}, {y_of, y}}, 2e-6);
}
cudnnStatus_t cudnnActivationForward(cudnnHandle_t handle, cudnnActivationDescriptor_t, const void*,
                                     const cudnnTensorDescriptor_t x_of, const void* x, const void*,
                                     const cudnnTensorDescriptor_t y_of, void* y) {
  STUB_CALL;
  return compute(__func__, handle, {{x_of, x}, {y_of, y}}, 2e-6);
}

}  // extern "C"
