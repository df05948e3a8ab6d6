// cuBLASLt as an opponent.
#include <cublasLt.h>

#include <array>

#include "fastest.hpp"
#include "operands.hpp"

namespace tinygan::bench::gpu {

namespace {

constexpr std::size_t workspace_bytes = std::size_t{64} << 20;

void check_cublas(cublasStatus_t status, const char* call) {
  check(status == CUBLAS_STATUS_SUCCESS, call, cublasLtGetStatusString(status));
}

cublasLtHandle_t handle() {
  static const cublasLtHandle_t one = [] {
    cublasLtHandle_t h = nullptr;
    check_cublas(cublasLtCreate(&h), "cublasLtCreate");
    return h;
  }();
  return one;
}

/// A product as cuBLAS, which counts columns first, sees it: c^T(N,M) = op(b)^T op(a)^T.
class Matmul {
 public:
  explicit Matmul(const GemmProblem& p)
      : biased_(p.bias != nullptr), half_(p.precision == Precision::bf16), size_(p.dims.M * p.dims.N),
        algorithms_(algorithms_of(2.0 * static_cast<double>(p.dims.M) * static_cast<double>(p.dims.N) *
                                  static_cast<double>(p.dims.K))),
        operands_(operands_of(p)), workspace_(workspace_bytes) {
    const GemmDims& d = p.dims;
    const cudaDataType_t type = half_ ? CUDA_R_16BF : CUDA_R_32F;
    const cublasComputeType_t compute =
        p.precision == Precision::tf32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F;
    check_cublas(cublasLtMatmulDescCreate(&product_, compute, CUDA_R_32F), "cublasLtMatmulDescCreate");
    set(CUBLASLT_MATMUL_DESC_TRANSA, d.trans_b ? CUBLAS_OP_T : CUBLAS_OP_N);
    set(CUBLASLT_MATMUL_DESC_TRANSB, d.trans_a ? CUBLAS_OP_T : CUBLAS_OP_N);
    if (biased_) set(CUBLASLT_MATMUL_DESC_EPILOGUE, CUBLASLT_EPILOGUE_RELU_BIAS);
    left_ = layout(type, d.trans_b ? d.K : d.N, d.trans_b ? d.N : d.K);
    right_ = layout(type, d.trans_a ? d.M : d.K, d.trans_a ? d.K : d.M);
    result_ = layout(type, d.N, d.M);
  }
  ~Matmul() {
    for (cublasLtMatrixLayout_t l : {left_, right_, result_}) cublasLtMatrixLayoutDestroy(l);
    cublasLtMatmulDescDestroy(product_);
  }
  Matmul(const Matmul&) = delete;
  Matmul& operator=(const Matmul&) = delete;

  std::vector<cublasLtMatmulHeuristicResult_t> algorithms() {
    cublasLtMatmulPreference_t preference = nullptr;
    check_cublas(cublasLtMatmulPreferenceCreate(&preference), "cublasLtMatmulPreferenceCreate");
    cublasLtMatmulPreferenceSetAttribute(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &workspace_bytes,
                                         sizeof workspace_bytes);
    std::vector<cublasLtMatmulHeuristicResult_t> found(static_cast<std::size_t>(algorithms_));
    int count = 0;
    if (biased_) set_bias(0);
    const cublasStatus_t status =
        cublasLtMatmulAlgoGetHeuristic(handle(), product_, left_, right_, result_, result_, preference,
                                       static_cast<int>(found.size()), found.data(), &count);
    cublasLtMatmulPreferenceDestroy(preference);
    check_cublas(status, "cublasLtMatmulAlgoGetHeuristic");
    found.resize(static_cast<std::size_t>(count));
    return found;
  }

  void run(const cublasLtMatmulAlgo_t& algorithm, int set, cudaStream_t stream) {
    const float one = 1, zero = 0;
    if (biased_) set_bias(set);
    void* const c = operands_.at<void>(2, set);
    check_cublas(
        cublasLtMatmul(handle(), product_, &one, operands_.at<void>(1, set), left_, operands_.at<void>(0, set), right_,
                       &zero, c, result_, c, result_, &algorithm, workspace_.data(), workspace_bytes, stream),
        "cublasLtMatmul");
  }

  int sets() const { return operands_.sets(); }
  std::vector<float> result() const {
    return half_ ? floats_of<bfloat16>(operands_, 2, size_) : floats_of<float>(operands_, 2, size_);
  }

 private:
  template <class V>
  void set(cublasLtMatmulDescAttributes_t attribute, V value) {
    check_cublas(cublasLtMatmulDescSetAttribute(product_, attribute, &value, sizeof value),
                 "cublasLtMatmulDescSetAttribute");
  }
  void set_bias(int set_number) {
    set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, static_cast<const void*>(operands_.at<void>(3, set_number)));
  }

  static cublasLtMatrixLayout_t layout(cudaDataType_t type, index_t rows, index_t columns) {
    cublasLtMatrixLayout_t l = nullptr;
    check_cublas(cublasLtMatrixLayoutCreate(&l, type, static_cast<std::uint64_t>(rows),
                                            static_cast<std::uint64_t>(columns), rows),
                 "cublasLtMatrixLayoutCreate");
    return l;
  }

  static Rotation operands_of(const GemmProblem& p) {
    const GemmDims& d = p.dims;
    const std::vector<Values> values{{p.a, d.M * d.K}, {p.b, d.K * d.N}, {nullptr, d.M * d.N}, {p.bias, d.N}};
    return p.precision == Precision::bf16 ? rotation_of<bfloat16>(values) : rotation_of<float>(values);
  }

  bool biased_, half_;
  index_t size_;
  int algorithms_;     // at most
  Rotation operands_;  // a, b, c, bias
  DeviceMemory workspace_;
  cublasLtMatmulDesc_t product_ = nullptr;
  cublasLtMatrixLayout_t left_ = nullptr, right_ = nullptr, result_ = nullptr;
};

}  // namespace

bool have_cublas() { return true; }
std::string cublas_version() {
  const std::size_t v = cublasLtGetVersion();
  return text("cuBLASLt ", v / 10000, '.', v / 100 % 100, '.', v % 100);
}

Contestant cublas_gemm(const GemmProblem& p) {
  const auto product = std::make_shared<Matmul>(p);
  std::vector<Contestant> ways;
  const auto algorithms = product->algorithms();
  for (std::size_t i = 0; i < algorithms.size(); ++i)
    ways.push_back({.name = text("cuBLASLt, its choice ", i + 1, " of ", algorithms.size()),
                    .sets = product->sets(),
                    .run = [product, algorithm = algorithms[i].algo](
                               int set, cudaStream_t stream) { product->run(algorithm, set, stream); },
                    .result = [product] { return product->result(); }});
  return fastest("cuBLASLt", ways);
}

}  // namespace tinygan::bench::gpu
