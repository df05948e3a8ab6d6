// Pointwise CUDA kernels on the emulated device against their formulas in double, at every size and alignment.
#include <bit>

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
    case UnaryOp::sin: return std::sin(x);
    case UnaryOp::cos: return std::cos(x);
    case UnaryOp::erf: return std::erf(x);
    case UnaryOp::gelu: return 0.5 * x * std::erfc(-x / std::sqrt(2.0));
    case UnaryOp::silu: return x * (1 / (1 + std::exp(-x)));
    case UnaryOp::power: return std::pow(x, alpha);
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
    case BinaryOp::leaky_relu_grad: return b > 0 ? a : alpha * a;
    case BinaryOp::sigmoid_grad: return a * b * (1 - b);
    case BinaryOp::tanh_grad: return a * (1 - b * b);
    case BinaryOp::equal: return a == b;
    case BinaryOp::keep: return b != 0 ? a : 0;
    case BinaryOp::drop: return b != 0 ? 0 : a;
    case BinaryOp::gelu_grad:
      return a * (0.5 * std::erfc(-b / std::sqrt(2.0)) + b * std::exp(-b * b / 2) / std::sqrt(2 * M_PI));
    case BinaryOp::silu_grad: {
      const double s = 1 / (1 + std::exp(-b));
      return a * s * (1 + b * (1 - s));
    }
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

template <class T>
void check_unary() {
  const float special[] = {0.0f,
                           -0.0f,
                           100.0f,
                           -100.0f,
                           std::numeric_limits<float>::infinity(),
                           -std::numeric_limits<float>::infinity(),
                           std::numeric_limits<float>::quiet_NaN()};
  for (int op = 0; op <= static_cast<int>(UnaryOp::power); ++op)
    for (const index_t n : sizes)
      for (const int offset : alignments<T>()) {
        CAPTURE(op, n, offset);
        const auto kind = static_cast<UnaryOp>(op);
        const Operand<T> x(n, offset);
        for (index_t i = 0; i < n; ++i) x[i] = T(4 * static_cast<float>(x[i]));
        if (n > 100)
          std::transform(std::begin(special), std::end(special), x.data() + 17, [](float v) { return T(v); });
        const float alpha = -0.25f, beta = 0.5f;
        const auto y =
            both_ways<T>(n, [&](T* out) { emulated_kernels<T>().unary(kind, n, alpha, beta, x.data(), out, {}); });
        const auto expected = [&](index_t i) {
          const double want = reference(kind, -0.25, 0.5, static_cast<double>(x.data()[i]));
          return want > std::numeric_limits<float>::max() ? std::numeric_limits<double>::infinity()
                                                          : want;  // e^100 in float
        };
        check_stored(y, expected,
                     [&](index_t i) { return bound(expected(i), expected(i), static_cast<double>(x.data()[i])); });
      }
}

TEST_CASE("Emulated unary: every operation, size and alignment") { check_unary<float>(); }
TEST_CASE("Emulated unary of bfloat16: every operation, size and alignment") { check_unary<bfloat16>(); }

template <class T>
void check_in_place() {
  const index_t n = 1027;
  const Operand<T> x(n, 0), b(n, 0, 2);
  const auto square = both_ways<T>(n, [&](T* y) {
    std::copy_n(x.data(), n, y);
    emulated_kernels<T>().unary(UnaryOp::square, n, 0, 0, y, y, {});
  });
  const auto sum = both_ways<T>(n, [&](T* y) {
    std::copy_n(x.data(), n, y);
    BroadcastDims d;
    d.extent[5] = n;
    d.a_stride[5] = d.b_stride[5] = 1;
    emulated_kernels<T>().binary(BinaryOp::add, d, 0, b.data(), y, y, {});
  });
  for (index_t i = 0; i < n; ++i) {
    CHECK(square[static_cast<std::size_t>(i)] == T(x[i] * x[i]));
    CHECK(sum[static_cast<std::size_t>(i)] == T(x[i] + b[i]));
  }
}

