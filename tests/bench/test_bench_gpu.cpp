// What the GPU benchmarks rely on and can be tested without a GPU: their reference sums, how a convolution is put in
// cuDNN's terms, and the predictions of their seconds.
#include "../../bench/gpu/check.hpp"
#include "../../bench/gpu/cudnn_layout.hpp"
#include "../../bench/gpu/prediction.hpp"
#include "../../bench/gpu/race.hpp"
#include "../../bench/support/layers.hpp"

#include "support/kernel_check.hpp"
#include "support/temporary.hpp"

using namespace tinygan;
using namespace tinygan::test;
namespace gpu = tinygan::bench::gpu;

namespace {

/// The networks' convolutions with a few channels, and what else a benchmark might meet.
std::vector<ConvDims> layers() {
  std::vector<ConvDims> all;
  for (const bench::ConvLayer& l : bench::conv_layers(2)) {
    ConvDims d = l.dims;
    d.C = std::min<index_t>(d.C, 3);
    d.K = std::min<index_t>(d.K, 4);
    all.push_back(d);
  }
  all.push_back(conv_dims({2, 9, 8, 3}, {3, 2, 3, 4}, {2, 1, Padding::same(), 1, 2}));
  return all;
}

Reference reference_of(const ConvDims& d, ConvSlot output, const float* first, const float* second) {
  if (output == ConvSlot::g) return reference_conv2d(d, first, second);
  if (output == ConvSlot::x) return reference_conv2d_input_grad(d, first, second);
  return reference_conv2d_weight_grad(d, first, second);
}

std::vector<float> arranged(const gpu::Arrangement& a, const std::vector<float>& from) {
  REQUIRE(static_cast<index_t>(from.size()) == a.size());
  std::vector<float> to = poisoned<float>(a.size());
  a.for_each([&](index_t ours, index_t theirs) {
    to[static_cast<std::size_t>(theirs)] = from[static_cast<std::size_t>(ours)];
  });
  return to;
}

/// How far two sums of `terms` exact products in double differ, in whatever order.
double two_sums(index_t terms, double magnitude) { return 2 * static_cast<double>(terms) * 0x1p-53 * magnitude; }

std::vector<float> as_float(const std::vector<double>& v) { return {v.begin(), v.end()}; }

}  // namespace

TEST_CASE("Benchmark reference: sums of sampled outputs") {
  for (const ConvDims& d : layers())
    for (const ConvSlot output : {ConvSlot::g, ConvSlot::x, ConvSlot::w}) {
      const auto first = random_values<float>(gpu::first_size(d, output), 1);
      const auto second = random_values<float>(gpu::second_size(d, output), 2);
      const Reference expected = reference_of(d, output, first.data(), second.data());
      REQUIRE(static_cast<index_t>(expected.value.size()) == gpu::output_size(d, output));
      const gpu::ConvProblem p{d, output, Precision::fp32, first.data(), second.data()};
      for (index_t at = 0; at < gpu::output_size(d, output); at += 7) {
        const gpu::Expected e = gpu::expected_at(p, at);
        const auto i = static_cast<std::size_t>(at);
        CAPTURE(d.H, d.R, d.stride_h, at, static_cast<int>(output));
        const double bound = two_sums(e.terms, expected.magnitude[i]);
        REQUIRE(std::fabs(e.value - expected.value[i]) <= bound);
        REQUIRE(std::fabs(e.magnitude - expected.magnitude[i]) <= bound);
      }
    }
  for (const bool trans_a : {false, true})
    for (const bool trans_b : {false, true}) {
      const GemmDims d{5, 6, 7, trans_a, trans_b};
      const auto a = random_values<float>(35, 1), b = random_values<float>(42, 2);
      const Reference expected = reference_gemm(d, a.data(), b.data());
      for (index_t at = 0; at < 30; ++at) {
        const auto i = static_cast<std::size_t>(at);
        const double found = gpu::expected_at({d, Precision::fp32, a.data(), b.data()}, at).value;
        CHECK(std::fabs(found - expected.value[i]) <= two_sums(d.K, expected.magnitude[i]));
      }
    }
}

