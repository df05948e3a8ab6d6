// The cuda device: the one file that nvcc compiles. A program that links it has Device::cuda(i) on a machine with a
// GPU, and runs on the CPU on a machine without one. Flags: -std=c++20 --expt-relaxed-constexpr.

#include <mutex>
#include <utility>
#include <vector>

// NVTX is headers only, and comes with the toolkit.
#if __has_include(<nvtx3/nvToolsExt.h>)
#include <nvtx3/nvToolsExt.h>
#define TINYGAN_HAS_NVTX
#endif

#include <tinygan/backend/device_backend.hpp>

#include "table.cuh"

namespace tinygan::cuda {
namespace {

/// Devices that can be used now: 0 without a GPU or its driver, and then no call ever fails for that.
int count() {
  static const int devices = [] {
    int n = 0;
    if (cudaGetDeviceCount(&n) == cudaSuccess) return n;
    cudaGetLastError();
    return 0;
  }();
  return devices;
}

/// The queue of a device, made when it is first used.
cudaStream_t queue_of(int index) {
  static std::mutex& mutex = *new std::mutex;
  static auto& queues = *new std::vector<cudaStream_t>;
  const std::lock_guard lock(mutex);
  const auto at = static_cast<std::size_t>(index);
  if (queues.size() <= at) queues.resize(at + 1);
  // Apart from the legacy default stream, which cannot be captured and waits for all others.
  if (!queues[at])
    check_cuda(cudaStreamCreateWithFlags(&queues[at], cudaStreamNonBlocking), "cudaStreamCreateWithFlags");
  return queues[at];
}

void activate(int index) {
  thread_local int active = -1;
  check_cuda(cudaSetDevice(index),
             "cudaSetDevice");  // each time: the program may have gone to another device by itself
  if (active != index) current_queue = queue_of(index);
  active = index;
}

thread_local bool capturing = false;

/// Throws Error for what a graph cannot hold, instead of spoiling the capture.
void check_not_capturing(const char* what) {
  check(!capturing, "captured step", what, " while the step is being captured");
}

void* allocate(std::size_t bytes, int index) {
  check_not_capturing("a request for memory that the first run did not make");
  activate(index);
  void* p = nullptr;
  const cudaError_t e = cudaMalloc(&p, bytes);
  if (e == cudaErrorMemoryAllocation) {
    cudaGetLastError();
    std::size_t available = 0, total = 0;
    cudaMemGetInfo(&available, &total);
    fail(text("cuda:", index, " memory"), "no ", bytes, " bytes left; ", available, " of ", total, " are free");
  }
  check_cuda(e, "cudaMalloc");
  return p;
}

void to_device(void* device, const void* host, std::size_t bytes, int index) {
  check_not_capturing("a copy from the host");
  activate(index);
  check_cuda(cudaMemcpyAsync(device, host, bytes, cudaMemcpyHostToDevice, current_queue),
             "cudaMemcpyAsync to the device");
  check_cuda(cudaStreamSynchronize(current_queue), "cudaStreamSynchronize");
}

void to_host(void* host, const void* device, std::size_t bytes, int index) {
  check_not_capturing("a copy to the host");
  activate(index);
  check_cuda(cudaMemcpyAsync(host, device, bytes, cudaMemcpyDeviceToHost, current_queue),
             "cudaMemcpyAsync to the host");
  check_cuda(cudaStreamSynchronize(current_queue), "cudaStreamSynchronize");
}

void copy_on_device(void* to, const void* from, std::size_t bytes, int index) {
  activate(index);
  check_cuda(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, current_queue), "cudaMemcpyAsync");
}

void count_up_on_device(std::uint64_t* counter, int index) {
  activate(index);
  count_up(counter);
}

void synchronize(int index) {
  check_not_capturing("waiting for the device");
  activate(index);
  check_cuda(cudaDeviceSynchronize(), "cudaDeviceSynchronize");
}

void begin_capture(int index) {
  check_not_capturing("another capture");
  activate(index);
  check_cuda(cudaStreamBeginCapture(current_queue, cudaStreamCaptureModeThreadLocal), "cudaStreamBeginCapture");
  capturing = true;
}

void abandon_capture(int index) {
  if (!std::exchange(capturing, false)) return;
  cudaGraph_t graph = nullptr;
  cudaStreamEndCapture(queue_of(index), &graph);
  if (graph) cudaGraphDestroy(graph);
  cudaGetLastError();
}

void* end_capture(int index) {
  activate(index);
  capturing = false;
  cudaGraph_t graph = nullptr;
  check_cuda(cudaStreamEndCapture(current_queue, &graph), "cudaStreamEndCapture");
  cudaGraphExec_t ready = nullptr;
  const cudaError_t e = cudaGraphInstantiate(&ready, graph, 0);
  cudaGraphDestroy(graph);
  check_cuda(e, "cudaGraphInstantiate");
  check_cuda(cudaGraphUpload(ready, current_queue), "cudaGraphUpload");
  return ready;
}

void replay(void* graph, int index) {
  activate(index);
  check_cuda(cudaGraphLaunch(static_cast<cudaGraphExec_t>(graph), current_queue), "cudaGraphLaunch");
}

void release(void* graph, int) {
  cudaGraphExecDestroy(static_cast<cudaGraphExec_t>(graph));
  cudaGetLastError();
}

// ---- Times for profiles ---------------------------------------------------------------------------------------------

void* mark(int index) {
  activate(index);
  cudaEvent_t event = nullptr;
  check_cuda(cudaEventCreate(&event), "cudaEventCreate");
  check_cuda(cudaEventRecord(event, current_queue), "cudaEventRecord");
  return event;
}

double seconds_between(void* a, void* b) {
  float milliseconds = 0;
  check_cuda(cudaEventSynchronize(static_cast<cudaEvent_t>(b)), "cudaEventSynchronize");
  check_cuda(cudaEventElapsedTime(&milliseconds, static_cast<cudaEvent_t>(a), static_cast<cudaEvent_t>(b)),
             "cudaEventElapsedTime");
  return 1e-3 * static_cast<double>(milliseconds);
}

void release_mark(void* event) {
  cudaEventDestroy(static_cast<cudaEvent_t>(event));
  cudaGetLastError();
}

#ifdef TINYGAN_HAS_NVTX
void begin_range(const char* name) { nvtxRangePushA(name); }
void end_range() { nvtxRangePop(); }
constexpr TimerBackend timer{&mark, &seconds_between, &release_mark, &begin_range, &end_range};
#else
constexpr TimerBackend timer{&mark, &seconds_between, &release_mark, nullptr, nullptr};
#endif

/// Tensor cores that know tf32 and bf16 come with sm_80. It is the code that counts: a newer GPU may be running what was
/// compiled for an older one.
void check_precision(Precision precision, int index) {
  if (precision == Precision::fp32) return;
  activate(index);
  cudaFuncAttributes kernel{};
  check_cuda(cudaFuncGetAttributes(&kernel, &conv_weight_grad_kernel<TensorTiles<Precision::tf32, float>::Medium>),
             "cudaFuncGetAttributes");
  check(kernel.ptxVersion >= 80, text("device cuda:", index), "it computes in fp32 only, not in ", precision,
        ": that takes compute capability 8.0 or later, and the kernels for it are for ", kernel.ptxVersion / 10, '.',
        kernel.ptxVersion % 10);
}

const DeviceBackend backend{
    .count = &count,
    .activate = &activate,
    .allocate = &allocate,
    .to_device = &to_device,
    .to_host = &to_host,
    .copy = &copy_on_device,
    .count_up = &count_up_on_device,
    .synchronize = &synchronize,
    .host_memory = false,
    .capture = {&begin_capture, &end_capture, &abandon_capture, &replay, &release},
    .float_kernels = {&kernel_table<DeviceType::cuda, float, Precision::fp32>(),
                      &kernel_table<DeviceType::cuda, float, Precision::tf32>(),
                      &kernel_table<DeviceType::cuda, float, Precision::bf16>()},
    .check_precision = &check_precision,
    .bfloat16_kernels = &kernel_table<DeviceType::cuda, bfloat16, Precision::bf16>(),
    .double_kernels = nullptr,
    .timer = timer,
};

[[maybe_unused]] const bool registered = (register_backend(DeviceType::cuda, &backend), true);

}  // namespace
}  // namespace tinygan::cuda
