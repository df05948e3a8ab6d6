#include <algorithm>
#include <numeric>

#include <tinygan/cpu/pointwise.hpp>

#include "support/cpu_kernels.hpp"

using namespace tinygan;
using namespace tinygan::cpu_test;

namespace {

// ---- unary ------------------------------------------------------------------------------------------------------

constexpr UnaryOp unary_ops[] = {UnaryOp::affine,     UnaryOp::exp,     UnaryOp::log,  UnaryOp::sqrt,
                                 UnaryOp::reciprocal, UnaryOp::square,  UnaryOp::abs,  UnaryOp::sign,
                                 UnaryOp::softplus,   UnaryOp::sigmoid, UnaryOp::tanh, UnaryOp::relu,
                                 UnaryOp::leaky_relu, UnaryOp::clamp,   UnaryOp::sin,  UnaryOp::cos,
                                 UnaryOp::erf,        UnaryOp::gelu,    UnaryOp::silu, UnaryOp::power};

double exact(UnaryOp op, double x, double alpha, double beta) {
  switch (op) {
    case UnaryOp::affine: return alpha * x + beta;
    case UnaryOp::exp: return std::exp(x);
    case UnaryOp::log: return std::log(x);
    case UnaryOp::sqrt: return std::sqrt(x);
    case UnaryOp::reciprocal: return 1 / x;
    case UnaryOp::square: return x * x;
    case UnaryOp::abs: return std::fabs(x);
    case UnaryOp::sign: return x > 0 ? 1 : x < 0 ? -1 : 0;
    case UnaryOp::softplus: return std::max(x, 0.0) + std::log1p(std::exp(-std::fabs(x)));
    case UnaryOp::sigmoid: return 1 / (1 + std::exp(-x));
    case UnaryOp::tanh: return std::tanh(x);
    case UnaryOp::relu: return std::max(x, 0.0);
    case UnaryOp::leaky_relu: return x > 0 ? x : alpha * x;
    case UnaryOp::clamp: return std::min(std::max(x, alpha), beta);
    case UnaryOp::sin: return std::sin(x);
    case UnaryOp::cos: return std::cos(x);
    case UnaryOp::erf: return std::erf(x);
    case UnaryOp::gelu: return 0.5 * x * std::erfc(-x / std::sqrt(2.0));
    case UnaryOp::silu: return x / (1 + std::exp(-x));
    case UnaryOp::power: return std::pow(x, alpha);
  }
  return NAN;
}

template <class T>
void check_unary(UnaryOp op, index_t n) {
  INFO("op " << static_cast<int>(op) << ", n " << n);
  const T alpha = T(-0.3), beta = T(0.7);
  auto x = numbers<T>(n, 3, -4, 4);
  if (op == UnaryOp::log || op == UnaryOp::sqrt || op == UnaryOp::power)
    for (T& value : x) value = std::fabs(value);
  if (n > 5) x[4] = op == UnaryOp::log || op == UnaryOp::reciprocal || op == UnaryOp::power ? T(1) : T(0);
  Expected want(n);
  for (index_t i = 0; i < n; ++i) {
    const auto value = static_cast<double>(x[as_size(i)]);
    const double y = exact(op, value, static_cast<double>(alpha), static_cast<double>(beta));
    const double terms = op == UnaryOp::affine
                             ? std::fabs(static_cast<double>(alpha) * value) + static_cast<double>(beta)
                         : op == UnaryOp::gelu ? std::fabs(value)  // times a distribution of at most 1
                                               : 0;
    want.set(i, y, 3 * eps<T> * (std::fabs(y) + terms) + eps<double> * std::fabs(y));
  }
  check_everywhere<T>({want}, [&] {
    auto y = poisoned<T>(n);
    cpu::unary(op, n, alpha, beta, x.data(), y.data(), {});
    return std::vector<std::vector<T>>{y};
  });
  for_each_isa([&] {  // in place
    auto y = x;
    cpu::unary(op, n, alpha, beta, y.data(), y.data(), {});
    CHECK(first_wrong(y, want.value, want.bound) == "");
  });
}

// ---- binary -----------------------------------------------------------------------------------------------------

constexpr BinaryOp binary_ops[] = {BinaryOp::add,          BinaryOp::sub,           BinaryOp::mul,
                                   BinaryOp::div,          BinaryOp::maximum,       BinaryOp::minimum,
                                   BinaryOp::greater,      BinaryOp::greater_equal, BinaryOp::leaky_relu_grad,
                                   BinaryOp::sigmoid_grad, BinaryOp::tanh_grad,     BinaryOp::equal,
                                   BinaryOp::keep,         BinaryOp::drop,          BinaryOp::gelu_grad,
                                   BinaryOp::silu_grad};

/// The value, and the magnitude that the rounding errors are relative to.
double exact(BinaryOp op, double a, double b, double alpha, double& magnitude) {
  magnitude = 0;
  switch (op) {
    case BinaryOp::add: magnitude = std::fabs(a + b); return a + b;
    case BinaryOp::sub: magnitude = std::fabs(a - b); return a - b;
    case BinaryOp::mul: magnitude = std::fabs(a * b); return a * b;
    case BinaryOp::div: magnitude = std::fabs(a / b); return a / b;
    case BinaryOp::maximum: return std::max(a, b);
    case BinaryOp::minimum: return std::min(a, b);
    case BinaryOp::greater: return a > b;
    case BinaryOp::greater_equal: return a >= b;
    case BinaryOp::leaky_relu_grad: magnitude = std::fabs(a); return b > 0 ? a : alpha * a;
    case BinaryOp::sigmoid_grad: magnitude = std::fabs(a * b) * (1 + std::fabs(b)); return a * b * (1 - b);
    case BinaryOp::tanh_grad: magnitude = std::fabs(a) * (1 + b * b); return a * (1 - b * b);
    case BinaryOp::equal: return a == b;
    case BinaryOp::keep: return b != 0 ? a : 0;
    case BinaryOp::drop: return b != 0 ? 0 : a;
    case BinaryOp::gelu_grad:
      magnitude = std::fabs(a) * (1 + std::fabs(b));
      return a * (0.5 * std::erfc(-b / std::sqrt(2.0)) + b * std::exp(-b * b / 2) / std::sqrt(2 * M_PI));
    case BinaryOp::silu_grad: {
      const double s = 1 / (1 + std::exp(-b));
      magnitude = std::fabs(a) * (1 + std::fabs(b));
      return a * s * (1 + b * (1 - s));
    }
  }
  return NAN;
}

/// The extents of y, and for each operand the axes it is repeated along (a bit per axis).
struct Broadcast {
  std::vector<index_t> extent;
  unsigned a_repeats, b_repeats;
};

BroadcastDims dims_of(const Broadcast& b, index_t& a_size, index_t& b_size) {
  BroadcastDims d;
  a_size = b_size = 1;
  const int rank = static_cast<int>(b.extent.size());
  for (int axis = rank - 1; axis >= 0; --axis) {
    const int at = BroadcastDims::rank - rank + axis;
    const index_t extent = b.extent[as_size(axis)];
    const bool a_repeats = (b.a_repeats >> axis & 1u) != 0, b_repeats = (b.b_repeats >> axis & 1u) != 0;
    d.extent[at] = extent;
    d.a_stride[at] = a_repeats ? 0 : a_size;
    d.b_stride[at] = b_repeats ? 0 : b_size;
    if (!a_repeats) a_size *= extent;
    if (!b_repeats) b_size *= extent;
  }
  return d;
}

template <class T>
void check_binary(BinaryOp op, const Broadcast& shape) {
  index_t a_size, b_size;
  const BroadcastDims d = dims_of(shape, a_size, b_size);
  INFO("op " << static_cast<int>(op) << ", rank " << shape.extent.size() << ", n " << d.size() << ", repeats "
             << shape.a_repeats << " and " << shape.b_repeats);
  const T alpha = T(0.3);
  auto a = numbers<T>(a_size, 21), b = numbers<T>(b_size, 22);
  for (std::size_t i = 0; i < b.size(); i += 7)
    b[i] = op == BinaryOp::div ? T(1) : T(0);  // the edges of the comparisons
  for (std::size_t i = 0; i < a.size(); i += 14) a[i] = T(0);
  Expected want(d.size());
  for (index_t i = 0; i < d.size(); ++i) {
    index_t rest = i, at_a = 0, at_b = 0;
    for (int axis = BroadcastDims::rank - 1; axis >= 0; --axis) {
      at_a += rest % d.extent[axis] * d.a_stride[axis];
      at_b += rest % d.extent[axis] * d.b_stride[axis];
      rest /= d.extent[axis];
    }
    double magnitude;
    const double y = exact(op, static_cast<double>(a[as_size(at_a)]), static_cast<double>(b[as_size(at_b)]),
                           static_cast<double>(alpha), magnitude);
    want.set(i, y, 3 * eps<T> * magnitude);
  }
  check_everywhere<T>({want}, [&] {
    auto y = poisoned<T>(d.size());
    cpu::binary(op, d, alpha, a.data(), b.data(), y.data(), {});
    return std::vector<std::vector<T>>{y};
  });
}

// ---- copies -----------------------------------------------------------------------------------------------------

template <class T>
void check_copy(const CopyDims& d) {
  INFO("outer " << d.outer << ", inner " << d.inner);
  const auto src = numbers<T>((d.outer - 1) * d.src_stride + d.inner, 7);
  std::vector<T> want(as_size((d.outer - 1) * d.dst_stride + d.inner), T(-9));
  auto got = want;
  for (index_t o = 0; o < d.outer; ++o)
    for (index_t i = 0; i < d.inner; ++i) want[as_size(o * d.dst_stride + i)] = src[as_size(o * d.src_stride + i)];
  cpu::copy(d, src.data(), got.data(), {});
  CHECK(first_difference(got, want) == "");
}

template <class T>
void check_permute(const std::vector<index_t>& shape) {
  std::vector<int> order(shape.size());
  std::iota(order.begin(), order.end(), 0);
  const int rank = static_cast<int>(shape.size());
  index_t size = 1;
  std::vector<index_t> stride(shape.size());
  for (std::size_t axis = shape.size(); axis-- > 0; size *= shape[axis]) stride[axis] = size;
  const auto x = numbers<T>(size, 8);
  do {
    PermuteDims d;
    for (int axis = 0; axis < rank; ++axis) {
      d.extent[PermuteDims::rank - rank + axis] = shape[as_size(order[as_size(axis)])];
      d.stride[PermuteDims::rank - rank + axis] = stride[as_size(order[as_size(axis)])];
    }
    std::vector<T> want(x.size());
    for (index_t i = 0; i < size; ++i) {
      index_t rest = i, at = 0;
      for (int axis = PermuteDims::rank - 1; axis >= 0; --axis) {
        at += rest % d.extent[axis] * d.stride[axis];
        rest /= d.extent[axis];
      }
      want[as_size(i)] = x[as_size(at)];
    }
    auto y = poisoned<T>(size);
    cpu::permute(d, x.data(), y.data(), {});
    CHECK(first_difference(y, want) == "");
  } while (std::next_permutation(order.begin(), order.end()));
}

template <class T>
void check_softmax(index_t rows, index_t channels, double shift) {
  INFO("rows " << rows << ", channels " << channels << ", shift " << shift);
  const NormDims d{rows, channels};
  const auto x = numbers<T>(rows * channels, 31, shift - 5, shift + 5);
  // x - max is at most 10, so its rounding is 4 eps; e^ of it has 3 eps more. Both in the numerator and in the sum,
  // then a reciprocal and a product: 15 eps. The logarithm of the sum has the sum's 7 eps; it, the difference and the
  // rounded sum have half an eps each of their size.
  Expected soft(rows * channels), log_soft(rows * channels);
  for (index_t r = 0; r < rows; ++r) {
    double sum = 0, largest = -HUGE_VAL;
    for (index_t c = 0; c < channels; ++c)
      largest = std::max(largest, static_cast<double>(x[as_size(r * channels + c)]));
    for (index_t c = 0; c < channels; ++c) sum += std::exp(static_cast<double>(x[as_size(r * channels + c)]) - largest);
    for (index_t c = 0; c < channels; ++c) {
      const double shifted = static_cast<double>(x[as_size(r * channels + c)]) - largest, y = std::exp(shifted) / sum;
      soft.set(r * channels + c, y, (16 * eps<T> + static_cast<double>(channels) * eps<double>)*y);
      log_soft.set(
          r * channels + c, shifted - std::log(sum),
          (16 * eps<T> + static_cast<double>(channels) * eps<double>)*(std::fabs(shifted) + std::log(sum) + 1));
    }
  }
  check_everywhere<T>({soft, log_soft}, [&] {
    auto y = poisoned<T>(rows * channels), z = poisoned<T>(rows * channels);
    cpu::softmax(d, x.data(), y.data(), {});
    cpu::log_softmax(d, x.data(), z.data(), {});
    return std::vector<std::vector<T>>{y, z};
  });
}

}  // namespace