TEST_CASE("Benchmark check: right results pass, wrong ones do not") {
  const GemmDims d{20, 30, 40};
  const auto a = random_values<float>(d.M * d.K, 1), b = random_values<float>(d.K * d.N, 2),
             bias = random_values<float>(30, 3);
  const auto plain = as_float(reference_gemm(d, a.data(), b.data()).value);
  std::vector<float> biased = plain;
  for (std::size_t i = 0; i < biased.size(); ++i) biased[i] = std::max(biased[i] + bias[i % 30], 0.0f);
  const auto wrong = [&](const float* with, Precision precision, const std::vector<float>& found) {
    return gpu::wrong(gpu::GemmProblem{d, precision, a.data(), b.data(), with}, found, d.N, false);
  };
  CHECK(wrong(nullptr, Precision::fp32, plain).empty());
  CHECK(wrong(bias.data(), Precision::fp32, biased).empty());
  CHECK_FALSE(wrong(bias.data(), Precision::fp32, plain).empty());
  std::vector<float> off = plain;
  for (float& v : off) v *= 1.0003f;
  CHECK_FALSE(wrong(nullptr, Precision::fp32, off).empty());
  CHECK(wrong(nullptr, Precision::tf32, off).empty());
  for (float& v : off) v *= 1.2f;
  CHECK_FALSE(wrong(nullptr, Precision::bf16, off).empty());
  off = plain;
  off[599] = std::numeric_limits<float>::quiet_NaN();
  CHECK(wrong(nullptr, Precision::bf16, off).find("output 599") != std::string::npos);
  CHECK(gpu::distance(plain, plain) == 0);
  CHECK(gpu::distance(biased, plain) > 0.1);
}

TEST_CASE("A convolution in cuDNN's terms is the same convolution") {
  int turned = 0;
  for (const ConvDims& d : layers()) {
    const gpu::EvenPadding even(d);
    turned += even.turned;
    // What cuDNN computes from descriptors with this padding: the outputs it will insist on, and NHWC data in an even
    // frame.
    CHECK((d.H + 2 * even.pad.h - ((d.R - 1) * d.dilation_h + 1)) / d.stride_h + 1 == d.P);
    CHECK((d.W + 2 * even.pad.w - ((d.S - 1) * d.dilation_w + 1)) / d.stride_w + 1 == d.Q);
    ConvDims theirs = d;
    theirs.pad_top = even.pad.h;
    theirs.pad_left = even.pad.w;

    const auto x = random_values<float>(d.x_shape().size(), 1), w = random_values<float>(d.w_shape().size(), 2);
    const gpu::Arrangement of_x{d.N, d.H * d.W, d.C, false, even.turned, false},
        of_w{d.K, d.R * d.S, d.C, true, even.turned, false}, of_y{d.N, d.P * d.Q, d.K, false, even.turned, false};
    const std::vector<float> their_x = arranged(of_x, x), krsc = arranged(of_w, w);
    std::vector<float> their_w(krsc.size());  // (K,R,S,C) to the (R,S,C,K) that the reference reads
    for (index_t k = 0; k < d.K; ++k)
      for (index_t rsc = 0; rsc < d.R * d.S * d.C; ++rsc)
        their_w[static_cast<std::size_t>(rsc * d.K + k)] = krsc[static_cast<std::size_t>(k * d.R * d.S * d.C + rsc)];
    const auto expected = as_float(reference_conv2d(d, x.data(), w.data()).value);
    const Reference their_y = reference_conv2d(theirs, their_x.data(), their_w.data());
    CAPTURE(d.H, d.R, d.stride_h, d.pad_top, even.turned);
    check_close(arranged(of_y, expected), their_y);

    // Planar layouts hold the same elements, channels before pixels.
    gpu::Arrangement planar = of_x;
    planar.planar = true;
    const std::vector<float> nchw = arranged(planar, x);
    for (index_t pixel = 0; pixel < d.H * d.W; ++pixel)
      for (index_t c = 0; c < d.C; ++c)
        REQUIRE(nchw[static_cast<std::size_t>(c * d.H * d.W + pixel)] ==
                their_x[static_cast<std::size_t>(pixel * d.C + c)]);
  }
  CHECK(turned >= 5);  // Keras' `same` at stride 2
  CHECK_THROWS_AS(gpu::EvenPadding(conv_dims({1, 8, 8, 1}, {3, 3, 1, 1}, {1, 1, Padding::sides(0, 2, 0, 2), 1, 1})),
                  Error);
}