TEST_CASE("Emulated unary and binary may work in place") {
  check_in_place<float>();
  check_in_place<bfloat16>();
}

template <class T>
void check_binary(BinaryOp op, const BroadcastDims& d, const Operand<T>& a, const Operand<T>& b) {
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
  const auto y =
      both_ways<T>(n, [&](T* out) { emulated_kernels<T>().binary(op, d, 0.2f, a.data(), b.data(), out, {}); });
  const auto value = [](const Operand<T>& x, const std::vector<index_t>& at, index_t i) {
    return static_cast<double>(x.data()[at[static_cast<std::size_t>(i)]]);
  };
  const auto expected = [&](index_t i) {
    return reference(op, static_cast<double>(0.2f), value(a, a_at, i), value(b, b_at, i));
  };
  check_stored(y, expected, [&](index_t i) { return bound(expected(i), value(a, a_at, i), value(b, b_at, i)); });
}

template <class T>
void check_binary_operations() {
  for (int op = 0; op <= static_cast<int>(BinaryOp::silu_grad); ++op)
    for (const int offset : alignments<T>()) {
      CAPTURE(op, offset);
      const auto kind = static_cast<BinaryOp>(op);
      const Operand<T> a(1031, offset), b(1031, 0, 2);
      if (kind != BinaryOp::div) b.data()[5] = a.data()[7] = T(std::numeric_limits<float>::quiet_NaN());
      a.data()[9] = b.data()[9];
      check_binary(kind, {{1, 1, 1, 1, 1, 1031}, {0, 0, 0, 0, 0, 1}, {0, 0, 0, 0, 0, 1}}, a, b);
      check_binary(kind, {{1, 1, 1, 1, 7, 12}, {0, 0, 0, 0, 12, 1}, {0, 0, 0, 0, 0, 1}}, a, b);
    }
}

TEST_CASE("Emulated binary: every operation, dense and broadcast") { check_binary_operations<float>(); }
TEST_CASE("Emulated binary of bfloat16: every operation, dense and broadcast") { check_binary_operations<bfloat16>(); }

