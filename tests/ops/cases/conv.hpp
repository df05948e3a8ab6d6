// Cases of ops/conv.hpp: the three partials and transposed convolution, with every geometry that can go wrong.
#pragma once

#include <tinygan/backend/taps.hpp>
#include <tinygan/ops/conv.hpp>

#include "ops/cases/matmul.hpp"

namespace tinygan::test {

namespace detail {

struct Geometry {
  const char* what;
  Shape x, w;
  ConvOptions options;
};

inline std::vector<Geometry> geometries() {
  const Padding same = Padding::same(), valid = Padding::valid();
  return {{"1x1", {1, 1, 1, 1}, {1, 1, 1, 1}, {1, 1, valid}},
          {"batch 1, same", {1, 4, 5, 2}, {3, 3, 2, 3}, {1, 1, same}},
          {"batch 3, even kernel", {3, 4, 4, 2}, {4, 4, 2, 2}, {2, 2, same}},
          {"from one channel", {2, 5, 5, 1}, {5, 5, 1, 3}, {2, 2, same}},
          {"to one channel", {2, 4, 4, 3}, {5, 5, 3, 1}, {2, 2, same}},
          {"channels of no vector width", {1, 3, 3, 7}, {3, 3, 7, 17}, {2, 2, same}},
          {"prime extents", {2, 7, 5, 3}, {3, 2, 3, 5}, {2, 3, valid}},
          {"stride above kernel", {1, 7, 8, 2}, {2, 1, 2, 3}, {3, 3, valid}},
          {"pixels without taps", {1, 6, 6, 2}, {1, 1, 2, 2}, {3, 2, same}},
          {"outputs without taps", {1, 2, 2, 2}, {1, 1, 2, 3}, {1, 1, Padding::sides(2, 1, 0, 3)}},
          {"dilation", {1, 6, 7, 2}, {3, 2, 2, 3}, {1, 1, same, 2, 2}},
          {"dilation and stride", {1, 8, 7, 2}, {2, 3, 2, 2}, {2, 3, Padding::all(2), 3, 2}},
          {"asymmetric padding", {2, 4, 3, 2}, {3, 3, 2, 2}, {2, 1, Padding::sides(0, 2, 1, 0)}},
          {"kernel of the whole image", {2, 3, 4, 3}, {3, 4, 3, 5}, {1, 1, valid}}};
}

enum class Partial { y, x, w };

/// One partial of the trilinear form of a geometry, with an epilogue unless it is the filter's.
inline OpCase conv_case(const Geometry& g, Partial partial, EpilogueKind e) {
  const ConvDims d = conv_dims(g.x, g.w, g.options);
  std::vector<Input> inputs;
  if (partial != Partial::x) inputs.push_back({d.x_shape()});
  if (partial != Partial::w) inputs.push_back({partial == Partial::x ? d.y_shape() : d.w_shape()});
  if (partial == Partial::x) inputs.push_back({d.w_shape()});
  if (partial == Partial::w) inputs.push_back({d.y_shape()});
  if (e.bias) inputs.push_back({{partial == Partial::x ? d.C : d.K}, Draw::sides});
  const char* names[] = {"conv2d", "conv2d_input_grad", "conv2d_weight_grad"};
  const bool plain = !e.bias && e.activation.kind == Activation::Kind::none;
  return op_case(
      text(names[static_cast<int>(partial)], " ", g.what, e.bias ? " bias " : " ", name_of(e.activation)), inputs,
      [=](const auto& x) {
        if (partial == Partial::y) return ops::conv2d(x[0], x[1], d, fused(x, e.bias, e.activation));
        if (partial == Partial::x) return ops::conv2d_input_grad(x[0], x[1], d, fused(x, e.bias, e.activation));
        return ops::conv2d_weight_grad(x[0], x[1], d);
      },
      [=](const Arrays& x) {
        const double *a = x[0].data(), *b = x[1].data();
        const Array* bias = e.bias ? &x[2] : nullptr;
        if (partial == Partial::y) return finish(d.y_shape(), reference_conv2d(d, a, b), bias, e.activation);
        if (partial == Partial::x) return finish(d.x_shape(), reference_conv2d_input_grad(d, a, b), bias, e.activation);
        return finish(d.w_shape(), reference_conv2d_weight_grad(d, a, b));
      },
      plain ? std::vector<std::size_t>{0, 1} : std::vector<std::size_t>{}, 2.0 * static_cast<double>(exact_macs(d)));
}

}  // namespace detail

inline std::vector<OpCase> conv_cases() {
  std::vector<OpCase> cases;
  using detail::Partial;
  for (const detail::Geometry& g : detail::geometries())
    for (Partial partial : {Partial::y, Partial::x, Partial::w})
      cases.push_back(detail::conv_case(g, partial, {false, Activation::none}));
  const detail::Geometry small{"fused", {1, 3, 2, 2}, {2, 2, 2, 3}, {1, 1, Padding::same()}};
  const detail::Geometry strided{"fused, strided", {2, 4, 3, 1}, {3, 2, 1, 2}, {2, 2, Padding::same()}};
  for (const detail::EpilogueKind& e : detail::epilogue_kinds())
    for (const detail::Geometry& g : {small, strided})
      for (Partial partial : {Partial::y, Partial::x}) cases.push_back(detail::conv_case(g, partial, e));
  return cases;
}

/// conv2d_transpose by its own definition: each input pixel adds its filter to the output, which is then cropped.
inline std::vector<OpCase> conv2d_transpose_cases() {
  struct Geometry {
    const char* what;
    Shape x, w;
    ConvOptions options;
    OutputPadding output_padding;
    Shape y;
    index_t crop_top, crop_left;
  };
  const Padding same = Padding::same(), valid = Padding::valid();
  std::vector<OpCase> cases;
  for (const Geometry& g :
       {Geometry{"same, stride 2, kernel 5", {2, 3, 2, 3}, {5, 5, 2, 3}, {2, 2, same}, 0, {2, 6, 4, 2}, 1, 1},
        Geometry{"same, stride 2, kernel 4", {1, 2, 3, 2}, {4, 4, 1, 2}, {2, 2, same}, 0, {1, 4, 6, 1}, 1, 1},
        Geometry{"same, stride 3, kernel 2", {1, 2, 2, 2}, {2, 2, 3, 2}, {3, 3, same}, 0, {1, 6, 6, 3}, 0, 0},
        Geometry{"valid", {1, 2, 2, 3}, {3, 2, 2, 3}, {2, 1, valid}, 0, {1, 5, 3, 2}, 0, 0},
        Geometry{"explicit", {2, 2, 3, 2}, {4, 4, 3, 2}, {2, 2, Padding::all(1)}, 0, {2, 4, 6, 3}, 1, 1},
        Geometry{"explicit, output padding",
                 {1, 2, 2, 2},
                 {3, 3, 2, 2},
                 {2, 2, Padding::sides(1, 0, 0, 1)},
                 1,
                 {1, 5, 5, 2},
                 1,
                 0},
        Geometry{
            "output padding of rows", {1, 3, 3, 1}, {3, 3, 2, 1}, {2, 1, Padding::all(1)}, {1, 0}, {1, 6, 3, 2}, 1, 1},
        Geometry{"output padding of columns",
                 {2, 2, 2, 2},
                 {3, 2, 1, 2},
                 {2, 3, Padding::valid()},
                 {0, 2},
                 {2, 5, 8, 1},
                 0,
                 0},
        Geometry{"one output padding, one strided axis",
                 {1, 2, 3, 2},
                 {2, 3, 1, 2},
                 {1, 2, Padding::all(1)},
                 1,
                 {1, 1, 6, 1},
                 1,
                 1},
        Geometry{"dilation", {1, 3, 2, 2}, {2, 3, 1, 2}, {1, 2, Padding::all(1), 3, 2}, 0, {1, 4, 5, 1}, 1, 1}})
    cases.push_back(op_case(
        text("conv2d_transpose ", g.what), {{g.x}, {g.w}},
        [g](const auto& x) { return ops::conv2d_transpose(x[0], x[1], g.options, {}, g.output_padding); },
        [g](const Arrays& x) {
          Expected y(g.y);
          const auto at = [](const Shape& s, index_t a, index_t b, index_t c, index_t d) {
            return static_cast<std::size_t>(((a * s[1] + b) * s[2] + c) * s[3] + d);
          };
          for (index_t n = 0; n < g.x[0]; ++n)
            for (index_t p = 0; p < g.x[1]; ++p)
              for (index_t q = 0; q < g.x[2]; ++q)
                for (index_t r = 0; r < g.w[0]; ++r)
                  for (index_t s = 0; s < g.w[1]; ++s) {
                    const index_t h = p * g.options.stride_h + r * g.options.dilation_h - g.crop_top;
                    const index_t w = q * g.options.stride_w + s * g.options.dilation_w - g.crop_left;
                    if (h < 0 || h >= g.y[1] || w < 0 || w >= g.y[2]) continue;
                    for (index_t c = 0; c < g.w[2]; ++c)
                      for (index_t k = 0; k < g.w[3]; ++k) {
                        const double term = x[0][at(g.x, n, p, q, k)] * x[1][at(g.w, r, s, c, k)];
                        y.value[at(g.y, n, h, w, c)] += term;
                        y.bound[at(g.y, n, h, w, c)] += static_cast<double>(g.w.size() + 3) * std::fabs(term);
                      }
                  }
          return y;
        },
        {0, 1}));
  return cases;
}

}  // namespace tinygan::test
