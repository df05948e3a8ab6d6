// Kernels of the stub: they are registered, their launches and tensor maps are checked, and they compute nothing.
#include <cuda.h>

#include <cstdint>
#include <cstring>
#include <map>

#include "stub.hpp"

namespace stub {
namespace {

struct Function {
  std::string name;
  std::size_t shared_bytes = 48 << 10;  // what a launch may ask for
};

struct Configuration {
  dim3 grid, block;
  std::size_t shared_bytes = 0;
  cudaStream_t stream = nullptr;
};
Configuration configuration;

/// Not destroyed: kernels are registered before, and launched until after, anything static of this file would live.
std::map<const void*, Function>& functions() {
  static auto& all = *new std::map<const void*, Function>;
  return all;
}

Function& function_at(const void* kernel) {
  const auto found = functions().find(kernel);
  if (found == functions().end()) fault("a kernel that was not registered");
  return found->second;
}

cudaError_t launch_kernel(const void* kernel, dim3 grid, dim3 block, std::size_t shared_bytes, cudaStream_t stream) {
  const Function& f = function_at(kernel);
  const auto in = [](unsigned n, unsigned most) { return n >= 1 && n <= most; };
  if (!in(grid.x, 0x7fffffff) || !in(grid.y, 65535) || !in(grid.z, 65535) || !in(block.x, 1024) || !in(block.y, 1024) ||
      !in(block.z, 64) || block.x * block.y * block.z > 1024)
    return remember(cudaErrorInvalidConfiguration);
  if (shared_bytes > f.shared_bytes) return remember(cudaErrorInvalidValue);
  queue(stream, text("kernel ", f.name.substr(0, 200)), 2e-6);
  return cudaSuccess;
}

/// The rules of the driver for a tensor map.
CUresult encode_tiled(CUtensorMap* map, CUtensorMapDataType type, cuuint32_t rank, void* address,
                      const cuuint64_t* extent, const cuuint64_t* stride, const cuuint32_t* box, const cuuint32_t* step,
                      CUtensorMapInterleave, CUtensorMapSwizzle swizzle, CUtensorMapL2promotion,
                      CUtensorMapFloatOOBfill) {
  const Call call("cuTensorMapEncodeTiled");
  const std::size_t element = type == CU_TENSOR_MAP_DATA_TYPE_BFLOAT16  ? 2
                              : type == CU_TENSOR_MAP_DATA_TYPE_FLOAT32 ? 4
                                                                        : 0;
  if (element == 0) fault("an element type that this stub does not know");
  const auto aligned = [](const void* p, std::uintptr_t to) { return reinterpret_cast<std::uintptr_t>(p) % to == 0; };
  if (rank < 1 || rank > 5) fault(text("rank ", rank));
  if (!aligned(map, 64)) fault("the map is not 64-byte aligned");
  if (!aligned(address, 16)) fault("the tensor is not 16-byte aligned");
  if (box[0] * element % 16 != 0) fault("a row of the box is not a multiple of 16 bytes");
  if (swizzle == CU_TENSOR_MAP_SWIZZLE_128B && box[0] * element > 128)
    fault("a row of the box is longer than its swizzle");
  cuuint64_t bytes = element;
  for (cuuint32_t i = 0; i < rank; ++i) {
    if (extent[i] < 1 || extent[i] > cuuint64_t{1} << 32) fault(text("extent ", i, " is ", extent[i]));
    if (box[i] < 1 || box[i] > 256) fault(text("the box is ", box[i], " wide along ", i));
    if (step[i] < 1 || step[i] > 8) fault(text("step ", i, " is ", step[i]));
    if (i + 1 < rank) {
      if (stride[i] % 16 != 0 || stride[i] >= cuuint64_t{1} << 40) fault(text("stride ", i, " is ", stride[i]));
      bytes = stride[i];
    } else {
      bytes = i == 0 ? extent[0] * element : extent[i] * bytes;
    }
  }
  check_memory(address, bytes, "the tensor");
  std::memset(map, 0, sizeof *map);
  count("cuTensorMapEncodeTiled");
  return CUDA_SUCCESS;
}

cudaError_t entry_point(const char* symbol, void** function, cudaDriverEntryPointQueryResult* result) {
  const bool known = std::strcmp(symbol, "cuTensorMapEncodeTiled") == 0;
  if (!known) fault(text(symbol, " is not what this stub has"));
  *function = reinterpret_cast<void*>(&encode_tiled);
  if (result) *result = cudaDriverEntryPointSuccess;
  return cudaSuccess;
}

}  // namespace
}  // namespace stub