TEST_CASE("cpu unary: every op against double", "[cpu][pointwise]") {
  for (const UnaryOp op : unary_ops)
    for (const index_t n : {1, 7, 16, 33, 1000, 70001}) {
      check_unary<float>(op, n);
      if (n < 2000) check_unary<double>(op, n);
    }
}

TEST_CASE("cpu unary: infinities and NaN", "[cpu][pointwise]") {
  constexpr float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> x = {inf, -inf, nan, -0.0f};
  const auto run = [&](UnaryOp op) {
    auto y = poisoned<float>(4);
    cpu::unary(op, 4, 0.5f, 2.0f, x.data(), y.data(), {});
    return y;
  };
  for_each_isa([&] {
    CHECK(first_wrong(run(UnaryOp::affine), {inf, -inf, nan, 2}) == "");
    CHECK(first_wrong(run(UnaryOp::reciprocal), {0, -0.0f, nan, -inf}) == "");
    CHECK(first_wrong(run(UnaryOp::square), {inf, inf, nan, 0}) == "");
    CHECK(first_wrong(run(UnaryOp::abs), {inf, inf, nan, 0}) == "");
    CHECK(first_wrong(run(UnaryOp::sign), {1, -1, nan, 0}) == "");
    CHECK(first_wrong(run(UnaryOp::relu), {inf, 0, nan, 0}) == "");
    CHECK(first_wrong(run(UnaryOp::leaky_relu), {inf, -inf, nan, 0}) == "");
    CHECK(first_wrong(run(UnaryOp::clamp), {2, 0.5f, nan, 0.5f}) == "");
  });
}

