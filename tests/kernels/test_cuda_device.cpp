// The CUDA device. What needs a GPU carries the tag [cuda] and runs on request only (scripts/gpu-check): the products
// and convolutions of the networks in every precision, and training. All ops run there by their cases, in tests/ops.
#include <cstdlib>
#include <limits>
#include <optional>
#include <string_view>

#include "../../bench/gpu/check.hpp"
#include "../../bench/support/layers.hpp"

#include <tinygan/gan/step.hpp>
#include <tinygan/train/captured_step.hpp>
#include <tinygan/train/value_ring.hpp>

#include "gan/tiny_networks.hpp"
#include "support/catch.hpp"
#include "support/kernel_check.hpp"
#include "support/temporary.hpp"
#include "support/values.hpp"

using namespace tinygan;
using namespace tinygan::test;
namespace gpu = tinygan::bench::gpu;

namespace {

/// TINYGAN_TEST_DEVICE=emulated tries the tests themselves where there is no GPU; those tagged [small] end soon there.
const Device there =
    std::string_view(std::getenv("TINYGAN_TEST_DEVICE") ? std::getenv("TINYGAN_TEST_DEVICE") : "") == "emulated"
        ? Device::emulated()
        : Device::cuda();
constexpr Precision precisions[] = {Precision::fp32, Precision::tf32, Precision::bf16};

/// The GPU computes in this precision to the end of the enclosing scope.
class UsePrecision {
 public:
  explicit UsePrecision(Precision p) { set_precision(there, p); }
  ~UsePrecision() { set_precision(there, before_); }
  UsePrecision(const UsePrecision&) = delete;
  UsePrecision& operator=(const UsePrecision&) = delete;

