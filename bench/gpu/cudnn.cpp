// cuDNN as an opponent: its algorithms, chosen by its own search or heuristic and measured once more here.
#include <cudnn.h>

#include <algorithm>
#include <array>

#include <tinygan/backend/taps.hpp>

#include "cudnn_layout.hpp"
#include "fastest.hpp"
#include "operands.hpp"

// The functions with the search for the best algorithm are deprecated since cuDNN 9 and complete in it.
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

namespace tinygan::bench::gpu {

namespace {

constexpr std::size_t workspace_bytes = std::size_t{1} << 30;

void check_cudnn(cudnnStatus_t status, const char* call) {
  check(status == CUDNN_STATUS_SUCCESS, call, cudnnGetErrorString(status));
}

cudnnHandle_t handle() {
  static const cudnnHandle_t one = [] {
    cudnnHandle_t h = nullptr;
    check_cudnn(cudnnCreate(&h), "cudnnCreate");
    check_cudnn(cudnnSetStream(h, bench_stream()), "cudnnSetStream");  // for the searches; calls name it again
    return h;
  }();
  return one;
}

/// Operands of one layout, and the calls.
class Convolution {
 public:
  Convolution(const ConvProblem& p, bool planar)
      : d_(p.dims), output_(p.output), half_(p.precision == Precision::bf16), biased_(p.bias != nullptr),
        exact_(p.precision == Precision::fp32), even_(p.dims),
        x_({d_.N, d_.H * d_.W, d_.C, false, even_.turned, planar}),
        w_({d_.K, d_.R * d_.S, d_.C, true, even_.turned, planar}),
        g_({d_.N, d_.P * d_.Q, d_.K, false, even_.turned, planar}), operands_(operands_of(p)),
        workspace_(workspace_bytes) {
    const cudnnTensorFormat_t format = planar ? CUDNN_TENSOR_NCHW : CUDNN_TENSOR_NHWC;
    const cudnnDataType_t type = half_ ? CUDNN_DATA_BFLOAT16 : CUDNN_DATA_FLOAT;
    const auto n = [](index_t i) { return static_cast<int>(i); };
    const auto tensor = [&](index_t N, index_t C, index_t H, index_t W) {
      cudnnTensorDescriptor_t t = nullptr;
      check_cudnn(cudnnCreateTensorDescriptor(&t), "cudnnCreateTensorDescriptor");
      check_cudnn(cudnnSetTensor4dDescriptor(t, format, type, n(N), n(C), n(H), n(W)), "cudnnSetTensor4dDescriptor");
      return t;
    };
    x_of_ = tensor(d_.N, d_.C, d_.H, d_.W);
    g_of_ = tensor(d_.N, d_.K, d_.P, d_.Q);
    bias_of_ = tensor(1, output_ == ConvSlot::g ? d_.K : d_.C, 1, 1);
    check_cudnn(cudnnCreateFilterDescriptor(&w_of_), "cudnnCreateFilterDescriptor");
    check_cudnn(cudnnSetFilter4dDescriptor(w_of_, type, format, n(d_.K), n(d_.C), n(d_.R), n(d_.S)),
                "cudnnSetFilter4dDescriptor");
    check_cudnn(cudnnCreateConvolutionDescriptor(&conv_), "cudnnCreateConvolutionDescriptor");
    check_cudnn(
        cudnnSetConvolution2dDescriptor(conv_, n(even_.pad.h), n(even_.pad.w), n(d_.stride_h), n(d_.stride_w),
                                        n(d_.dilation_h), n(d_.dilation_w), CUDNN_CROSS_CORRELATION, CUDNN_DATA_FLOAT),
        "cudnnSetConvolution2dDescriptor");
    set_math(exact_ ? CUDNN_FMA_MATH : CUDNN_TENSOR_OP_MATH);
    check_cudnn(cudnnCreateActivationDescriptor(&relu_), "cudnnCreateActivationDescriptor");
    check_cudnn(cudnnSetActivationDescriptor(relu_, CUDNN_ACTIVATION_RELU, CUDNN_PROPAGATE_NAN, 0),
                "cudnnSetActivationDescriptor");
  }
  ~Convolution() {
    cudnnDestroyActivationDescriptor(relu_);
    cudnnDestroyConvolutionDescriptor(conv_);
    cudnnDestroyFilterDescriptor(w_of_);
    for (cudnnTensorDescriptor_t t : {x_of_, g_of_, bias_of_}) cudnnDestroyTensorDescriptor(t);
  }
  Convolution(const Convolution&) = delete;
  Convolution& operator=(const Convolution&) = delete;

  struct Algorithm {
    int number;
    cudnnMathType_t math;
  };