TEST_CASE("cpu binary: every op, broadcasting along every axis", "[cpu][pointwise]") {
  const std::vector<Broadcast> shapes = {{{1}, 0, 0},
                                         {{5}, 0, 0},
                                         {{70001}, 0, 0},
                                         {{70001}, 0, 1},
                                         {{70001}, 1, 0},
                                         {{97}, 1, 1},
                                         {{11, 64}, 0, 1},
                                         {{601, 64}, 0, 1},
                                         {{601, 64}, 0, 2},
                                         {{64, 601}, 1, 2},
                                         {{257, 3}, 0, 1},
                                         {{257, 3}, 0, 2},
                                         {{20011, 3}, 1, 0},
                                         {{7, 1025}, 2, 0},
                                         {{3, 4099}, 0, 2},
                                         {{5, 7, 11}, 0, 1},
                                         {{5, 7, 11}, 0, 2},
                                         {{5, 7, 11}, 0, 4},
                                         {{5, 7, 11}, 5, 2},
                                         {{5, 7, 11}, 3, 4},
                                         {{2, 3, 40}, 2, 5},
                                         {{2, 3, 5, 7}, 5, 10},
                                         {{2, 3, 5, 33}, 9, 6},
                                         {{2, 3, 2, 5, 2, 3}, 21, 42},
                                         {{2, 1, 3, 1, 35}, 4, 16}};
  for (const Broadcast& shape : shapes)
    for (const BinaryOp op : binary_ops) {
      check_binary<float>(op, shape);
      if (op == BinaryOp::add || op == BinaryOp::tanh_grad) check_binary<double>(op, shape);
    }
}