 private:
  Precision before_ = precision(there);
};

template <class T = float>
Tensor<T> on_gpu(const std::vector<float>& values) {
  return narrow<T>(Tensor<float>::from(std::span<const float>(values), {static_cast<index_t>(values.size())}, there));
}
template <class T>
Tensor<T> poisoned_on_gpu(index_t size) {
  return on_gpu<T>(std::vector<float>(static_cast<std::size_t>(size), std::numeric_limits<float>::quiet_NaN()));
}

template <class T>
void check_gemm_of(const GemmDims& d, Precision p, bool biased) {
  const auto a = random_values<float>(d.M * d.K, 1), b = random_values<float>(d.K * d.N, 2),
             bias = random_values<float>(d.N, 3);
  const Tensor<T> da = on_gpu<T>(a), db = on_gpu<T>(b), dbias = on_gpu<T>(bias), c = poisoned_on_gpu<T>(d.M * d.N);
  const KernelTable<T>& k = kernels<T>(there);
  const tinygan::Workspace workspace(k.gemm_workspace(d), there);
  const Epilogue<T> e = biased ? Epilogue<T>{dbias.data(), Activation::relu, 0} : Epilogue<T>{};
  k.gemm(d, e, da.data(), db.data(), c.data(), workspace.data(), {});
  CHECK(gpu::wrong(gpu::GemmProblem{d, p, a.data(), b.data(), biased ? bias.data() : nullptr}, widen(c).to_vector(), d.N,
                   sizeof(T) < sizeof(float)) == "");
}
/// In float, and for bf16 of bfloat16 elements as well.
void check_gemm(const GemmDims& d, Precision p, bool biased) {
  CAPTURE(d.M, d.N, d.K, d.trans_a, d.trans_b, p, biased);
  const UsePrecision use(p);
  check_gemm_of<float>(d, p, biased);
  if (p == Precision::bf16) check_gemm_of<bfloat16>(d, p, biased);
}

template <class T>
void check_conv_of(const ConvDims& d, ConvSlot output, Precision p, bool biased) {
  const index_t channels = output == ConvSlot::g ? d.K : d.C;
  const auto first = random_values<float>(gpu::first_size(d, output), 1),
             second = random_values<float>(gpu::second_size(d, output), 2), bias = random_values<float>(channels, 3);
  const Tensor<T> df = on_gpu<T>(first), ds = on_gpu<T>(second), dbias = on_gpu<T>(bias),
                  out = poisoned_on_gpu<T>(gpu::output_size(d, output));
  const KernelTable<T>& k = kernels<T>(there);
  const tinygan::Workspace workspace(k.conv2d_workspace(d, output), there);
  const Epilogue<T> e = biased ? Epilogue<T>{dbias.data(), Activation::relu, 0} : Epilogue<T>{};
  if (output == ConvSlot::g) k.conv2d(d, e, df.data(), ds.data(), out.data(), workspace.data(), {});
  if (output == ConvSlot::x) k.conv2d_input_grad(d, e, df.data(), ds.data(), out.data(), workspace.data(), {});
  if (output == ConvSlot::w) k.conv2d_weight_grad(d, df.data(), ds.data(), out.data(), workspace.data(), {});
  const gpu::ConvProblem problem{d, output, p, first.data(), second.data(), biased ? bias.data() : nullptr};
  CHECK(gpu::wrong(problem, widen(out).to_vector(), channels, sizeof(T) < sizeof(float)) == "");
}
void check_conv(const ConvDims& d, ConvSlot output, Precision p, bool biased) {
  CAPTURE(d.N, d.H, d.W, d.C, d.R, d.S, d.K, d.stride_h, static_cast<int>(output), p, biased);
  const UsePrecision use(p);
  check_conv_of<float>(d, output, p, biased);
  if (p == Precision::bf16) check_conv_of<bfloat16>(d, output, p, biased);
}

/// Losses, weights and moments after a few steps.
struct Trained {
  std::vector<std::vector<float>> losses;
  std::vector<Tensor<float>> state;
};
/// With elements T: bfloat16 follows the float networks, whose state it is either way.
template <class T = float>
Trained trained(gan::Networks<float> networks, const Tensor<float>& images, Device device, train::CapturedStep::Mode mode,
                int steps, gan::Networks<T> copies = {}) {
  networks.to(device);
  std::optional<gan::AdversarialStep<T>> made;
  if constexpr (std::is_same_v<T, float>) {
    made.emplace(networks, AdamHyper{}, AdamHyper{});
  } else {
    copies.follow(networks);
    made.emplace(copies, AdamHyper{}, AdamHyper{}, gan::Objective{}, &networks);
  }
  gan::AdversarialStep<T>& step = *made;
  const Tensor<T> real = narrow<T>(images);
  Generator random(3, device);
  train::ValueRing<float> ring(2, 64, device);
  train::CapturedStep captured(
      device,
      [&] {
        random.next_step();
        const auto report = step(real, random);
        ring.record({report.loss_d, report.loss_g});
      },
      mode);
  for (int i = 0; i < steps; ++i) captured();
  Trained result;
  result.losses = ring.drain();
  CHECK(captured.captured() == (mode == train::CapturedStep::Mode::automatic));
  for (const nn::Sequential<float>* m : {&networks.generator, &networks.discriminator})
    for (const auto& variables : {m->parameters(), m->buffers()})
      for (const Variable<float>& v : variables) result.state.push_back(v.value().to(Device::cpu()));
  return result;
}

/// Two captured runs and an eager one end in the same bits.
template <class Run>
void check_equal_runs(const Run& run) {
  using Mode = train::CapturedStep::Mode;
  const Trained eager = run(Mode::eager), captured = run(Mode::automatic), again = run(Mode::automatic);
  CHECK(eager.losses == captured.losses);
  CHECK(eager.losses == again.losses);
  REQUIRE(eager.state.size() == captured.state.size());
  for (std::size_t i = 0; i < eager.state.size(); ++i) {
    CHECK(same_bits(eager.state[i], captured.state[i]));
    CHECK(same_bits(eager.state[i], again.state[i]));
  }
}

}  // namespace

TEST_CASE("A CUDA device that is not there is refused by name") {
  const auto ask = [] { kernels<float>(Device::cuda(cuda_device_count())); };
  const std::string error = support::error_of(ask);
  CHECK(support::contains(error, text(Device::cuda(cuda_device_count()))));
  if (cuda_device_count() > 0) CHECK_NOTHROW(kernels<float>(Device::cuda()));
}

TEST_CASE("cuda: there is a GPU", "[.][cuda]") { REQUIRE(cuda_device_count() > 0); }

TEST_CASE("cuda: products of the networks' dense layers and of awkward shapes", "[.][cuda]") {
  for (const Precision p : precisions) {
    for (const index_t batch : {1, 37, 128})
      for (const bench::DenseLayer& l : bench::dense_layers()) {
        check_gemm(bench::dense_forward(l, batch), p, true);
        check_gemm(bench::dense_input_grad(l, batch), p, false);
        check_gemm(bench::dense_weight_grad(l, batch), p, false);
      }
    for (const bool trans_a : {false, true})
      for (const bool trans_b : {false, true})
        for (const GemmDims& d :
             {GemmDims{1, 1, 1}, GemmDims{33, 65, 129}, GemmDims{300, 500, 7}, GemmDims{512, 512, 512}})
          check_gemm({d.M, d.N, d.K, trans_a, trans_b}, p, false);
  }
}