  /// The first few by cuDNN's own search, which times every algorithm, or for a large problem by its heuristic.
  std::vector<Algorithm> algorithms() {
    void *first = operands_.at<void>(0, 0), *second = operands_.at<void>(1, 0), *result = operands_.at<void>(2, 0);
    void* const work = workspace_.data();
    const bool exhaustive = 2.0 * static_cast<double>(nominal_macs(d_)) < exhaustive_search_flops;
    const auto search = [&]<class Perf>(Perf, const auto& find) {
      std::array<Perf, 12> found{};
      int count = 0;
      check_cudnn(find(static_cast<int>(found.size()), &count, found.data()),
                  exhaustive ? "cudnnFindConvolution...Algorithm" : "cudnnGetConvolution...Algorithm");
      std::vector<Algorithm> usable;
      for (int i = 0; i < count && static_cast<int>(usable.size()) < conv_algorithms; ++i) {
        const Perf& perf = found[static_cast<std::size_t>(i)];
        if (perf.status != CUDNN_STATUS_SUCCESS || perf.memory > workspace_bytes) continue;
        usable.push_back({static_cast<int>(perf.algo), exact_ ? CUDNN_FMA_MATH : perf.mathType});
      }
      return usable;
    };
    switch (output_) {
      case ConvSlot::g:
        return search(cudnnConvolutionFwdAlgoPerf_t{}, [&](int room, int* count, cudnnConvolutionFwdAlgoPerf_t* to) {
          return exhaustive
                     ? cudnnFindConvolutionForwardAlgorithmEx(handle(), x_of_, first, w_of_, second, conv_, g_of_,
                                                              result, room, count, to, work, workspace_bytes)
                     : cudnnGetConvolutionForwardAlgorithm_v7(handle(), x_of_, w_of_, conv_, g_of_, room, count, to);
        });
      case ConvSlot::x:
        return search(
            cudnnConvolutionBwdDataAlgoPerf_t{}, [&](int room, int* count, cudnnConvolutionBwdDataAlgoPerf_t* to) {
              return exhaustive ? cudnnFindConvolutionBackwardDataAlgorithmEx(handle(), w_of_, second, g_of_, first,
                                                                              conv_, x_of_, result, room, count, to,
                                                                              work, workspace_bytes)
                                : cudnnGetConvolutionBackwardDataAlgorithm_v7(handle(), w_of_, g_of_, conv_, x_of_,
                                                                              room, count, to);
            });
      case ConvSlot::w:
        return search(
            cudnnConvolutionBwdFilterAlgoPerf_t{}, [&](int room, int* count, cudnnConvolutionBwdFilterAlgoPerf_t* to) {
              return exhaustive ? cudnnFindConvolutionBackwardFilterAlgorithmEx(handle(), x_of_, first, g_of_, second,
                                                                                conv_, w_of_, result, room, count, to,
                                                                                work, workspace_bytes)
                                : cudnnGetConvolutionBackwardFilterAlgorithm_v7(handle(), x_of_, g_of_, conv_, w_of_,
                                                                                room, count, to);
            });
    }
    return {};
  }

  /// The partial, then bias and ReLU as two more calls if there is a bias.
  void run(const Algorithm& a, int set, cudaStream_t stream) {
    void *first = operands_.at<void>(0, set), *second = operands_.at<void>(1, set),
         *result = operands_.at<void>(2, set);
    const float one = 1, zero = 0;
    begin(a, stream);
    switch (output_) {
      case ConvSlot::g:
        check_cudnn(cudnnConvolutionForward(handle(), &one, x_of_, first, w_of_, second, conv_,
                                            static_cast<cudnnConvolutionFwdAlgo_t>(a.number), workspace_.data(),
                                            workspace_bytes, &zero, g_of_, result),
                    "cudnnConvolutionForward");
        break;
      case ConvSlot::x:
        check_cudnn(cudnnConvolutionBackwardData(handle(), &one, w_of_, second, g_of_, first, conv_,
                                                 static_cast<cudnnConvolutionBwdDataAlgo_t>(a.number),
                                                 workspace_.data(), workspace_bytes, &zero, x_of_, result),
                    "cudnnConvolutionBackwardData");
        break;
      case ConvSlot::w:
        check_cudnn(cudnnConvolutionBackwardFilter(handle(), &one, x_of_, first, g_of_, second, conv_,
                                                   static_cast<cudnnConvolutionBwdFilterAlgo_t>(a.number),
                                                   workspace_.data(), workspace_bytes, &zero, w_of_, result),
                    "cudnnConvolutionBackwardFilter");
        break;
    }
    if (!biased_) return;
    const cudnnTensorDescriptor_t out = output_ == ConvSlot::g ? g_of_ : x_of_;
    check_cudnn(cudnnAddTensor(handle(), &one, bias_of_, operands_.at<void>(3, set), &one, out, result),
                "cudnnAddTensor");
    check_cudnn(cudnnActivationForward(handle(), relu_, &one, out, result, &zero, out, result),
                "cudnnActivationForward");
  }

