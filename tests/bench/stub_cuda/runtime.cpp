// The CUDA runtime's functions, as far as tinygan's programs call them.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "state.hpp"

namespace stub {
namespace {

double copy_seconds(std::size_t bytes) { return 1e-6 + static_cast<double>(bytes) * 1e-12; }

/// By direction: device operands are looked up, the host's are believed.
cudaError_t copy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind, cudaStream_t stream,
                 const char* what) {
  if (kind == cudaMemcpyDefault) fault("cudaMemcpyDefault is not what this stub knows");
  const bool reads = kind == cudaMemcpyDeviceToDevice || kind == cudaMemcpyDeviceToHost,
             writes = kind == cudaMemcpyDeviceToDevice || kind == cudaMemcpyHostToDevice;
  const auto check = [=] {
    if (reads) check_memory(from, bytes, "the source");
    if (writes) check_memory(to, bytes, "the destination");
  };
  check();
  queue(stream, what, copy_seconds(bytes), [=] {
    check();
    std::memmove(to, from, bytes);
  });
  return cudaSuccess;
}

cudaError_t set(void* to, int value, std::size_t bytes, cudaStream_t stream, const char* what) {
  check_memory(to, bytes, "the destination");
  queue(stream, what, copy_seconds(bytes), [=] {
    check_memory(to, bytes, "the destination");
    std::memset(to, value, bytes);
  });
  return cudaSuccess;
}

}  // namespace
}  // namespace stub

using namespace stub;

extern "C" {

// ---- Devices and errors ---------------------------------------------------------------------------------------------

cudaError_t cudaGetDeviceCount(int* n) { return *n = 1, cudaSuccess; }
cudaError_t cudaGetDevice(int* device) { return *device = 0, cudaSuccess; }
cudaError_t cudaSetDevice(int device) {
  STUB_CALL;
  return remember(device == 0 ? cudaSuccess : cudaErrorInvalidDevice);
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int) {
  STUB_CALL;
  switch (attribute) {
    case cudaDevAttrComputeCapabilityMajor: return *value = 9, cudaSuccess;
    case cudaDevAttrComputeCapabilityMinor: return *value = 0, cudaSuccess;
    case cudaDevAttrMultiProcessorCount: return *value = 132, cudaSuccess;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin: return *value = most_shared_bytes, cudaSuccess;
    case cudaDevAttrMaxSharedMemoryPerMultiprocessor: return *value = 228 << 10, cudaSuccess;
    case cudaDevAttrL2CacheSize: return *value = 1 << 20, cudaSuccess;
    default: fault(text("attribute ", static_cast<int>(attribute), " is not what this stub knows"));
  }
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* p, int) {
  *p = {};
  std::strcpy(p->name, "stub of an sm_90");
  p->major = 9;
  p->multiProcessorCount = 132;
  p->l2CacheSize = 1 << 20;  // so that operands take little memory
  p->totalGlobalMem = std::size_t{80} << 30;
  p->sharedMemPerBlockOptin = most_shared_bytes;
  p->warpSize = 32;
  return cudaSuccess;
}

cudaError_t cudaGetLastError() {
  STUB_CALL;
  return std::exchange(state().last_error, cudaSuccess);
}
cudaError_t cudaPeekAtLastError() {
  STUB_CALL;
  return state().last_error;
}
const char* cudaGetErrorName(cudaError_t e) { return e == cudaSuccess ? "cudaSuccess" : "an error of the stub"; }
const char* cudaGetErrorString(cudaError_t e) {
  static thread_local char words[32];
  std::snprintf(words, sizeof words, "number %d", static_cast<int>(e));
  return words;
}

cudaError_t cudaDeviceSynchronize() {
  STUB_CALL;
  wait_for_all();
  return cudaSuccess;
}

// ---- Memory ---------------------------------------------------------------------------------------------------------

cudaError_t cudaMalloc(void** p, std::size_t bytes) {
  STUB_CALL;
  check_not_capturing();
  const std::size_t size = (bytes + 511) / 512 * 512;
  *p = std::aligned_alloc(512, size);
  if (!*p) return remember(cudaErrorMemoryAllocation);
  const auto* const begin = static_cast<const std::byte*>(*p);
  for (auto at = state().freed.begin(); at != state().freed.end();)  // what is allocated again is not freed any more
    at = at->first < begin + size && begin < at->first + at->second ? state().freed.erase(at) : std::next(at);
  state().memory.emplace(begin, bytes);
  return cudaSuccess;
}
cudaError_t cudaFree(void* p) {
  STUB_CALL;
  if (!p) return cudaSuccess;
  wait_for_all();  // as the real one does
  const auto found = state().memory.find(static_cast<const std::byte*>(p));
  if (found == state().memory.end())
    fault(state().freed.count(static_cast<const std::byte*>(p)) ? "memory that was freed"
                                                                : "memory that cudaMalloc did not give");
  state().freed.insert(*found);
  state().memory.erase(found);
  std::free(p);
  return cudaSuccess;
}
cudaError_t cudaMemGetInfo(std::size_t* available, std::size_t* total) {
  *available = *total = std::size_t{80} << 30;
  return cudaSuccess;
}

cudaError_t cudaMemcpy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind) {
  STUB_CALL;
  check_not_capturing();
  copy(to, from, bytes, kind, nullptr, __func__);
  if (kind == cudaMemcpyDeviceToHost) wait_for(nullptr);  // the others return before the bytes are there
  return cudaSuccess;
}
cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind, cudaStream_t stream) {
  STUB_CALL;
  return copy(to, from, bytes, kind, stream, __func__);
}
cudaError_t cudaMemset(void* to, int value, std::size_t bytes) {
  STUB_CALL;
  check_not_capturing();
  return set(to, value, bytes, nullptr, __func__);
}
cudaError_t cudaMemsetAsync(void* to, int value, std::size_t bytes, cudaStream_t stream) {
  STUB_CALL;
  return set(to, value, bytes, stream, __func__);
}

