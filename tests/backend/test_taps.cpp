// Tap lists against the defining formula y[p] += x[p*stride + r*dilation - pad] w[r], and against each other.
#include <tinygan/backend/taps.hpp>

#include <algorithm>
#include <set>
#include <tuple>

#include "support/catch.hpp"

using tinygan::AxisTaps;
using tinygan::ConvDims;
using tinygan::index_t;
using tinygan::Tap;

namespace {

/// One product of the formula: output coordinate p, input coordinate h, filter coordinate r.
using Product = std::tuple<index_t, index_t, index_t>;

struct Axis {
  index_t H, P, R, stride, pad, dilation;
};

std::set<Product> defining_products(const Axis& a) {
  std::set<Product> products;
  for (index_t p = 0; p < a.P; ++p)
    for (index_t r = 0; r < a.R; ++r) {
      const index_t h = p * a.stride + r * a.dilation - a.pad;
      if (h >= 0 && h < a.H) products.emplace(p, h, r);
    }
  return products;
}

bool increasing_filter(const AxisTaps& list) {
  for (index_t out = 0; out < list.outputs(); ++out) {
    const auto taps = list.at(out);
    if (!std::is_sorted(taps.begin(), taps.end(), [](const Tap& a, const Tap& b) { return a.filter < b.filter; }))
      return false;
  }
  return true;
}

/// The products a list names; forward lists go from p to h, adjoint lists from h to p.
std::set<Product> products_of(const AxisTaps& list, bool forward) {
  std::set<Product> products;
  for (index_t out = 0; out < list.outputs(); ++out)
    for (const Tap& t : list.at(out))
      products.insert(forward ? Product{out, t.in, t.filter} : Product{t.in, out, t.filter});
  return products;
}

/// Every axis of the sweep whose first output pixel is not beyond the input; P runs past what convolution would choose, so
/// that trailing pixels without taps are covered too.
template <class F>
void for_each_axis(F&& f) {
  for (index_t H : {1, 2, 3, 7, 12})
    for (index_t R : {1, 2, 3, 4, 5, 7})
      for (index_t stride : {1, 2, 3, 4})
        for (index_t dilation : {1, 2, 3})
          for (index_t pad : {0, 1, 2, 3, 6})
            for (index_t P : {index_t{1}, (H + stride - 1) / stride, H, H + 3}) f(Axis{H, P, R, stride, pad, dilation});
}

}  // namespace

TEST_CASE("Tap lists hold exactly the products of the convolution formula") {
  index_t axes = 0, without_taps = 0;
  for_each_axis([&](const Axis& a) {
    const std::set<Product> expected = defining_products(a);
    const AxisTaps forward = AxisTaps::forward(a.H, a.P, a.R, a.stride, a.pad, a.dilation);
    const AxisTaps adjoint = AxisTaps::adjoint(a.H, a.P, a.R, a.stride, a.pad, a.dilation);
    const bool same = forward.outputs() == a.P && adjoint.outputs() == a.H && products_of(forward, true) == expected &&
                      products_of(adjoint, false) == expected &&
                      forward.pairs() == static_cast<index_t>(expected.size()) && adjoint.pairs() == forward.pairs() &&
                      increasing_filter(forward) && increasing_filter(adjoint);
    if (!same) {
      CAPTURE(a.H, a.P, a.R, a.stride, a.pad, a.dilation);
      FAIL_CHECK("wrong taps");
    }
    ++axes;
    for (index_t h = 0; h < a.H; ++h) without_taps += adjoint.at(h).empty();
  });
  CHECK(axes == 5 * 6 * 4 * 3 * 5 * 4);
  CHECK(without_taps > 0);  // the sweep reaches pixels that nothing touches
}

TEST_CASE("A stride larger than the kernel leaves input pixels without taps") {
  const AxisTaps adjoint = AxisTaps::adjoint(/*H=*/7, /*P=*/3, /*R=*/1, /*stride=*/3, /*pad=*/0, /*dilation=*/1);
  for (index_t h = 0; h < 7; ++h) CHECK(adjoint.at(h).size() == (h % 3 == 0 ? 1u : 0u));
}

TEST_CASE("Exact multiply-adds count the products, nominal ones the whole filter") {
  const ConvDims d{.N = 2,
                   .H = 7,
                   .W = 5,
                   .C = 3,
                   .R = 5,
                   .S = 3,
                   .K = 4,
                   .P = 4,
                   .Q = 3,
                   .stride_h = 2,
                   .stride_w = 2,
                   .pad_top = 2,
                   .pad_left = 1};
  index_t touching = 0;
  for (index_t p = 0; p < d.P; ++p)
    for (index_t q = 0; q < d.Q; ++q)
      for (index_t r = 0; r < d.R; ++r)
        for (index_t s = 0; s < d.S; ++s) {
          const index_t h = p * 2 + r - 2, w = q * 2 + s - 1;
          touching += h >= 0 && h < d.H && w >= 0 && w < d.W;
        }
  CHECK(tinygan::exact_macs(d) == 2 * 3 * 4 * touching);
  CHECK(tinygan::nominal_macs(d) == 2 * 3 * 4 * (4 * 3 * 5 * 3));
  CHECK(tinygan::exact_macs(d) < tinygan::nominal_macs(d));
}

TEST_CASE("Row and column lists use their own extents, strides, padding and dilation") {
  const ConvDims d{.N = 1,
                   .H = 9,
                   .W = 6,
                   .C = 1,
                   .R = 3,
                   .S = 2,
                   .K = 1,
                   .P = 4,
                   .Q = 5,
                   .stride_h = 2,
                   .stride_w = 1,
                   .pad_top = 1,
                   .pad_left = 0,
                   .dilation_h = 1,
                   .dilation_w = 2};
  const auto forward = tinygan::forward_taps(d), adjoint = tinygan::adjoint_taps(d);
  const auto rows = defining_products({9, 4, 3, 2, 1, 1}), cols = defining_products({6, 5, 2, 1, 0, 2});
  CHECK(products_of(forward.rows, true) == rows);
  CHECK(products_of(forward.cols, true) == cols);
  CHECK(products_of(adjoint.rows, false) == rows);
  CHECK(products_of(adjoint.cols, false) == cols);
}