TEST_CASE("cuda: the networks' convolutions", "[.][cuda]") {
  for (const Precision p : precisions)
    for (const index_t batch : {1, 19, 128})
      for (const bench::ConvLayer& l : bench::conv_layers(batch))
        for (const ConvSlot output : {ConvSlot::g, ConvSlot::x, ConvSlot::w})
          for (const bool biased : {false, true})
            if (!biased || output != ConvSlot::w) check_conv(l.dims, output, p, biased);
}

TEST_CASE("cuda: small products and convolutions, for the sanitizers", "[.][cuda][small]") {
  for (const Precision p : precisions) {
    check_gemm({33, 40, 70, false, true}, p, true);
    check_gemm({5, 1, 300, false, false}, p, false);
    check_gemm({16, 20, 1030, true, false}, p, false);
    for (const ConvDims& d : {conv_dims({2, 7, 7, 16}, {5, 5, 16, 24}, {2, 2, Padding::same(), 1, 1}),
                              conv_dims({3, 8, 8, 1}, {5, 5, 1, 20}, {2, 2, Padding::same(), 1, 1}),
                              conv_dims({2, 6, 6, 20}, {3, 3, 20, 1}, {1, 1, Padding::same(), 1, 1})})
      for (const ConvSlot output : {ConvSlot::g, ConvSlot::x, ConvSlot::w}) check_conv(d, output, p, false);
  }
}

TEST_CASE("cuda: a small network trains there as it does on the CPU", "[.][cuda][small]") {
  const Tensor<float> real = tiny_images(2);
  using Mode = train::CapturedStep::Mode;
  const auto gpu_run = trained(tiny_networks(1), real.to(there), there, Mode::automatic, 4);
  const auto cpu_run = trained(tiny_networks(1), real, Device::cpu(), Mode::eager, 4);
  REQUIRE(gpu_run.losses.size() == 4);
  for (std::size_t i = 0; i < 4; ++i)
    for (std::size_t j = 0; j < 2; ++j) {
      // Adam moves a weight by the rate of 2e-4 whatever its gradient's size, so a gradient that is rounding error
      // counts in full.
      const float here = cpu_run.losses[i][j], found = gpu_run.losses[i][j];
      CAPTURE(i, j, found, here);
      CHECK(std::fabs(found - here) <= 1e-3f * (1 + std::fabs(here)));
    }
}

TEST_CASE("cuda: captured training gives the bits of eager training, in every precision", "[.][cuda][capture]") {
  using Mode = train::CapturedStep::Mode;
  for (const Precision p : precisions)
    for (const gan::Network network : {gan::Network::dcgan, gan::Network::libtorch}) {
      CAPTURE(p, static_cast<int>(network));
      const UsePrecision use(p);
      const auto run = [&](Mode mode) {
        Generator random(7, there);
        gan::Networks<float> networks = gan::make_networks<float>(network, random);
        const Tensor<float> real = random_uniform<float>({16, 28, 28, 1}, random, -1.0f, 1.0f);
        return trained(std::move(networks), real, there, mode, 6);
      };
      check_equal_runs([&](Mode mode) { return run(mode); });
    }
}

TEST_CASE("cuda: captured training in bfloat16 gives the bits of eager training", "[.][cuda][capture]") {
  using Mode = train::CapturedStep::Mode;
  for (const gan::Network network : {gan::Network::dcgan, gan::Network::libtorch}) {
    CAPTURE(static_cast<int>(network));
    check_equal_runs([&](Mode mode) {
      Generator random(7, there);
      gan::Networks<float> networks = gan::make_networks<float>(network, random);
      const Tensor<float> real = random_uniform<float>({16, 28, 28, 1}, random, -1.0f, 1.0f);
      return trained<bfloat16>(std::move(networks), real, there, mode, 6, gan::make_networks<bfloat16>(network, random));
    });
  }
}

TEST_CASE("cuda: a small network in bfloat16 trains there", "[.][cuda][small]") {
  using Mode = train::CapturedStep::Mode;
  const auto run = trained<bfloat16>(tiny_networks(1), tiny_images(2).to(there), there, Mode::automatic, 4,
                                     tiny_networks<bfloat16>(2));
  const auto cpu_run = trained(tiny_networks(1), tiny_images(2), Device::cpu(), Mode::eager, 4);
  for (std::size_t i = 0; i < 4; ++i)
    for (std::size_t j = 0; j < 2; ++j) {
      CAPTURE(i, j);
      CHECK(std::fabs(run.losses[i][j] - cpu_run.losses[i][j]) <= 5e-2f * (1 + std::fabs(cpu_run.losses[i][j])));
    }
}
