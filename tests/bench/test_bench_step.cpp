// What bench_step's ablation and predictions rely on: a device without a fusion trains like the whole one.
#include "../../bench/step/ablation.hpp"
#include "../../bench/step/prediction.hpp"

#include <optional>

#include <tinygan/gan/step.hpp>
#include <tinygan/train/captured_step.hpp>

#include "gan/tiny_networks.hpp"
#include "kernels/emulated.hpp"
#include "support/child.hpp"

using namespace tinygan;
using namespace tinygan::test;
using bench::Ablation;
using bench::Fusion;

namespace {

constexpr Device there = Device::emulated();

/// Losses of three captured steps.
template <class T>
std::vector<double> losses(std::optional<Fusion> without) {
  gan::Networks<T> networks = tiny_networks<T>(1);
  networks.to(there);
  gan::AdversarialStep<T> step(networks, {.learning_rate = 0.01, .epsilon = 0.1},
                               {.learning_rate = 0.01, .epsilon = 0.1});
  Generator random(5, there);
  const Tensor<T> real = narrow<T>(tiny_images(1).to(there));
  Tensor<wide_t<T>> loss_d, loss_g;
  train::CapturedStep captured(there, [&] {
    loss_d = loss_g = {};
    random.next_step();
    const auto report = step(real, random);
    loss_d = report.loss_d;
    loss_g = report.loss_g;
  });
  std::vector<double> all;
  std::optional<Ablation> ablation;
  if (without) ablation.emplace(there, *without);
  for (int i = 0; i < 3; ++i) {
    captured();
    if (i == 1) ablation.reset();  // after the capture its tables are not needed
    for (const auto& loss : {loss_d, loss_g}) all.push_back(static_cast<double>(loss.item()));
  }
  return all;
}

/// What kernels can leave besides their result.
struct Fused {
  index_t gemm_pieces, conv_pieces, slabs;
};

template <class T>
Fused fused_of(Precision precision) {
  set_precision(there, precision);
  const KernelTable<T>& k = kernels<T>(there);
  const ConvDims d = conv_dims({128, 14, 14, 64}, {5, 5, 64, 128}, ConvOptions{.stride_h = 2, .stride_w = 2});
  const Fused f{k.gemm_moment_pieces({4096, 1024, 64}), k.conv2d_moment_pieces(d, ConvSlot::g), k.conv2d_slab_count(d)};
  set_precision(there, Precision::fp32);
  return f;
}

/// y = x w with the derivative of leaky_relu at `output`, by the device's table.
Array cotangent(index_t n) {
  const Tensor<float> x = random_tensor<float>({n, n}, 1).to(there), w = random_tensor<float>({n, n}, 2).to(there),
                      output = random_tensor<float>({n, n}, 3).to(there);
  Tensor<float> y({n, n}, there);
  const KernelTable<float>& k = kernels<float>(there);
  const GemmDims d{n, n, n};
  const Tensor<float> workspace({static_cast<index_t>(k.gemm_workspace(d) / sizeof(float) + 1)}, there);
  k.gemm(d, {nullptr, Activation::leaky_relu, 0.2f, output.data(), nullptr}, x.data(), w.data(), y.data(),
         workspace.data(), {});
  return array(y);
}

}  // namespace

TEST_CASE("Ablation: a device without a fusion has the other ones, and all of them again afterwards") {
  const auto check_tables = [](auto element, Precision precision) {
    using T = decltype(element);
    const Fused whole = fused_of<T>(precision);
    REQUIRE(whole.slabs > 0);
    if (precision != Precision::fp32) {  // whose kernels leave no statistics
      REQUIRE(whole.gemm_pieces > 0);
      REQUIRE(whole.conv_pieces > 0);
    }
    {
      const Ablation ablation(there, Fusion::partial_statistics);
      const Fused f = fused_of<T>(precision);
      CHECK(f.gemm_pieces == 0);
      CHECK(f.conv_pieces == 0);
      CHECK(f.slabs == whole.slabs);
    }
    {
      const Ablation ablation(there, Fusion::split_weight_gradients);
      const Fused f = fused_of<T>(precision);
      CHECK(f.gemm_pieces == whole.gemm_pieces);
      CHECK(f.slabs == 0);
    }
    CHECK(fused_of<T>(precision).slabs == whole.slabs);
  };
  for (const Precision p : {Precision::fp32, Precision::tf32, Precision::bf16}) check_tables(0.0f, p);
  check_tables(bfloat16{}, Precision::bf16);
}

TEST_CASE("Ablation: without activation gradients a pass of its own gives the same cotangents, bit for bit in fp32") {
  const Array whole = cotangent(40);
  const Ablation ablation(there, Fusion::activation_gradients);
  CHECK(kernels<float>(there).gemm != nullptr);
  const Array apart = cotangent(40);
  CHECK(same_bits(whole, apart));
}

TEST_CASE("Ablation: training without a fusion is the same training up to rounding") {
  const auto check_losses = [](const std::vector<double>& whole, auto element, double rounding) {
    using T = decltype(element);
    for (const Fusion f : bench::all_fusions) {
      CAPTURE(name_of(f));
      const std::vector<double> without = losses<T>(f);
      REQUIRE(without.size() == whole.size());
      // Losses of order 1, smooth in weights that a step moves by a tenth of its gradients: what they differ by is of
      // the order of the rounding of sums of a few hundred terms.
      for (std::size_t i = 0; i < whole.size(); ++i) CHECK(std::fabs(without[i] - whole[i]) <= 256 * rounding);
    }
  };
  if (!support::sanitized) {
    set_precision(there, Precision::tf32);
    check_losses(losses<float>(std::nullopt), 0.0f, 0x1p-19);
    set_precision(there, Precision::fp32);
    check_losses(losses<float>(std::nullopt), 0.0f, 0x1p-24);
  }
  check_losses(losses<bfloat16>(std::nullopt), bfloat16{}, 0x1p-16);
}

TEST_CASE("Predicted seconds of a step grow with its batch and precision, and an eager one takes longer") {
  for (const char* network : {"dcgan", "article", "libtorch"})
    for (const index_t batch : {64, 128, 256, 512}) {
      const double bf16 = bench::predicted_step(network, batch, Precision::bf16, true);
      CHECK(bench::predicted_step(network, 2 * batch, Precision::bf16, true) > bf16);
      CHECK(bench::predicted_step(network, batch, Precision::tf32, true) > bf16);
      CHECK(bench::predicted_step(network, batch, Precision::fp32, true) >
            bench::predicted_step(network, batch, Precision::tf32, true));
      CHECK(bench::predicted_step(network, batch, Precision::bf16, false) > bf16);
      CHECK(bench::predicted_measurement(bf16) > bench::step_timing_seconds);
    }
  CHECK(bench::step_flops("dcgan", 256) == 2 * bench::step_flops("dcgan", 128));
  CHECK(bench::steps_in_a_row(1e-3) == 20);
  CHECK(bench::steps_in_a_row(1) == 1);
  CHECK(bench::steps_in_a_row(0) == 200);
}
