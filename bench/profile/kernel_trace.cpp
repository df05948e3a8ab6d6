// Kernel trace by CUPTI: a library that the CUDA driver loads into a program (CUDA_INJECTION64_PATH). It writes a line
// for each kernel that has run: start and end on the GPU's clock, grid, registers, name. Kernels of a captured graph
// have a line each. scripts/profile-step reads the trace.
//
//   TINYGAN_KERNEL_TRACE=FILE   where to; tab-separated: start_ns end_ns blocks threads registers shared_bytes name
//
// Source: CUPTI's documentation, "Activity API".
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include <cupti.h>

namespace {

constexpr std::size_t buffer_bytes = 8 << 20;
std::FILE* out = nullptr;

void CUPTIAPI give_buffer(std::uint8_t** buffer, std::size_t* size, std::size_t* most_records) {
  *buffer = static_cast<std::uint8_t*>(std::aligned_alloc(8, buffer_bytes));
  *size = *buffer ? buffer_bytes : 0;
  *most_records = 0;
}

void CUPTIAPI take_buffer(CUcontext, std::uint32_t, std::uint8_t* buffer, std::size_t, std::size_t valid) {
  CUpti_Activity* record = nullptr;
  while (out && cuptiActivityGetNextRecord(buffer, valid, &record) == CUPTI_SUCCESS) {
    if (record->kind != CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL && record->kind != CUPTI_ACTIVITY_KIND_KERNEL) continue;
    const auto* k = reinterpret_cast<const CUpti_ActivityKernel9*>(record);
    std::fprintf(out, "%llu\t%llu\t%lld\t%d\t%d\t%d\t%s\n", static_cast<unsigned long long>(k->start),
                 static_cast<unsigned long long>(k->end), static_cast<long long>(k->gridX) * k->gridY * k->gridZ,
                 k->blockX * k->blockY * k->blockZ, static_cast<int>(k->registersPerThread),
                 k->dynamicSharedMemory + k->staticSharedMemory, k->name ? k->name : "?");
  }
  std::free(buffer);
}

void finish() {
  cuptiActivityFlushAll(CUPTI_ACTIVITY_FLAG_FLUSH_FORCED);
  if (out) std::fclose(out);
  out = nullptr;
}

}  // namespace

/// The driver calls this once, before the program's first CUDA call returns.
extern "C" int InitializeInjection() {
  const char* path = std::getenv("TINYGAN_KERNEL_TRACE");
  out = path ? std::fopen(path, "w") : nullptr;
  if (!out) return 0;
  const bool ready = cuptiActivityRegisterCallbacks(give_buffer, take_buffer) == CUPTI_SUCCESS &&
                     cuptiActivityEnable(CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL) == CUPTI_SUCCESS;
  if (!ready) std::fprintf(stderr, "kernel_trace: CUPTI does not answer\n");
  std::atexit(finish);
  return ready ? 1 : 0;
}