// ---- Streams and events ---------------------------------------------------------------------------------------------

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* s, unsigned flags) {
  STUB_CALL;
  *s = static_cast<cudaStream_t>(state().streams.create({(flags & cudaStreamNonBlocking) == 0}));
  return cudaSuccess;
}
cudaError_t cudaStreamCreate(cudaStream_t* s) { return cudaStreamCreateWithFlags(s, cudaStreamDefault); }
cudaError_t cudaStreamDestroy(cudaStream_t s) {
  STUB_CALL;
  if (state().streams.at(s).capturing) fault("a stream that is being captured");
  state().streams.destroy(s);
  return cudaSuccess;
}
cudaError_t cudaStreamSynchronize(cudaStream_t s) {
  STUB_CALL;
  wait_for(s);
  return cudaSuccess;
}
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
  STUB_CALL;
  const EventState& e = state().events.at(event);
  StreamState& s = stream_of(stream);
  if (!e.stream) fault("an event that was not recorded");
  std::uint64_t& after = s.after[e.stream];
  after = std::max(after, e.after);
  return cudaSuccess;
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* e, unsigned) {
  STUB_CALL;
  *e = static_cast<cudaEvent_t>(state().events.create({}));
  return cudaSuccess;
}
cudaError_t cudaEventCreate(cudaEvent_t* e) { return cudaEventCreateWithFlags(e, 0); }
cudaError_t cudaEventDestroy(cudaEvent_t e) {
  STUB_CALL;
  state().events.destroy(e);
  return cudaSuccess;
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  STUB_CALL;
  StreamState& s = stream_of(stream);
  if (s.capturing) fault("in a capture, where it times nothing");
  EventState& e = state().events.at(event);
  e = {&s, s.queued, state().now};
  return cudaSuccess;
}
cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  STUB_CALL;
  check_not_capturing();
  const EventState& e = state().events.at(event);
  if (!e.stream) fault("an event that was not recorded");
  e.stream->waited = std::max(e.stream->waited, e.after);
  return cudaSuccess;
}
cudaError_t cudaEventElapsedTime(float* ms, cudaEvent_t begin, cudaEvent_t end) {
  STUB_CALL;
  const EventState &from = state().events.at(begin), &to = state().events.at(end);
  if (!from.stream || !to.stream) fault("an event that was not recorded");
  if (to.stream->waited < to.after) fault("an event that nobody waited for");
  *ms = static_cast<float>(1e3 * (to.time - from.time));
  return cudaSuccess;
}

// ---- Graphs ---------------------------------------------------------------------------------------------------------

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode) {
  STUB_CALL;
  if (is_legacy(stream)) fault("the legacy stream cannot be captured");
  check_not_capturing();
  StreamState& s = stream_of(stream);
  s.capturing = true;
  s.recorded.clear();
  state().capturing = &s;
  return cudaSuccess;
}
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  STUB_CALL;
  StreamState& s = stream_of(stream);
  if (!s.capturing) fault("a stream that is not being captured");
  s.capturing = false;
  state().capturing = nullptr;
  *graph = static_cast<cudaGraph_t>(state().graphs.create(std::move(s.recorded)));
  return cudaSuccess;
}
cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  STUB_CALL;
  state().graphs.destroy(graph);
  return cudaSuccess;
}
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* ready, cudaGraph_t graph, unsigned long long) {
  STUB_CALL;
  *ready = static_cast<cudaGraphExec_t>(state().ready.create(state().graphs.at(graph)));
  return cudaSuccess;
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t ready) {
  STUB_CALL;
  state().ready.destroy(ready);
  return cudaSuccess;
}
cudaError_t cudaGraphUpload(cudaGraphExec_t ready, cudaStream_t stream) {
  STUB_CALL;
  state().ready.at(ready);
  queue(stream, __func__, 1e-6);
  return cudaSuccess;
}
cudaError_t cudaGraphLaunch(cudaGraphExec_t ready, cudaStream_t stream) {
  STUB_CALL;
  const Nodes& nodes = state().ready.at(ready);
  if (nodes.empty()) fault("an empty graph");
  double seconds = 0;
  for (const Node& node : nodes) seconds += node.seconds;
  queue(stream, __func__, seconds, [&] {
    for (const Node& node : nodes)
      if (node.run) node.run();
  });
  return cudaSuccess;
}

}  // extern "C"