TEST_CASE("Benchmark check: the largest error over its bound, and the seed of a failure") {
  const GemmDims d{20, 30, 40};
  const auto a = random_values<float>(d.M * d.K, 1), b = random_values<float>(d.K * d.N, 2);
  const gpu::GemmProblem p{d, Precision::fp32, a.data(), b.data()};
  std::vector<float> found = as_float(reference_gemm(d, a.data(), b.data()).value);
  const gpu::Judgement right = gpu::judge(p, found, d.N, false);
  CHECK(right.fault.empty());
  CHECK(right.worst < 0.1);
  for (float& v : found) v += 1;
  const gpu::Judgement off = gpu::judge(p, found, d.N, false);
  CHECK(support::contains(off.fault, text("TINYGAN_CHECK_SEED=", gpu::check_seed())));
  CHECK(off.worst > 100);
  CHECK(off.worst < 1e6);
  found[7] = std::numeric_limits<float>::quiet_NaN();
  CHECK(gpu::judge(p, found, d.N, false).worst == std::numeric_limits<double>::infinity());
  std::vector<int> seen(64);
  for (std::uint64_t i = 0; i < 6400; ++i) ++seen[gpu::random_bits(3, i) % 64];
  for (const int n : seen) CHECK(std::abs(n - 100) < 60);  // six standard deviations
  CHECK(gpu::random_bits(3, 5) != gpu::random_bits(4, 5));
}

namespace {

/// Of a product of n x n matrices.
gpu::Work square_product(double n, Precision p) {
  const double bytes = 3 * n * n * (p == Precision::bf16 ? 2 : 4);
  return {.precision = p,
          .flops = 2 * n * n * n,
          .bytes = bytes,
          .elements = 2 * n * n,
          .outputs = n * n,
          .terms = n,
          .algorithms = gpu::algorithms_of(2 * n * n * n)};
}

}  // namespace

TEST_CASE(
    "Predicted seconds of a case grow with its size, its precision and its timing, and are the sum of its parts") {
  double before = 0;
  for (const double n : {1024, 2048, 4096, 8192, 16384}) {
    const gpu::Prediction p = gpu::predict(square_product(n, Precision::bf16), 0.05, true);
    CHECK(p.total() > before);
    CHECK(p.set_up > 0);
    CHECK(p.check > 0);
    CHECK(p.search > 0);
    CHECK(p.timing >= 4 * 0.05);
    CHECK(p.total() == p.set_up + p.check + p.search + p.timing);
    CHECK(gpu::predict(square_product(n, Precision::tf32), 0.05, true).total() >= p.total());
    CHECK(gpu::predict(square_product(n, Precision::fp32), 0.05, true).total() >
          gpu::predict(square_product(n, Precision::tf32), 0.05, true).total());
    CHECK(gpu::predict(square_product(n, Precision::bf16), 0.1, true).timing >= p.timing);
    const gpu::Prediction unchecked = gpu::predict(square_product(n, Precision::bf16), 0.05, false);
    CHECK(unchecked.check == 0);
    // Two sums of 4 positive numbers, and a difference.
    CHECK(std::fabs(unchecked.total() - (p.total() - p.check)) <= 7 * 0x1p-53 * p.total());
    before = p.total();
  }
  CHECK(gpu::predict(square_product(1024, Precision::bf16), 0.1, true).timing >
        gpu::predict(square_product(1024, Precision::bf16), 0.05, true).timing);
  // The largest product: no algorithm of fp32 is called ten times.
  CHECK(gpu::predict(square_product(8192, Precision::fp32), 0.05, true).total() < 10);
}

TEST_CASE("What bounds a case's work") {
  CHECK(gpu::samples_of(1) == 500);
  CHECK(gpu::samples_of(8192) == 500);
  CHECK(gpu::samples_of(1e5) == 80);
  CHECK(gpu::samples_of(1e7) == 32);
  CHECK(gpu::calls_of(1e-6, 1) == 200);
  CHECK(gpu::calls_of(0, 1) == 1000);
  CHECK(gpu::calls_of(1e-3, 1) == 1);
  CHECK(gpu::calls_of(1e-3, 12) == 12);
  CHECK(gpu::sets_of(1e6, 50e6) == 102);
  CHECK(gpu::sets_of(1e9, 50e6) == 2);
  CHECK(gpu::sets_of(20e9, 50e6) == 1);
  CHECK(gpu::sets_of(0, 50e6) == 512);
  for (double flops = 1e6; flops < 1e14; flops *= 10)
    CHECK(gpu::algorithms_of(flops) >= gpu::algorithms_of(10 * flops));
}