TEST_CASE("cpu binary: operands of any stride", "[cpu][pointwise]") {
  for (const index_t n : {5, 40, 3000}) {  // y(7, n) = a(n, 7)^T - b
    BroadcastDims d;
    d.extent[4] = 7, d.extent[5] = n;
    d.a_stride[4] = 1, d.a_stride[5] = 7;
    d.b_stride[4] = n, d.b_stride[5] = 1;
    const auto a = numbers<float>(7 * n, 1), b = numbers<float>(7 * n, 2);
    auto y = poisoned<float>(7 * n), want = y;
    for (index_t i = 0; i < 7; ++i)
      for (index_t j = 0; j < n; ++j) want[as_size(i * n + j)] = a[as_size(j * 7 + i)] - b[as_size(i * n + j)];
    cpu::binary(BinaryOp::sub, d, 0.0f, a.data(), b.data(), y.data(), {});
    CHECK(first_difference(y, want) == "");
  }
}

TEST_CASE("cpu binary: NaN goes through maximum and minimum", "[cpu][pointwise]") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> a = {nan, 1, nan, 3}, b = {1, nan, nan, 2};
  BroadcastDims d;
  d.extent[5] = 4;
  d.a_stride[5] = d.b_stride[5] = 1;
  for_each_isa([&] {
    for (const BinaryOp op : {BinaryOp::maximum, BinaryOp::minimum}) {
      auto y = poisoned<float>(4);
      cpu::binary(op, d, 0.0f, a.data(), b.data(), y.data(), {});
      CHECK(first_wrong(y, {nan, nan, nan, op == BinaryOp::maximum ? 3.0f : 2.0f}) == "");
    }
  });
}

