// Gradients as the kernels leave them: what an optimiser adds up while it reads them, which saves a pass and, for bfloat16, a
// rounding.
#pragma once

#include <tuple>
#include <utility>
#include <vector>

#include <tinygan/autograd/grad.hpp>

namespace tinygan {

/// The gradient `whole`, where defined, plus all slabs.
template <class T>
struct GradientParts {
  Variable<T> whole{};
  std::vector<Slabs<T>> slabs{};
};

/// grad(y, xs) in parts: an x whose gradient is a sum over pieces of a batch, such as a convolution's filter, may get those. y may
/// be float and xs bfloat16, see widen(). Throws Error like grad(), and on create_graph.
template <class T>
std::vector<GradientParts<T>> grad_parts(const Variable<wide_t<T>>& y, const std::vector<Variable<T>>& xs,
                                         const GradOptions& options = {}) {
  check(!options.create_graph, "grad_parts", "parts cannot be differentiated");
  for (std::size_t i = 0; i < xs.size(); ++i)
    check(xs[i].defined() && xs[i].requires_grad(), "grad_parts", "variable ", i, " does not require gradients");
  std::vector<Variable<T>> ys, seeds;
  if constexpr (std::is_same_v<T, wide_t<T>>) {
    ys = {y};
    seeds = {detail::seed_for("grad_parts", y, {})};
  } else {
    std::tie(ys, seeds) = detail::narrow_seeds<T>(y, options);
  }
  std::vector<GradientParts<T>> parts;
  std::vector<Variable<T>> whole;
  {
    detail::ReversePass<T> pass(ys, xs);
    pass.allow_slabs();
    pass.run(ys, seeds, options);
    for (const Variable<T>& x : xs) {
      whole.push_back(pass.whole(x));
      parts.push_back({{}, pass.slabs(x)});
      if (!whole.back().defined() && parts.back().slabs.empty()) whole.back() = Tensor<T>::zeros(x.shape(), x.device());
    }
  }
  detail::separate(whole, seeds, false);
  for (std::size_t i = 0; i < xs.size(); ++i) parts[i].whole = std::move(whole[i]);
  return parts;
}

/// a += b.
template <class T>
void add_gradient(GradientParts<T>& a, GradientParts<T> b) {
  const NoGrad no_grad;
  if (a.whole.defined() && b.whole.defined()) a.whole = detail::accumulate(std::move(a.whole), b.whole);
  else if (b.whole.defined()) a.whole = std::move(b.whole);
  for (Slabs<T>& s : b.slabs) a.slabs.push_back(std::move(s));
}

/// The gradient as one tensor of this shape, rounded to T.
template <class T>
Tensor<T> whole_gradient(const GradientParts<T>& g, const Shape& shape) {
  const NoGrad no_grad;
  Variable<T> total = g.whole;
  for (const Slabs<T>& s : g.slabs) {
    Tensor<T> part(shape, s.values.device());
    kernels<T>(part.device()).sum_slabs(part.size(), s.count, s.values.data(), part.data(), Stream{});
    total = total.defined() ? detail::accumulate(std::move(total), Variable<T>(part)) : Variable<T>(part);
  }
  return total.value();
}

}  // namespace tinygan