TEST_CASE("The default network's layers at batch 128 in bf16 are predicted to fit 20 seconds") {
  double seconds = gpu::start_seconds;
  const auto add = [&](double flops, double elements, double outputs, double terms, int layouts, int algorithms) {
    const gpu::Work w{.precision = Precision::bf16,
                      .flops = flops,
                      .bytes = 2 * (elements + outputs),
                      .elements = elements,
                      .outputs = outputs,
                      .terms = terms,
                      .layouts = layouts,
                      .algorithms = algorithms};
    seconds += gpu::predict(w, 0.03, true).total();
  };
  int cases = 0;
  for (const bench::ConvLayer& l : bench::conv_layers(128))
    for (const ConvSlot output : {ConvSlot::g, ConvSlot::x, ConvSlot::w})
      if (l.network == "dcgan") {
        add(2 * static_cast<double>(l.dims.N * l.dims.P * l.dims.Q * l.dims.R * l.dims.S * l.dims.C * l.dims.K),
            static_cast<double>(gpu::first_size(l.dims, output) + gpu::second_size(l.dims, output)),
            static_cast<double>(gpu::output_size(l.dims, output)), static_cast<double>(gpu::terms_of(l.dims, output)),
            3, 28);
        ++cases;
      }
  CHECK(cases == 15);
  CHECK(seconds < 20);
}

TEST_CASE("A race tries every form that a shape and a precision allow, and expects more of larger tiles") {
  using forms::Way;
  const auto count = [](const std::vector<forms::Form>& all, Way way) {
    return std::count_if(all.begin(), all.end(), [&](const forms::Form& f) { return f.way == way; });
  };
  gpu::RaceShape s;
  s.gemm = GemmDims{4096, 4096, 4096};
  s.precision = Precision::bf16;
  s.work = square_product(4096, s.precision);
  s.flops = s.work.flops;
  CHECK(gpu::race_forms(s).size() == 4);  // so many blocks that no sum is cut
  CHECK(count(gpu::race_forms(s), Way::wgmma) == 2);
  const double wide = gpu::expected_seconds(s, {Way::wgmma, 128, 128, 1}, 1024);
  CHECK(wide < gpu::expected_seconds(s, {Way::mma, 128, 128, 1}, 1024));
  CHECK(wide < gpu::expected_seconds(s, {Way::wgmma, 128, 128, 1}, 100));
  CHECK(wide < gpu::expected_seconds(s, {Way::wgmma, 128, 128, 4}, 4096));
  CHECK(gpu::predicted_race(s, 8, 0.01, true) > gpu::predicted_race(s, 4, 0.01, true));
  s.precision = Precision::fp32;
  CHECK(count(gpu::race_forms(s), Way::ffma) == 3);
  s.gemm = GemmDims{128, 1, 6272};
  CHECK(count(gpu::race_forms(s), Way::vector) == 1);
  CHECK(count(gpu::race_forms(s), Way::ffma) > 9);  // with split-K
  for (const GemmDims& single :
       {GemmDims{128, 1, 6272, true}, GemmDims{1, 6272, 128}, GemmDims{128, 6272, 1, false, true}}) {
    s.gemm = single;
    CHECK(count(gpu::race_forms(s), Way::vector) == 1);
    CHECK(count(gpu::race_forms(s), Way::ffma) >= 3);
  }
  s.gemm = GemmDims{128, 2, 6272};
  CHECK(count(gpu::race_forms(s), Way::vector) == 0);

  gpu::RaceShape conv;
  conv.is_conv = true;
  conv.conv = conv_dims({128, 28, 28, 1}, {5, 5, 1, 64}, {2, 2, Padding::same(), 1, 1});
  CHECK(count(gpu::race_forms(conv), Way::one_channel) == 1);
  conv.output = ConvSlot::w;
  CHECK(count(gpu::race_forms(conv), Way::one_channel) > 3);
  for (const forms::Form& f : gpu::race_forms(conv)) CHECK(f.splits >= 1);
  conv.precision = Precision::bf16;
  CHECK(count(gpu::race_forms(conv), Way::wgmma) > 3);
  conv.precision = Precision::tf32;  // whose weight gradients have no wgmma form
  CHECK(count(gpu::race_forms(conv), Way::wgmma) == 0);
}