using namespace stub;

extern "C" {

void** __cudaRegisterFatBinary(void*) { return new void*(nullptr); }
void __cudaRegisterFatBinaryEnd(void**) {}
void __cudaUnregisterFatBinary(void** handle) { delete handle; }
void __cudaRegisterFunction(void**, const char* function, char*, const char* name, int, uint3*, uint3*, dim3*, dim3*,
                            int*) {
  STUB_CALL;
  functions()[function] = {name};
}
void __cudaRegisterVar(void**, char*, char*, const char*, int, std::size_t, int, int) {}

unsigned __cudaPushCallConfiguration(dim3 grid, dim3 block, std::size_t shared_bytes, CUstream_st* stream) {
  STUB_CALL;
  configuration = {grid, block, shared_bytes, stream};
  return 0;
}
cudaError_t __cudaPopCallConfiguration(dim3* grid, dim3* block, std::size_t* shared_bytes, void* stream) {
  STUB_CALL;
  const Configuration& c = configuration;
  *grid = c.grid;
  *block = c.block;
  *shared_bytes = c.shared_bytes;
  *static_cast<cudaStream_t*>(stream) = c.stream;
  return cudaSuccess;
}
cudaError_t __cudaGetKernel(cudaKernel_t* kernel, const void* function) {
  *kernel = reinterpret_cast<cudaKernel_t>(const_cast<void*>(function));
  return cudaSuccess;
}
cudaError_t __cudaLaunchKernel(cudaKernel_t kernel, dim3 grid, dim3 block, void**, std::size_t shared_bytes,
                               cudaStream_t stream) {
  STUB_CALL;
  return launch_kernel(kernel, grid, block, shared_bytes, stream);
}
cudaError_t cudaLaunchKernel(const void* function, dim3 grid, dim3 block, void**, std::size_t shared_bytes,
                             cudaStream_t stream) {
  STUB_CALL;
  return launch_kernel(function, grid, block, shared_bytes, stream);
}
cudaError_t cudaLaunchKernelExC(const cudaLaunchConfig_t* c, const void* function, void**) {
  STUB_CALL;
  return launch_kernel(function, c->gridDim, c->blockDim, c->dynamicSmemBytes, c->stream);
}

cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* a, const void* function) {
  STUB_CALL;
  Function& f = function_at(function);
  *a = {};
  a->ptxVersion = a->binaryVersion = 90;
  a->maxThreadsPerBlock = 1024;
  a->sharedSizeBytes = 1024;  // kernels/device/runtime.cuh tells by them for which GPU the code is
  a->numRegs = 64;
  a->maxDynamicSharedSizeBytes = static_cast<int>(f.shared_bytes);
  return cudaSuccess;
}
cudaError_t cudaFuncSetAttribute(const void* function, cudaFuncAttribute attribute, int value) {
  STUB_CALL;
  Function& f = function_at(function);
  if (attribute == cudaFuncAttributeMaxDynamicSharedMemorySize) {
    if (value < 0 || value > static_cast<int>(most_shared_bytes)) return remember(cudaErrorInvalidValue);
    f.shared_bytes = static_cast<std::size_t>(value);
  } else if (attribute != cudaFuncAttributePreferredSharedMemoryCarveout) {
    fault(text("attribute ", static_cast<int>(attribute), " is not what this stub knows"));
  }
  return cudaSuccess;
}

cudaError_t cudaGetDriverEntryPointByVersion(const char* symbol, void** function, unsigned, unsigned long long,
                                             cudaDriverEntryPointQueryResult* result) {
  STUB_CALL;
  return entry_point(symbol, function, result);
}

}  // extern "C"