  /// Forward only: everything in one call.
  void run_fused(const Algorithm& a, int set, cudaStream_t stream) {
    void* const result = operands_.at<void>(2, set);
    const float one = 1, zero = 0;
    begin(a, stream);
    check_cudnn(cudnnConvolutionBiasActivationForward(
                    handle(), &one, x_of_, operands_.at<void>(0, set), w_of_, operands_.at<void>(1, set), conv_,
                    static_cast<cudnnConvolutionFwdAlgo_t>(a.number), workspace_.data(), workspace_bytes, &zero, g_of_,
                    result, bias_of_, operands_.at<void>(3, set), relu_, g_of_, result),
                "cudnnConvolutionBiasActivationForward");
  }

  int sets() const { return operands_.sets(); }

  std::vector<float> result() const {
    const Arrangement& r = arrangement(output_);
    const std::vector<float> theirs =
        half_ ? floats_of<bfloat16>(operands_, 2, r.size()) : floats_of<float>(operands_, 2, r.size());
    std::vector<float> ours(theirs.size());
    r.for_each(
        [&](index_t to, index_t from) { ours[static_cast<std::size_t>(to)] = theirs[static_cast<std::size_t>(from)]; });
    return ours;
  }

 private:
  const Arrangement& arrangement(ConvSlot slot) const {
    return slot == ConvSlot::x ? x_ : slot == ConvSlot::g ? g_ : w_;
  }

  void set_math(cudnnMathType_t math) {
    check_cudnn(cudnnSetConvolutionMathType(conv_, math), "cudnnSetConvolutionMathType");
  }
  void begin(const Algorithm& a, cudaStream_t stream) {
    check_cudnn(cudnnSetStream(handle(), stream), "cudnnSetStream");
    set_math(a.math);
  }

  Rotation operands_of(const ConvProblem& p) const {
    std::array<Buffer<float>, 2> arranged;
    const auto arrange = [&](std::size_t place, const Arrangement& a, const float* from) -> Values {
      arranged[place] = uninitialised<float>(a.size());
      float* const to = arranged[place].get();
      a.for_each([=](index_t ours, index_t theirs) { to[theirs] = from[ours]; });
      return {to, a.size()};
    };
    const Values first = arrange(0, arrangement(output_ == ConvSlot::x ? ConvSlot::g : ConvSlot::x), p.first);
    const Values second = arrange(1, arrangement(output_ == ConvSlot::w ? ConvSlot::g : ConvSlot::w), p.second);
    const std::vector<Values> values{
        first, second, {nullptr, arrangement(output_).size()}, {p.bias, output_ == ConvSlot::g ? d_.K : d_.C}};
    return half_ ? rotation_of<bfloat16>(values) : rotation_of<float>(values);
  }

  ConvDims d_;
  ConvSlot output_;
  bool half_, biased_, exact_;
  EvenPadding even_;
  Arrangement x_, w_, g_;
  Rotation operands_;  // first, second, result, bias
  DeviceMemory workspace_;
  cudnnTensorDescriptor_t x_of_ = nullptr, g_of_ = nullptr, bias_of_ = nullptr;
  cudnnFilterDescriptor_t w_of_ = nullptr;
  cudnnConvolutionDescriptor_t conv_ = nullptr;
  cudnnActivationDescriptor_t relu_ = nullptr;
};

}  // namespace

bool have_cudnn() { return true; }
std::string cudnn_version() {
  const std::size_t v = cudnnGetVersion();
  return text("cuDNN ", v / 10000, '.', v / 100 % 100, '.', v % 100);
}

Contestant cudnn_conv(const ConvProblem& p) {
  std::vector<Contestant> ways;
  std::string reason;
  for (const bool planar : {false, true}) {
    const char* const layout = planar ? "NCHW" : "NHWC";
    const auto conv = std::make_shared<Convolution>(p, planar);
    std::vector<Convolution::Algorithm> algorithms;
    try {
      algorithms = conv->algorithms();
    } catch (const Error& e) {
      reason = e.what();  // many algorithms know one layout only
      continue;
    }
    for (const Convolution::Algorithm& a : algorithms) {
      const auto way = [&](const char* how,
                           void (Convolution::*run)(const Convolution::Algorithm&, int, cudaStream_t)) {
        ways.push_back({.name = text("cuDNN algorithm ", a.number, ' ', layout, how),
                        .sets = conv->sets(),
                        .run = [conv, a, run](int set, cudaStream_t stream) { ((*conv).*run)(a, set, stream); },
                        .result = [conv] { return conv->result(); }});
      };
      way(p.bias ? ", three calls" : "", &Convolution::run);
      if (p.bias && p.output == ConvSlot::g) way(", fused", &Convolution::run_fused);
    }
  }
  check(!ways.empty(), "cuDNN", "no algorithm for this problem: ", reason);
  return fastest("cuDNN", ways);
}

}  // namespace tinygan::bench::gpu
