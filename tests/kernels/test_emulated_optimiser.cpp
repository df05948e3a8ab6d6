// Optimiser kernels of the CUDA backend on the emulated device, against the CPU's in double.
#include "kernels/emulated.hpp"

namespace tinygan {
namespace {

using namespace test;

/// Tensors of these sizes, some of them unaligned, in float and widened.
struct Parameters {
  struct One {
    Operand<float> param, grad, m, v;
    std::vector<double> param64, grad64, m64, v64;

    One(index_t n, int offset, unsigned seed)
        : param(n, offset, seed), grad(n, offset, seed + 1), m(n, offset, seed + 2), v(n, 0, seed + 3) {
      for (index_t i = 0; i < n; ++i) v[i] = v.data()[i] * v.data()[i];
      const auto wide = [](const Operand<float>& x) {
        const auto values = x.values();
        return std::vector<double>(values.begin(), values.end());
      };
      param64 = wide(param), grad64 = wide(grad), m64 = wide(m), v64 = wide(v);
    }
  };
  std::vector<std::unique_ptr<One>> all;

  explicit Parameters(const std::vector<index_t>& sizes) {
    for (std::size_t i = 0; i < sizes.size(); ++i)
      all.push_back(std::make_unique<One>(sizes[i], i % 3 == 1 ? 1 : 0, static_cast<unsigned>(10 * i)));
  }
  int count() const { return static_cast<int>(all.size()); }
  std::vector<ParameterSlot<float>> slots() const {
    std::vector<ParameterSlot<float>> list;
    for (const auto& p : all)
      list.push_back({p->param.size(), p->param.data(), p->grad.data(), p->m.data(), p->v.data()});
    return list;
  }
  std::vector<ParameterSlot<double>> slots64() const {
    std::vector<ParameterSlot<double>> list;
    for (const auto& p : all)
      list.push_back({p->param.size(), p->param64.data(), p->grad64.data(), p->m64.data(), p->v64.data()});
    return list;
  }
};

/// Every operand is at most 1, and an element takes some ten roundings of values of the size of `scale`.
void check_near(const std::vector<float>& found, const std::vector<double>& expected, double scale) {
  check_elements(
      found, [&](index_t i) { return expected[static_cast<std::size_t>(i)]; },
      [&](index_t) { return 16 * float_eps * scale; });
}

const std::vector<index_t> sizes = {1, 4096, 4097, 3, 1000, 9001, 64};

TEST_CASE("Emulated adam: both forms, weight decay, any sizes and alignments, more tensors than one launch takes") {
  std::vector<index_t> many(70, 5);
  many.back() = 300;
  for (const bool keras : {false, true})
    for (const std::vector<index_t>& list : {sizes, many}) {
      const Parameters p(list);
      const AdamHyper h{.learning_rate = 0.01,
                        .beta1 = 0.5,
                        .beta2 = 0.999,
                        .epsilon = 1e-3,
                        .weight_decay = 0.1,
                        .epsilon_hat = keras};
      const std::uint64_t step = 3;
      emulated_kernels().adam(h, p.count(), p.slots().data(), &step, {});
      kernels<double>(Device::cpu()).adam(h, p.count(), p.slots64().data(), &step, {});
      for (const auto& one : p.all) {
        check_near(one->m.values(), one->m64, 1);
        check_near(one->v.values(), one->v64, 1);
        check_near(one->param.values(), one->param64,
                   30);  // lr m / (root v + eps) / (1 - b1^t): at most 0.01 * 1 / 1e-3 and some
      }
    }
}

TEST_CASE("Emulated sgd: momentum, nesterov, weight decay") {
  for (const bool nesterov : {false, true}) {
    const Parameters p(sizes);
    const SgdHyper h{.learning_rate = 0.1, .momentum = 0.9, .weight_decay = 0.01, .nesterov = nesterov};
    emulated_kernels().sgd(h, p.count(), p.slots().data(), {});
    kernels<double>(Device::cpu()).sgd(h, p.count(), p.slots64().data(), {});
    for (const auto& one : p.all) {
      check_near(one->m.values(), one->m64, 2);
      check_near(one->param.values(), one->param64, 2);
    }
  }
}

TEST_CASE("Emulated ema") {
  for (const index_t n : sizes) {
    const Operand x(n, 0), average(n, n % 2 == 0 ? 0 : 1, 2);
    const auto before = average.values();
    emulated_kernels().ema(n, 0.75f, x.data(), average.data(), {});
    check_elements(average.values(), [&](index_t i) {
      return 0.75 * static_cast<double>(before[static_cast<std::size_t>(i)]) + 0.25 * static_cast<double>(x.data()[i]);
    }, [](index_t) { return 2 * float_eps; });
  }
}

TEST_CASE("Emulated global_norm and clip_by_norm") {
  const Parameters p(sizes);
  std::vector<Segment<const float>> segments;
  std::vector<Segment<float>> writable;
  double squares = 0;
  for (const auto& one : p.all) {
    segments.push_back({one->grad.size(), one->grad.data()});
    writable.push_back({one->grad.size(), one->grad.data()});
    for (const double g : one->grad64) squares += g * g;
  }
  const KernelTable<float>& k = emulated_kernels();
  const auto norm = both_ways(1, [&](float* y) {
    Workspace workspace(k.global_norm_workspace(p.count(), segments.data()));
    k.global_norm(p.count(), segments.data(), y, workspace.data(), {});
    CHECK(workspace.intact());
  });
  // A block's sum of 4096 positive squares is off by at most 24 eps: 4 packs in a thread, then a tree of 8 levels.
  check_elements(
      norm, [&](index_t) { return std::sqrt(squares); }, [&](index_t) { return 32 * float_eps * std::sqrt(squares); });

  k.clip_by_norm(p.count(), writable.data(), norm.data(), norm[0] + 1, {});  // within the limit: nothing changes
  for (const auto& one : p.all) check_near(one->grad.values(), one->grad64, 0);
  k.clip_by_norm(p.count(), writable.data(), norm.data(), 1.0f, {});
  for (const auto& one : p.all) {
    for (double& g : one->grad64) g /= static_cast<double>(norm[0]) + 1e-6;
    check_near(one->grad.values(), one->grad64, 1);
  }
  const float nan = std::numeric_limits<float>::quiet_NaN();
  k.clip_by_norm(1, writable.data(), &nan, 1.0f, {});
  CHECK(p.all[0]->grad.data()[0] != p.all[0]->grad.data()[0]);
}

}  // namespace
}  // namespace tinygan
