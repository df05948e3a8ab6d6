// A device without one of its fusions: a modified copy of its kernel tables takes their place, in this program only.
#pragma once

#include <array>

#include <tinygan/tensor/registry.hpp>

namespace tinygan::bench {

/// What kernels of a training step do besides their own work.
enum class Fusion {
  partial_statistics,      ///< products and convolutions leave partial batch statistics of their result
  split_weight_gradients,  ///< Adam adds up the split-K partial sums of a weight gradient
  activation_gradients,    ///< a cotangent is multiplied by the activation's derivative as it is stored
};

inline constexpr std::array<Fusion, 3> all_fusions{Fusion::partial_statistics, Fusion::split_weight_gradients,
                                                   Fusion::activation_gradients};

inline const char* name_of(Fusion f) {
  switch (f) {
    case Fusion::partial_statistics: return "partial statistics";
    case Fusion::split_weight_gradients: return "split weight gradients";
    case Fusion::activation_gradients: return "activation gradients";
  }
  return "";
}

namespace detail {

/// The table of elements T in one precision without a fusion. Entries are plain functions, so what they call is static.
template <class T, int PrecisionIndex, DeviceType Type>
class AblatedTable {
 public:
  static const KernelTable<T>* of(const KernelTable<T>* original, Fusion without) {
    if (!original) return nullptr;
    static std::array<KernelTable<T>, all_fusions.size()> tables;
    original_ = original;
    KernelTable<T>& t = tables[static_cast<std::size_t>(without)];
    t = *original;
    switch (without) {
      case Fusion::partial_statistics:
        t.gemm_moment_pieces = [](const GemmDims&) -> index_t { return 0; };
        t.conv2d_moment_pieces = [](const ConvDims&, ConvSlot) -> index_t { return 0; };
        break;
      case Fusion::split_weight_gradients: t.conv2d_slab_count = [](const ConvDims&) -> index_t { return 0; }; break;
      case Fusion::activation_gradients:
        t.gemm = [](const GemmDims& d, const Epilogue<T>& e, const T* a, const T* b, T* c, void* workspace, Stream s) {
          original_->gemm(d, before(e), a, b, c, workspace, s);
          multiply(d.M * d.N, e, c, s);
        };
        t.conv2d = [](const ConvDims& d, const Epilogue<T>& e, const T* x, const T* w, T* y, void* workspace,
                      Stream s) {
          original_->conv2d(d, before(e), x, w, y, workspace, s);
          multiply(d.y_shape().size(), e, y, s);
        };
        t.conv2d_input_grad = [](const ConvDims& d, const Epilogue<T>& e, const T* g, const T* w, T* dx,
                                 void* workspace, Stream s) {
          original_->conv2d_input_grad(d, before(e), g, w, dx, workspace, s);
          multiply(d.x_shape().size(), e, dx, s);
        };
        break;
    }
    return &t;
  }

 private:
  static Epilogue<T> before(const Epilogue<T>& e) { return e.output ? Epilogue<T>{} : e; }

  /// y = y activation'(.), the pass of its own that the op would make.
  static void multiply(index_t n, const Epilogue<T>& e, T* y, Stream s) {
    if (!e.output || e.activation == Activation::none) return;
    BroadcastDims d;
    constexpr int last = BroadcastDims::rank - 1;
    d.extent[last] = n;
    d.a_stride[last] = d.b_stride[last] = 1;
    const bool rectifier = e.activation == Activation::relu || e.activation == Activation::leaky_relu;
    const BinaryOp op = rectifier                             ? BinaryOp::leaky_relu_grad
                        : e.activation == Activation::sigmoid ? BinaryOp::sigmoid_grad
                                                              : BinaryOp::tanh_grad;
    original_->binary(op, d, e.activation == Activation::leaky_relu ? e.slope : 0, y, e.output, y, s);
  }

  inline static const KernelTable<T>* original_ = nullptr;
};

template <DeviceType Type>
const DeviceBackend* ablated_backend(const DeviceBackend& original, Fusion without) {
  static std::array<DeviceBackend, all_fusions.size()> backends;
  DeviceBackend& b = backends[static_cast<std::size_t>(without)];
  b = original;
  b.float_kernels[0] = AblatedTable<float, 0, Type>::of(original.float_kernels[0], without);
  b.float_kernels[1] = AblatedTable<float, 1, Type>::of(original.float_kernels[1], without);
  b.float_kernels[2] = AblatedTable<float, 2, Type>::of(original.float_kernels[2], without);
  b.bfloat16_kernels = AblatedTable<bfloat16, 0, Type>::of(original.bfloat16_kernels, without);
  return &b;
}

}  // namespace detail

/// While it lives, whatever is queued or captured on devices of this type is without a fusion. A graph that was
/// captured stays as it is. One at a time.
class Ablation {
 public:
  /// Throws Error where the program has no such device; the CPU's kernels are not replaced.
  Ablation(Device device, Fusion without) : type_(device.type), original_(&backend(device)) {
    register_backend(type_, type_ == DeviceType::cuda
                                ? detail::ablated_backend<DeviceType::cuda>(*original_, without)
                                : detail::ablated_backend<DeviceType::emulated>(*original_, without));
  }
  ~Ablation() { register_backend(type_, original_); }
  Ablation(const Ablation&) = delete;
  Ablation& operator=(const Ablation&) = delete;

 private:
  DeviceType type_;
  const DeviceBackend* original_;
};

}  // namespace tinygan::bench
