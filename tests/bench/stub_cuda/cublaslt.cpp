// cuBLASLt of the stub: three algorithms for every product, the last of which cannot run.
#include <cublasLt.h>

#include <cstring>

#include "stub.hpp"

namespace stub {
namespace {

struct Layout {
  std::size_t bytes;
};

Objects<int>& handles() {
  static auto& all = *new Objects<int>("a handle of cuBLASLt");
  return all;
}
Objects<int>& products() {
  static auto& all = *new Objects<int>("a description of a product");
  return all;
}
Objects<Layout>& layouts() {
  static auto& all = *new Objects<Layout>("a layout of a matrix");
  return all;
}
Objects<int>& preferences() {
  static auto& all = *new Objects<int>("a preference");
  return all;
}

constexpr int algorithms = 3;

}  // namespace
}  // namespace stub

using namespace stub;

extern "C" {

size_t cublasLtGetVersion() { return 0; }
const char* cublasLtGetStatusString(cublasStatus_t) { return "an error of the stub"; }

cublasStatus_t cublasLtCreate(cublasLtHandle_t* handle) {
  STUB_CALL;
  check_not_capturing();
  *handle = static_cast<cublasLtHandle_t>(handles().create(0));
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t* product, cublasComputeType_t, cudaDataType_t) {
  STUB_CALL;
  *product = static_cast<cublasLtMatmulDesc_t>(products().create(0));
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulDescDestroy(const cublasLtMatmulDesc_t product) {
  STUB_CALL;
  products().destroy(product);
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t product, cublasLtMatmulDescAttributes_t attribute,
                                              const void* value, size_t) {
  STUB_CALL;
  products().at(product);
  if (attribute == CUBLASLT_MATMUL_DESC_BIAS_POINTER) {
    const void* bias = nullptr;
    std::memcpy(&bias, value, sizeof bias);
    check_memory(bias, 2, "the bias");
  }
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t* layout, cudaDataType type, uint64_t rows,
                                          uint64_t columns, int64_t leading) {
  STUB_CALL;
  if (leading < static_cast<int64_t>(rows)) fault("a leading dimension below the number of rows");
  *layout = static_cast<cublasLtMatrixLayout_t>(layouts().create({rows * columns * (type == CUDA_R_32F ? 4 : 2)}));
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatrixLayoutDestroy(const cublasLtMatrixLayout_t layout) {
  STUB_CALL;
  layouts().destroy(layout);
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t* preference) {
  STUB_CALL;
  *preference = static_cast<cublasLtMatmulPreference_t>(preferences().create(0));
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t preference) {
  STUB_CALL;
  preferences().destroy(preference);
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t preference,
                                                    cublasLtMatmulPreferenceAttributes_t, const void*, size_t) {
  STUB_CALL;
  preferences().at(preference);
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t handle, cublasLtMatmulDesc_t product,
                                              cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                                              cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d,
                                              cublasLtMatmulPreference_t preference, int room,
                                              cublasLtMatmulHeuristicResult_t found[], int* count) {
  STUB_CALL;
  handles().at(handle);
  products().at(product);
  preferences().at(preference);
  for (const void* layout : {a, b, c, d}) layouts().at(layout);
  for (*count = 0; *count < room && *count < algorithms; ++*count) {
    found[*count] = {};
    found[*count].state = CUBLAS_STATUS_SUCCESS;
    found[*count].algo.data[0] = static_cast<uint64_t>(*count);
  }
  stub::count(__func__);
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmul(cublasLtHandle_t handle, cublasLtMatmulDesc_t product, const void*, const void* a,
                              cublasLtMatrixLayout_t a_of, const void* b, cublasLtMatrixLayout_t b_of, const void*,
                              const void* c, cublasLtMatrixLayout_t c_of, void* d, cublasLtMatrixLayout_t d_of,
                              const cublasLtMatmulAlgo_t* algorithm, void* workspace, size_t workspace_bytes,
                              cudaStream_t stream) {
  STUB_CALL;
  handles().at(handle);
  products().at(product);
  check_memory(a, layouts().at(a_of).bytes, "the first matrix");
  check_memory(b, layouts().at(b_of).bytes, "the second matrix");
  check_memory(c, layouts().at(c_of).bytes, "the third matrix");
  check_memory(d, layouts().at(d_of).bytes, "the result");
  check_memory(workspace, workspace_bytes, "the workspace");
  if (algorithm->data[0] + 1 == algorithms) return CUBLAS_STATUS_NOT_SUPPORTED;
  queue(stream, __func__, 1e-5 * static_cast<double>(1 + 9 * algorithm->data[0]));
  return CUBLAS_STATUS_SUCCESS;
}

}  // extern "C"
