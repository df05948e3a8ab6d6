// Cases of ops/grouped_conv.hpp: the full convolution with a filter that is zero between groups.
#pragma once

#include <tinygan/ops/grouped_conv.hpp>

#include "ops/cases/conv.hpp"

namespace tinygan::test {

namespace detail {

/// w(R,S,C/groups,K) as the filter (R,S,C,K) that it stands for.
inline Array full_filter(const Array& w, const ConvDims& d, index_t groups) {
  const index_t in = d.C / groups, out = d.K / groups;
  Array full(static_cast<std::size_t>(d.R * d.S * d.C * d.K), 0.0);
  for (index_t tap = 0; tap < d.R * d.S; ++tap)
    for (index_t c = 0; c < in; ++c)
      for (index_t k = 0; k < d.K; ++k)
        full[static_cast<std::size_t>((tap * d.C + k / out * in + c) * d.K + k)] =
            w[static_cast<std::size_t>((tap * in + c) * d.K + k)];
  return full;
}

}  // namespace detail

inline std::vector<OpCase> grouped_conv_cases() {
  std::vector<OpCase> cases;
  const Padding same = Padding::same(), valid = Padding::valid();
  struct Depthwise {
    Shape x, w;
    ConvOptions options;
  };
  for (const Depthwise& g :
       {Depthwise{{1, 1, 1, 1}, {1, 1, 1}, {}}, Depthwise{{2, 5, 4, 3}, {3, 3, 3}, {1, 1, same}},
        Depthwise{{1, 7, 6, 4}, {3, 2, 4}, {2, 3, valid}}, Depthwise{{3, 6, 5, 8}, {5, 5, 8}, {2, 2, same}},
        Depthwise{{1, 4, 3, 33}, {3, 3, 33}, {2, 1, Padding::sides(0, 2, 1, 0)}},
        Depthwise{{2, 8, 7, 2}, {2, 3, 2}, {2, 3, Padding::all(2), 3, 2}},
        Depthwise{{1, 6, 6, 5}, {1, 1, 5}, {3, 2, same}}, Depthwise{{35, 3, 2, 2}, {2, 2, 2}, {1, 1, same}}}) {
    const ConvDims d = conv_dims(g.x, {g.w[0], g.w[1], g.w[2], g.w[2]}, g.options);
    cases.push_back(op_case(
        text("depthwise_conv2d", g.x, g.w), {{g.x}, {g.w}},
        [g](const auto& x) { return ops::depthwise_conv2d(x[0], x[1], g.options); },
        [d](const Arrays& x) {
          const Array full = detail::full_filter(x[1], d, d.C);
          return detail::finish(d.y_shape(), reference_conv2d(d, x[0].data(), full.data()));
        },
        {0, 1}, 2.0 * static_cast<double>(exact_macs(d)) / static_cast<double>(d.C)));
  }
  struct Grouped {
    Shape x, w;
    index_t groups;
    bool bias;
    Activation activation;
  };
  const ConvOptions options{1, 2, same};
  for (const Grouped& g : {Grouped{{2, 4, 3, 4}, {3, 3, 2, 6}, 2, true, Activation::leaky_relu(0.25)},
                           Grouped{{1, 3, 4, 6}, {2, 2, 2, 3}, 3, false, Activation::none},
                           Grouped{{1, 4, 4, 3}, {3, 3, 1, 6}, 3, true, Activation::tanh},
                           Grouped{{1, 3, 3, 2}, {3, 3, 2, 3}, 1, true, Activation::none}}) {
    std::vector<Input> inputs{{g.x}, {g.w}};
    const index_t K = g.w[3];
    if (g.bias) inputs.push_back({{K}, Draw::sides});
    const ConvDims d = conv_dims(g.x, {g.w[0], g.w[1], g.x[3], K}, options);
    cases.push_back(op_case(
        text("grouped_conv2d", g.x, g.w, " in ", g.groups), inputs,
        [=](const auto& x) {
          return ops::grouped_conv2d(x[0], x[1], g.groups, options, detail::fused(x, g.bias, g.activation));
        },
        [=](const Arrays& x) {
          const Array full = detail::full_filter(x[1], d, g.groups);
          return detail::finish(d.y_shape(), reference_conv2d(d, x[0].data(), full.data()), g.bias ? &x[2] : nullptr,
                                g.activation);
        }));
  }
  return cases;
}

}  // namespace tinygan::test
