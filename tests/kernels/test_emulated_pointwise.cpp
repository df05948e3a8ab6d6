// Pointwise CUDA kernels on the emulated device against their formulas in double, at every size and alignment.
#include "kernels/emulated.hpp"

namespace tinygan {
namespace {

using namespace test;

double reference(UnaryOp op, double alpha, double beta, double x) {
  switch (op) {
    case UnaryOp::affine: return alpha * x + beta;
    case UnaryOp::exp: return std::exp(x);
    case UnaryOp::log: return std::log(x);
    case UnaryOp::sqrt: return std::sqrt(x);
    case UnaryOp::reciprocal: return 1 / x;
    case UnaryOp::square: return x * x;
    case UnaryOp::abs: return std::fabs(x);
    case UnaryOp::sign: return x > 0 ? 1 : x < 0 ? -1 : x;
    case UnaryOp::softplus: return std::isnan(x) ? x : std::max(x, 0.0) + std::log1p(std::exp(-std::fabs(x)));
    case UnaryOp::sigmoid: return 1 / (1 + std::exp(-x));
    case UnaryOp::tanh: return std::tanh(x);
    case UnaryOp::relu: return x < 0 ? 0 : x;
    case UnaryOp::leaky_relu: return x > 0 ? x : alpha * x;
    case UnaryOp::clamp: return x < alpha ? alpha : x > beta ? beta : x;
  }
  return 0;
}

double reference(BinaryOp op, double alpha, double a, double b) {
  switch (op) {
    case BinaryOp::add: return a + b;
    case BinaryOp::sub: return a - b;
    case BinaryOp::mul: return a * b;
    case BinaryOp::div: return a / b;
    case BinaryOp::maximum: return std::isnan(a) || std::isnan(b) ? std::nan("") : std::max(a, b);
    case BinaryOp::minimum: return std::isnan(a) || std::isnan(b) ? std::nan("") : std::min(a, b);
    case BinaryOp::greater: return a > b;
    case BinaryOp::greater_equal: return a >= b;
    case BinaryOp::relu_grad: return b > 0 ? a : 0;
    case BinaryOp::leaky_relu_grad: return b > 0 ? a : alpha * a;
    case BinaryOp::sigmoid_grad: return a * b * (1 - b);
    case BinaryOp::tanh_grad: return a * (1 - b * b);
  }
  return 0;
}

/// Operations rounded once each: at most 4 of them, on values no larger than |a| + |b| + 1 and the result. A NaN
/// operand that the result does not depend on adds nothing.
double bound(double result, double a, double b) {
  const auto size = [](double v) { return std::isnan(v) ? 0 : std::fabs(v); };
  return 4 * float_eps * (size(result) + size(a) + size(b) + 1);
}

constexpr index_t sizes[] = {1, 3, 4, 5, 1023, 4099};

TEST_CASE("Emulated unary: every operation, size and alignment") {
  const float special[] = {0.0f, -0.0f, 100.0f, -100.0f, std::numeric_limits<float>::infinity(),
                           -std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()};
  for (int op = 0; op <= static_cast<int>(UnaryOp::clamp); ++op)
    for (const index_t n : sizes)
      for (const int offset : {0, 1}) {
        CAPTURE(op, n, offset);
        const auto kind = static_cast<UnaryOp>(op);
        const Operand x(n, offset);
        for (index_t i = 0; i < n; ++i) x.data()[i] *= 4;
        if (n > 100) std::copy(std::begin(special), std::end(special), x.data() + 17);
        const float alpha = -0.25f, beta = 0.5f;
        const auto y =
            both_ways(n, [&](float* out) { emulated_kernels().unary(kind, n, alpha, beta, x.data(), out, {}); });
        const auto expected = [&](index_t i) {
          const double want = reference(kind, -0.25, 0.5, static_cast<double>(x.data()[i]));
          return want > std::numeric_limits<float>::max() ? std::numeric_limits<double>::infinity()
                                                          : want;  // e^100 in float
        };
        check_elements(y, expected,
                       [&](index_t i) { return bound(expected(i), expected(i), static_cast<double>(x.data()[i])); });
      }
}

TEST_CASE("Emulated unary and binary may work in place") {
  const index_t n = 1027;
  const Operand x(n, 0), b(n, 0, 2);
  const auto square = both_ways(n, [&](float* y) {
    std::copy_n(x.data(), n, y);
    emulated_kernels().unary(UnaryOp::square, n, 0, 0, y, y, {});
  });
  const auto sum = both_ways(n, [&](float* y) {
    std::copy_n(x.data(), n, y);
    BroadcastDims d;
    d.extent[5] = n;
    d.a_stride[5] = d.b_stride[5] = 1;
    emulated_kernels().binary(BinaryOp::add, d, 0, b.data(), y, y, {});
  });
  for (index_t i = 0; i < n; ++i) {
    CHECK(square[static_cast<std::size_t>(i)] == x.data()[i] * x.data()[i]);
    CHECK(sum[static_cast<std::size_t>(i)] == x.data()[i] + b.data()[i]);
  }
}

void check_binary(BinaryOp op, const BroadcastDims& d, const Operand<>& a, const Operand<>& b) {
  const index_t n = d.size();
  std::vector<index_t> a_at, b_at;
  for (index_t i = 0; i < n; ++i) {
    index_t rest = i, from_a = 0, from_b = 0;
    for (int axis = BroadcastDims::rank - 1; axis >= 0; --axis) {
      from_a += rest % d.extent[axis] * d.a_stride[axis];
      from_b += rest % d.extent[axis] * d.b_stride[axis];
      rest /= d.extent[axis];
    }
    a_at.push_back(from_a), b_at.push_back(from_b);
  }
  const auto y = both_ways(n, [&](float* out) { emulated_kernels().binary(op, d, 0.2f, a.data(), b.data(), out, {}); });
  const auto value = [](const Operand<>& x, const std::vector<index_t>& at, index_t i) {
    return static_cast<double>(x.data()[at[static_cast<std::size_t>(i)]]);
  };
  const auto expected = [&](index_t i) {
    return reference(op, static_cast<double>(0.2f), value(a, a_at, i), value(b, b_at, i));
  };
  check_elements(y, expected, [&](index_t i) { return bound(expected(i), value(a, a_at, i), value(b, b_at, i)); });
}

TEST_CASE("Emulated binary: every operation, dense and broadcast") {
  for (int op = 0; op <= static_cast<int>(BinaryOp::tanh_grad); ++op)
    for (const int offset : {0, 1}) {
      CAPTURE(op, offset);
      const auto kind = static_cast<BinaryOp>(op);
      const Operand a(1031, offset), b(1031, 0, 2);
      if (kind != BinaryOp::div) b.data()[5] = a.data()[7] = std::numeric_limits<float>::quiet_NaN();
      a.data()[9] = b.data()[9];
      check_binary(kind, {{1, 1, 1, 1, 1, 1031}, {0, 0, 0, 0, 0, 1}, {0, 0, 0, 0, 0, 1}}, a, b);
      check_binary(kind, {{1, 1, 1, 1, 7, 12}, {0, 0, 0, 0, 12, 1}, {0, 0, 0, 0, 0, 1}}, a, b);
    }
}

TEST_CASE("Emulated binary: awkward broadcasts") {
  for (const int offset : {0, 2}) {
    const Operand a(4000, 0), b(4000, offset, 2);
    const BroadcastDims cases[] = {
        {{1, 1, 1, 1, 1, 1}, {}, {}},                                       // two scalars
        {{1, 1, 1, 1, 1, 37}, {}, {0, 0, 0, 0, 0, 1}},                      // scalar, vector
        {{1, 1, 1, 1, 8, 16}, {0, 0, 0, 0, 1, 0}, {0, 0, 0, 0, 0, 1}},      // column, row
        {{1, 1, 1, 1, 16, 8}, {0, 0, 0, 0, 1, 16}, {0, 0, 0, 0, 8, 1}},     // transposed, dense
        {{1, 1, 2, 3, 5, 4}, {0, 0, 60, 20, 4, 1}, {0, 0, 12, 0, 4, 1}},    // packs, a middle axis repeated
        {{1, 1, 2, 3, 5, 3}, {0, 0, 45, 15, 3, 1}, {0, 0, 9, 0, 3, 1}},     // the same, no packs
        {{2, 3, 2, 2, 3, 5}, {180, 60, 30, 15, 5, 1}, {1, 0, 2, 0, 4, 0}},  // six axes
        {{1, 1, 1, 1, 9, 4}, {0, 0, 0, 0, 6, 1}, {0, 0, 0, 0, 4, 1}},       // rows at uneven places
    };
    for (const BroadcastDims& d : cases) {
      CAPTURE(d.size(), offset);
      check_binary(BinaryOp::sub, d, a, b);
    }
  }
}

TEST_CASE("Emulated fill and copy") {
  for (const index_t n : sizes)
    for (const int offset : {0, 3}) {
      const Operand y(n + 1, offset);
      std::vector<float> expected = y.values();
      std::fill_n(expected.begin(), n, 7.0f);
      const float before = y.data()[-1];
      emulated_kernels().fill(n, 7.0f, y.data(), {});
      CHECK((y.values() == expected && y.data()[-1] == before));
    }
  for (const CopyDims d : {CopyDims{1, 1, 1, 1}, CopyDims{1, 1029, 0, 0}, CopyDims{7, 8, 12, 16}, CopyDims{7, 8, 9, 8},
                           CopyDims{5, 3, 8, 4}, CopyDims{3, 4096, 4100, 4096}}) {
    CAPTURE(d.outer, d.inner, d.src_stride, d.dst_stride);
    const Operand x(d.outer * std::max(d.src_stride, d.inner), 0);
    const index_t size = d.outer * std::max(d.dst_stride, d.inner);
    const auto y = both_ways(size, [&](float* out) { emulated_kernels().copy(d, x.data(), out, {}); });
    auto expected = poisoned<float>(size);
    for (float& v : expected) std::memset(&v, 0xff, sizeof v);
    for (index_t o = 0; o < d.outer; ++o)
      for (index_t i = 0; i < d.inner; ++i)
        expected[static_cast<std::size_t>(o * d.dst_stride + i)] = x.data()[o * d.src_stride + i];
    CHECK(same_bits(y, expected));
  }
}

/// x of these extents, its axes in every order.
void check_permute(const std::vector<index_t>& extents) {
  const std::size_t rank = extents.size();
  std::vector<index_t> stride(rank, 1);
  for (std::size_t axis = rank - 1; axis > 0; --axis) stride[axis - 1] = stride[axis] * extents[axis];
  const Operand x(stride[0] * extents[0], 1);
  std::vector<std::size_t> order(rank);
  for (std::size_t axis = 0; axis < rank; ++axis) order[axis] = axis;
  do {
    PermuteDims d;
    for (std::size_t axis = 0; axis < rank; ++axis) {
      d.extent[PermuteDims::rank - rank + axis] = extents[order[axis]];
      d.stride[PermuteDims::rank - rank + axis] = stride[order[axis]];
    }
    const auto y = both_ways(x.size(), [&](float* out) { emulated_kernels().permute(d, x.data(), out, {}); });
    check_elements(y, [&](index_t i) {
      index_t from = 0;
      for (int axis = PermuteDims::rank - 1; axis >= 0; --axis) {
        from += i % d.extent[axis] * d.stride[axis];
        i /= d.extent[axis];
      }
      return static_cast<double>(x.data()[from]);
    }, [](index_t) { return 0.0; });
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST_CASE("Emulated permute: all orders of the axes") {
  check_permute({1});
  check_permute({33, 65});
  check_permute({3, 34, 33});
  check_permute({2, 3, 1, 5});
}

}  // namespace
}  // namespace tinygan
