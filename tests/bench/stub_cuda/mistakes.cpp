// mistakes NAME: makes one mistake with the CUDA runtime, which the stub must find. Without a mistake: `none`.
#include <cudnn.h>

#include <cstdio>
#include <map>
#include <string>

#include <cuda_runtime_api.h>

#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

namespace {

cudaStream_t stream() {
  cudaStream_t s = nullptr;
  cudaStreamCreateWithFlags(&s, cudaStreamNonBlocking);
  return s;
}

void* memory(std::size_t bytes = 4096) {
  void* p = nullptr;
  cudaMalloc(&p, bytes);
  return p;
}

cudaGraph_t graph_of(cudaStream_t s, void* p) {
  cudaGraph_t graph = nullptr;
  cudaStreamBeginCapture(s, cudaStreamCaptureModeThreadLocal);
  cudaMemsetAsync(p, 0, 16, s);
  cudaStreamEndCapture(s, &graph);
  return graph;
}

cudaGraphExec_t ready_of(cudaStream_t s, void* p) {
  const cudaGraph_t graph = graph_of(s, p);
  cudaGraphExec_t ready = nullptr;
  cudaGraphInstantiate(&ready, graph, 0);
  cudaGraphDestroy(graph);
  return ready;
}

/// Searches the algorithms of a convolution on the stream that the handle has.
void search(cudnnHandle_t handle) {
  cudnnTensorDescriptor_t x = nullptr;
  cudnnFilterDescriptor_t w = nullptr;
  cudnnConvolutionDescriptor_t conv = nullptr;
  cudnnCreateTensorDescriptor(&x);
  cudnnCreateFilterDescriptor(&w);
  cudnnCreateConvolutionDescriptor(&conv);
  cudnnSetTensor4dDescriptor(x, CUDNN_TENSOR_NHWC, CUDNN_DATA_FLOAT, 1, 1, 8, 8);
  cudnnSetFilter4dDescriptor(w, CUDNN_DATA_FLOAT, CUDNN_TENSOR_NHWC, 1, 1, 1, 1);
  void *const data = memory(), *const filter = memory(), *const result = memory();
  cudnnConvolutionFwdAlgoPerf_t found[4];
  int count = 0;
  cudnnFindConvolutionForwardAlgorithmEx(handle, x, data, w, filter, conv, x, result, 4, &count, found, nullptr, 0);
}

void none() {
  const cudaStream_t s = stream();
  void* const p = memory();
  const char bytes[16] = {};
  cudaEvent_t begin = nullptr, end = nullptr;
  cudaEventCreate(&begin);
  cudaEventCreate(&end);
  cudaMemcpy(p, bytes, sizeof bytes, cudaMemcpyHostToDevice);
  cudaDeviceSynchronize();
  const cudaGraphExec_t ready = ready_of(s, p);
  cudaEventRecord(begin, s);
  cudaGraphLaunch(ready, s);
  cudaEventRecord(end, s);
  cudaEventSynchronize(end);
  float ms = 0;
  cudaEventElapsedTime(&ms, begin, end);
  cudnnHandle_t handle = nullptr;
  cudnnCreate(&handle);
  cudnnSetStream(handle, s);
  search(handle);
  cudaGraphExecDestroy(ready);
  cudaEventDestroy(begin);
  cudaEventDestroy(end);
  cudaFree(p);
  cudaStreamDestroy(s);
}

void search_on_destroyed_stream() {
  cudnnHandle_t handle = nullptr;
  cudnnCreate(&handle);
  const cudaStream_t s = stream();
  cudnnSetStream(handle, s);
  search(handle);
  cudaStreamDestroy(s);
  search(handle);
}

void destroyed_stream() {
  const cudaStream_t s = stream();
  cudaStreamDestroy(s);
  cudaMemsetAsync(memory(), 0, 16, s);
}

void destroyed_event() {
  const cudaStream_t s = stream();
  cudaEvent_t e = nullptr;
  cudaEventCreate(&e);
  cudaEventDestroy(e);
  cudaEventRecord(e, s);
}

void destroyed_graph() {
  const cudaStream_t s = stream();
  const cudaGraph_t graph = graph_of(s, memory());
  cudaGraphDestroy(graph);
  cudaGraphExec_t ready = nullptr;
  cudaGraphInstantiate(&ready, graph, 0);
}

void destroyed_executable_graph() {
  const cudaStream_t s = stream();
  const cudaGraphExec_t ready = ready_of(s, memory());
  cudaGraphExecDestroy(ready);
  cudaGraphLaunch(ready, s);
}

void freed_memory() {
  void* const p = memory();
  cudaFree(p);
  cudaMemsetAsync(p, 0, 16, stream());
}

void freed_memory_of_graph() {
  void* const p = memory();
  const cudaStream_t s = stream();
  const cudaGraphExec_t ready = ready_of(s, p);
  cudaFree(p);
  cudaGraphLaunch(ready, s);
}

void beyond_the_end() { cudaMemsetAsync(memory(100), 0, 101, stream()); }

void foreign_stream() {
  int not_a_stream = 0;
  cudaMemsetAsync(memory(), 0, 16, reinterpret_cast<cudaStream_t>(&not_a_stream));
}

void legacy_copy() {
  void* const p = memory();
  const char bytes[16] = {};
  cudaMemcpy(p, bytes, sizeof bytes, cudaMemcpyHostToDevice);
  cudaMemsetAsync(p, 0, 16, stream());
}

void two_streams() {
  void* const p = memory();
  cudaMemsetAsync(p, 0, 16, stream());
  cudaMemsetAsync(p, 1, 16, stream());
}

void read_too_early() {
  void* const p = memory();
  char bytes[16];
  cudaMemsetAsync(p, 0, 16, stream());
  cudaMemcpy(bytes, p, sizeof bytes, cudaMemcpyDeviceToHost);
}

void time_too_early() {
  const cudaStream_t s = stream();
  cudaEvent_t begin = nullptr, end = nullptr;
  cudaEventCreate(&begin);
  cudaEventCreate(&end);
  cudaEventRecord(begin, s);
  cudaMemsetAsync(memory(), 0, 16, s);
  cudaEventRecord(end, s);
  float ms = 0;
  cudaEventElapsedTime(&ms, begin, end);
}

void wait_in_capture() {
  const cudaStream_t s = stream();
  cudaStreamBeginCapture(s, cudaStreamCaptureModeThreadLocal);
  cudaStreamSynchronize(s);
}

void memory_in_capture() {
  cudaStreamBeginCapture(stream(), cudaStreamCaptureModeThreadLocal);
  memory();
}

void other_stream_in_capture() {
  void* const p = memory();
  cudaStreamBeginCapture(stream(), cudaStreamCaptureModeThreadLocal);
  cudaMemsetAsync(p, 0, 16, stream());
}

void no_capture() {
  cudaGraph_t graph = nullptr;
  cudaStreamEndCapture(stream(), &graph);
}

void capture_of_the_legacy_stream() { cudaStreamBeginCapture(nullptr, cudaStreamCaptureModeThreadLocal); }

void unknown_kernel() {
  int not_a_kernel = 0;
  cudaLaunchKernel(&not_a_kernel, {1, 1, 1}, {1, 1, 1}, nullptr, 0, nullptr);
}

void leaked_stream() { stream(); }

void leaked_event() {
  cudaEvent_t e = nullptr;
  cudaEventCreate(&e);
}

void leaked_graph() {
  const cudaStream_t s = stream();
  graph_of(s, memory());
  cudaStreamDestroy(s);
}

const std::map<std::string, void (*)()> mistakes{
#define MISTAKE(name) {#name, &name}
    MISTAKE(none),
    MISTAKE(search_on_destroyed_stream),
    MISTAKE(destroyed_stream),
    MISTAKE(destroyed_event),
    MISTAKE(destroyed_graph),
    MISTAKE(destroyed_executable_graph),
    MISTAKE(freed_memory),
    MISTAKE(freed_memory_of_graph),
    MISTAKE(beyond_the_end),
    MISTAKE(foreign_stream),
    MISTAKE(legacy_copy),
    MISTAKE(two_streams),
    MISTAKE(read_too_early),
    MISTAKE(time_too_early),
    MISTAKE(wait_in_capture),
    MISTAKE(memory_in_capture),
    MISTAKE(other_stream_in_capture),
    MISTAKE(no_capture),
    MISTAKE(capture_of_the_legacy_stream),
    MISTAKE(unknown_kernel),
    MISTAKE(leaked_stream),
    MISTAKE(leaked_event),
    MISTAKE(leaked_graph),
#undef MISTAKE
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2 || mistakes.count(argv[1]) == 0) {
    for (const auto& [name, make] : mistakes) std::puts(name.c_str());
    return argc == 1 ? 0 : 2;
  }
  mistakes.at(argv[1])();
  return 0;
}
