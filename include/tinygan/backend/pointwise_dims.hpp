// Pointwise operations, reductions and copies: their names and problems.
#pragma once

#include <tinygan/base/shape.hpp>

namespace tinygan {

/// y = f(x); alpha and beta are the parameters where the formula names them.
enum class UnaryOp {
  affine,      ///< alpha*x + beta
  exp,         ///< e^x
  log,         ///< ln x
  sqrt,        ///< x^(1/2)
  reciprocal,  ///< 1/x
  square,      ///< x^2
  abs,         ///< |x|
  sign,        ///< -1, 0, 1
  softplus,    ///< ln(1 + e^x), without overflow
  sigmoid,     ///< 1 / (1 + e^-x)
  tanh,        ///< tanh x
  relu,        ///< max(x, 0)
  leaky_relu,  ///< x > 0 ? x : alpha*x
  clamp,       ///< min(max(x, alpha), beta)
  sin,         ///< sin x
  cos,         ///< cos x
  erf,         ///< 2/sqrt(pi) int_0^x e^(-t^2) dt
  gelu,        ///< x Phi(x), Phi the normal distribution: (1 + erf(x/sqrt 2)) / 2
  silu,        ///< x / (1 + e^-x)
  power,       ///< x^alpha
};

/// y = f(a, b), after broadcasting.
enum class BinaryOp {
  add,              ///< a + b
  sub,              ///< a - b
  mul,              ///< a * b
  div,              ///< a / b
  maximum,          ///< max(a, b)
  minimum,          ///< min(a, b)
  greater,          ///< a > b ? 1 : 0
  greater_equal,    ///< a >= b ? 1 : 0
  leaky_relu_grad,  ///< b > 0 ? a : alpha*a      (a: cotangent, b: leaky_relu's output or input)
  sigmoid_grad,     ///< a * b * (1 - b)          (b: sigmoid's output)
  tanh_grad,        ///< a * (1 - b^2)            (b: tanh's output)
  equal,            ///< a == b ? 1 : 0
  keep,             ///< b != 0 ? a : 0           (b: a mask; what it drops may be infinite or NaN)
  drop,             ///< b != 0 ? 0 : a
  gelu_grad,        ///< a * (Phi(b) + b phi(b))  (b: gelu's input, phi = Phi')
  silu_grad,        ///< a * s * (1 + b (1 - s))  (b: silu's input, s = 1 / (1 + e^-b))
};

/// y(extent...) = f(a, b), row-major; a stride of 0 repeats an operand along that axis. Adjacent axes are merged as far
/// as the strides allow, so most problems have rank 1 or 2; unused leading axes have extent 1.
struct BroadcastDims {
  static constexpr int rank = Shape::max_rank;
  index_t extent[rank] = {1, 1, 1, 1, 1, 1};
  index_t a_stride[rank] = {};
  index_t b_stride[rank] = {};

  index_t size() const {
    index_t n = 1;
    for (index_t e : extent) n *= e;
    return n;
  }
};

/// What a reduction combines elements by.
enum class ReduceOp { sum, max, min };

/// y(outer, inner) = reduce over the middle of x(outer, reduced, inner).
struct ReduceDims {
  index_t outer = 1, reduced = 1, inner = 1;
};

/// y(outer, extent, inner) = sums of x(outer, extent, inner) along the middle axis, up to each element, it included.
struct ScanDims {
  /// Sums begin at the first element, or at the last.
  enum class Order { forward, reverse };

  index_t outer = 1, extent = 1, inner = 1;
  Order order = Order::forward;
};

/// dst[o*dst_stride + i] = src[o*src_stride + i] for o < outer, i < inner.
struct CopyDims {
  index_t outer = 1, inner = 1, src_stride = 0, dst_stride = 0;
};

/// y(extent...) = x at the permuted coordinate: output axis i walks x with stride[i].
struct PermuteDims {
  static constexpr int rank = Shape::max_rank;
  index_t extent[rank] = {1, 1, 1, 1, 1, 1};
  index_t stride[rank] = {};
};

}  // namespace tinygan