TEST_CASE("cpu fill and copy", "[cpu][pointwise]") {
  for (const index_t n : {1, 15, 1024, 1025, 100003}) {
    auto y = poisoned<float>(n);
    cpu::fill(n, 2.5f, y.data(), {});
    CHECK(first_difference(y, std::vector<float>(as_size(n), 2.5f)) == "");
  }
  for (const CopyDims& d : {CopyDims{1, 1, 1, 1}, CopyDims{5, 3, 7, 4}, CopyDims{1, 100003, 0, 0},
                            CopyDims{3, 40000, 40001, 40002}, CopyDims{20000, 2, 5, 3}, CopyDims{4, 6, 0, 6}}) {
    check_copy<float>(d);
    check_copy<double>(d);
  }
}

TEST_CASE("cpu permute: every order of the axes", "[cpu][pointwise]") {
  const std::vector<std::vector<index_t>> shapes = {
      {7},         {5, 3},       {131, 67},    {1, 9, 4},       {3, 5, 7},
      {33, 2, 41}, {2, 3, 5, 7}, {4, 1, 6, 3}, {2, 3, 2, 2, 3}, {2, 1, 3, 2, 2, 3}};
  for (const std::vector<index_t>& shape : shapes) {
    check_permute<float>(shape);
    check_permute<double>(shape);
  }
}

TEST_CASE("cpu softmax and its logarithm", "[cpu][pointwise]") {
  for (const double shift : {0.0, 100.0, -1000.0})
    for (const auto& [rows, channels] : {std::pair<index_t, index_t>{1, 1}, {3, 10}, {5, 17}, {2, 1000}, {4001, 10}}) {
      check_softmax<float>(rows, channels, shift);
      check_softmax<double>(rows, channels, shift);
    }
}