template <class T>
void check_broadcasts() {
  for (const int offset : {0, 2}) {
    const Operand<T> a(4000, 0), b(4000, offset, 2);
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

TEST_CASE("Emulated binary: awkward broadcasts") {
  check_broadcasts<float>();
  check_broadcasts<bfloat16>();
}

template <class T>
void check_fill_and_copy() {
  for (const index_t n : sizes)
    for (const int offset : {0, 3, 4}) {
      const Operand<T> y(n + 1, offset);
      std::vector<T> expected = y.values();
      std::fill_n(expected.begin(), n, T(7.3f));
      const T before = y.data()[-1];
      emulated_kernels<T>().fill(n, 7.3f, y.data(), {});
      CHECK((y.values() == expected && y.data()[-1] == before));
    }
  for (const CopyDims d : {CopyDims{1, 1, 1, 1}, CopyDims{1, 1029, 0, 0}, CopyDims{7, 8, 12, 16}, CopyDims{7, 8, 9, 8},
                           CopyDims{5, 3, 8, 4}, CopyDims{3, 4096, 4100, 4096}, CopyDims{5, 16, 32, 24}}) {
    CAPTURE(d.outer, d.inner, d.src_stride, d.dst_stride);
    const Operand<T> x(d.outer * std::max(d.src_stride, d.inner), 0);
    const index_t size = d.outer * std::max(d.dst_stride, d.inner);
    const auto y = both_ways<T>(size, [&](T* out) { emulated_kernels<T>().copy(d, x.data(), out, {}); });
    std::vector<T> expected(static_cast<std::size_t>(size));
    std::memset(static_cast<void*>(expected.data()), 0xff, expected.size() * sizeof(T));
    for (index_t o = 0; o < d.outer; ++o)
      for (index_t i = 0; i < d.inner; ++i)
        expected[static_cast<std::size_t>(o * d.dst_stride + i)] = x.data()[o * d.src_stride + i];
    CHECK(first_difference(y, expected) == "");
  }
}

TEST_CASE("Emulated fill and copy") {
  check_fill_and_copy<float>();
  check_fill_and_copy<bfloat16>();
}

/// Floats of all kinds: ties between two bfloat16, the largest, subnormal ones, infinities and NaN among random ones.
std::vector<float> awkward_floats(index_t size) {
  std::vector<float> v = random_values<float>(size, 3);
  const std::uint32_t bits[] = {0x3f808000, 0x3f818000, 0x3f808001, 0x3f807fff, 0x7f7fffff, 0x7f7f7fff, 0x00000001,
                                0x00018000, 0x80000000, 0x7f800000, 0xff800000, 0x7fc00000, 0x7f800001};
  for (std::size_t i = 0; i < std::size(bits) && i < v.size(); ++i) v[i] = std::bit_cast<float>(bits[i]);
  return v;
}

template <class T>
void check_conversions() {
  for (const index_t n : {1, 3, 4, 5, 7, 8, 13, 4099})
    for (const int offset : alignments<T>()) {
      CAPTURE(n, offset);
      const std::vector<float> values = awkward_floats(n);
      const Operand<float> wide(n, offset);
      const Operand<T> narrow(n, offset);
      std::copy(values.begin(), values.end(), wide.data());
      std::transform(values.begin(), values.end(), narrow.data(), [](float v) { return T(v); });
      const auto narrowed = both_ways<T>(n, [&](T* y) { emulated_kernels<T>().narrow(n, wide.data(), y, {}); });
      CHECK(first_difference(narrowed, narrow.values()) == "");
      const std::vector<T> stored = narrow.values();
      const auto widened = both_ways(n, [&](float* y) { emulated_kernels<T>().widen(n, narrow.data(), y, {}); });
      CHECK(first_difference(widened, std::vector<float>(stored.begin(), stored.end())) == "");

      emulated_kernels<T>().narrow(n, values.data(), narrow.data(), {});  // the other side unaligned
      CHECK(first_difference(narrow.values(), stored) == "");
      emulated_kernels<T>().widen(n, stored.data(), wide.data(), {});
      CHECK(first_difference(wide.values(), widened) == "");
    }
}

TEST_CASE("Emulated narrow and widen: to nearest even, and exactly") {
  check_conversions<float>();
  check_conversions<bfloat16>();
}

/// x of these extents, its axes in every order.
template <class T>
void check_permute(const std::vector<index_t>& extents) {
  const std::size_t rank = extents.size();
  std::vector<index_t> stride(rank, 1);
  for (std::size_t axis = rank - 1; axis > 0; --axis) stride[axis - 1] = stride[axis] * extents[axis];
  const Operand<T> x(stride[0] * extents[0], 1);
  std::vector<std::size_t> order(rank);
  for (std::size_t axis = 0; axis < rank; ++axis) order[axis] = axis;
  do {
    PermuteDims d;
    for (std::size_t axis = 0; axis < rank; ++axis) {
      d.extent[PermuteDims::rank - rank + axis] = extents[order[axis]];
      d.stride[PermuteDims::rank - rank + axis] = stride[order[axis]];
    }
    const auto y = both_ways<T>(x.size(), [&](T* out) { emulated_kernels<T>().permute(d, x.data(), out, {}); });
    check_elements(
        y,
        [&](index_t i) {
          index_t from = 0;
          for (int axis = PermuteDims::rank - 1; axis >= 0; --axis) {
            from += i % d.extent[axis] * d.stride[axis];
            i /= d.extent[axis];
          }
          return static_cast<double>(x.data()[from]);
        },
        [](index_t) { return 0.0; });
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST_CASE("Emulated permute: all orders of the axes") {
  check_permute<float>({1});
  check_permute<float>({33, 65});
  check_permute<float>({3, 34, 33});
  check_permute<float>({2, 3, 1, 5});
  check_permute<bfloat16>({33, 65});
  check_permute<bfloat16>({3, 34, 33});
}

}  // namespace
}  // namespace tinygan
