#include <tinygan/nn/losses.hpp>

#include "support/check_ops.hpp"
#include "support/temporary.hpp"

using namespace tinygan;
using namespace tinygan::test;
using support::error_of;

namespace {

/// A loss of (x, target) as a sum of f(x, t) over elements, divided by `count`; each term of a few roundings.
template <class Call>
OpCase loss_case(const std::string& name, const Shape& shape, Draw x_draw, Draw t_draw, double count, Call call,
                 std::function<double(const Array& x, const Array& t, std::size_t i)> term) {
  return op_case(
      text(name, shape), {{shape, x_draw}, {shape, t_draw}}, [call](const auto& x) { return call(x[0], x[1]); },
      [=](const Arrays& x) {
        Expected y(Shape{});
        for (std::size_t i = 0; i < x[0].size(); ++i) {
          y.value[0] += term(x[0], x[1], i) / count;
          y.bound[0] += (static_cast<double>(x[0].size()) + 20) * (std::fabs(term(x[0], x[1], i)) + 4) / count;
        }
        return y;
      });
}

std::vector<OpCase> loss_cases() {
  std::vector<OpCase> cases;
  for (const Shape& shape : {Shape{1, 1}, Shape{5, 3}, Shape{17}, Shape{2, 3, 4}}) {
    const auto n = static_cast<double>(shape.size()), channels = static_cast<double>(shape[-1]);
    cases.push_back(loss_case(
        "bce_with_logits", shape, Draw::uniform, Draw::positive, n,
        [](const auto& x, const auto& t) { return nn::bce_with_logits(x, t * 0.5f); },
        [](const Array& x, const Array& t, std::size_t i) {
          const double p = 1 / (1 + std::exp(-x[i]));
          return -(t[i] / 2 * std::log(p) + (1 - t[i] / 2) * std::log(1 - p));
        }));
    cases.push_back(loss_case(
        "binary_cross_entropy", shape, Draw::positive, Draw::positive, n,
        [](const auto& x, const auto& t) { return nn::binary_cross_entropy(x * 0.5f, t * 0.5f); },
        [](const Array& x, const Array& t, std::size_t i) {
          return -(t[i] / 2 * std::log(x[i] / 2) + (1 - t[i] / 2) * std::log(1 - x[i] / 2));
        }));
    cases.push_back(loss_case(
        "mean_squared_error", shape, Draw::uniform, Draw::uniform, n,
        [](const auto& x, const auto& t) { return nn::mean_squared_error(x, t); },
        [](const Array& x, const Array& t, std::size_t i) { return (x[i] - t[i]) * (x[i] - t[i]); }));
    cases.push_back(loss_case(
        "softmax_cross_entropy", shape, Draw::uniform, Draw::positive, n / channels,
        [](const auto& x, const auto& t) { return nn::softmax_cross_entropy(x, t); },
        [width = static_cast<std::size_t>(shape[-1])](const Array& x, const Array& t, std::size_t i) {
          double sum = 0;
          for (std::size_t j = 0; j < width; ++j) sum += std::exp(x[i / width * width + j]);
          return -t[i] * (x[i] - std::log(sum));
        }));
  }
  return cases;
}

Variable<float> logits(std::initializer_list<float> values) {
  return {Tensor<float>::from(values, {static_cast<index_t>(values.size()), 1}), true};
}

}  // namespace

TEST_CASE("losses") { check_ops(loss_cases()); }

TEST_CASE("bce_with_logits for one label equals the general form") {
  for (const double label : {0.0, 0.1, 0.9, 1.0}) {
    const Variable<double> x(random_tensor<double>({7, 2}, 1));
    const double one = nn::bce_with_logits(x, label).item();
    // Means of 14 terms below 2, each of two functions of 3 ulp: 14 + 16 roundings on either side.
    CHECK(std::fabs(one - nn::bce_with_logits(x, Variable<double>(Tensor<double>::full({7, 2}, label))).item()) <=
          2 * (14 + 16) * 0x1p-53 * 2);
  }
  const double of_zeros = nn::bce_with_logits(Variable<double>(Tensor<double>::zeros({3})), 1).item();
  CHECK(std::fabs(of_zeros - std::log(2.0)) <= (3 + 8) * 0x1p-53 * std::log(2.0));
}

TEST_CASE("losses stay finite at logits of +-100, and so do their gradients") {
  const Variable<float> x = logits({-100, 100, -1e6f, 1e6f});
  for (const float label : {0.0f, 1.0f, 0.9f}) {
    const Variable<float> loss = nn::bce_with_logits(x, label);
    CHECK(std::isfinite(loss.item()));
    for (double v : array(grad(loss, {x})[0])) CHECK(std::isfinite(v));
  }
  CHECK(nn::bce_with_logits(logits({-100}), 1.0f).item() == 100);
  CHECK(nn::bce_with_logits(logits({100}), 1.0f).item() < 1e-40f);
  const Variable<float> certain(Tensor<float>::from({0.0f, 1.0f}, {2}), true),
      wrong(Tensor<float>::from({1.0f, 0.0f}, {2}));
  const Variable<float> loss = nn::binary_cross_entropy(certain, wrong);
  CHECK(std::isfinite(loss.item()));
  for (double v : array(grad(loss, {certain})[0])) CHECK(std::isfinite(v));
}

namespace {

/// bce_with_logits of each logit alone, its derivative and its second derivative, against the formulas in double.
template <class T>
void check_bce(Device device, double target, bool as_label) {
  for (const double size : {0.0, 0.5, 8.0, 10.0, 15.0, 17.0, 20.0, 40.0, 80.0, 100.0})
    for (const double logit : {size, -size}) {
      CAPTURE(text(device), target, logit, as_label);
      const auto t = static_cast<double>(static_cast<T>(target));
      const Variable<T> x(Tensor<T>::full({1}, static_cast<T>(logit), device), true);
      const Variable<T> loss =
          as_label ? nn::bce_with_logits(x, static_cast<T>(target))
                   : nn::bce_with_logits(x, Variable<T>(Tensor<T>::full({1}, static_cast<T>(target), device)));
      const Variable<T> dx = grad(loss, {x}, {.create_graph = true})[0];
      const double second = array(grad(ops::sum(dx), {x})[0])[0];
      const auto softplus = [](double a) { return std::max(a, 0.0) + std::log1p(std::exp(-std::fabs(a))); };
      const auto sigmoid = [&](double a) { return std::exp(-softplus(-a)); };
      // A few roundings of each term; the logarithm halves numbers below the normal range, so up to two units are lost there.
      const double eps = 16 * std::numeric_limits<T>::epsilon(), least = 2 * std::numeric_limits<T>::denorm_min();
      const double value = t * softplus(-logit) + (1 - t) * softplus(logit);
      CHECK(std::fabs(array(loss)[0] - value) <= eps * value + least);
      const double up = (1 - t) * sigmoid(logit), down = t * sigmoid(-logit);
      CHECK(std::fabs(array(dx)[0] - (up - down)) <= eps * (up + down) + least);
      const double curvature = sigmoid(logit) * sigmoid(-logit);
      CHECK(std::fabs(second - curvature) <= eps * curvature + least);
    }
}

}  // namespace

TEST_CASE("bce_with_logits keeps its digits at large logits, and so do its derivatives") {
  for (const double target : {0.0, 1.0, 0.5, 0.1, 0.9, 0.999})
    for (const bool as_label : {false, true}) {
      check_bce<double>(Device::cpu(), target, as_label);
      for (Device device : devices()) check_bce<float>(device, target, as_label);
    }
}

TEST_CASE("the derivative of bce_with_logits with respect to its target is minus the logit") {
  const Variable<double> x(Tensor<double>::from({-30, 0.5, 30}, {3})), t(Tensor<double>::from({0, 0.25, 1}, {3}), true);
  const Array dt = array(grad(nn::bce_with_logits(x, t) * 3, {t})[0]);
  // softplus(-x) - softplus(x), each to 3 ulp and divided by 3: their sum is below |x| + 1.4.
  for (std::size_t i = 0; i < 3; ++i)
    CHECK(std::fabs(dt[i] + array(x)[i]) <= 12 * 0x1p-53 * (std::fabs(array(x)[i]) + 1.4));
}

TEST_CASE("binary_cross_entropy is finite where a narrow type rounds 1 - eps to 1") {
  for (Device device : devices()) {
    if (device.type == DeviceType::cpu) continue;  // has no kernels for bfloat16
    using B = Variable<bfloat16>;
    const B p(Tensor<bfloat16>::from({bfloat16(1), bfloat16(0), bfloat16(1), bfloat16(0)}, {4}, device), true),
        t(Tensor<bfloat16>::from({bfloat16(1), bfloat16(0), bfloat16(0), bfloat16(1)}, {4}, device));
    const B loss = nn::binary_cross_entropy(p, t);
    CHECK(std::isfinite(static_cast<float>(loss.item())));
    for (double g : array(grad(loss, {p})[0])) CHECK(std::isfinite(g));
  }
  const Variable<float> p(Tensor<float>::from({1, 0}, {2}), true), t(Tensor<float>::from({1, 0}, {2}));
  CHECK(std::isfinite(nn::binary_cross_entropy(p, t, 1e-9f).item()));
  CHECK(error_of([&] { nn::binary_cross_entropy(p, t, 0.5f); }) ==
        "binary_cross_entropy: epsilon 0.5, expected above 0 and below 0.5");
}

TEST_CASE("targets that are not probabilities are refused, on a device in an anomaly scope") {
  for (Device device : devices()) {
    CAPTURE(text(device));
    const Variable<float> x(Tensor<float>::from({1, 2, 3}, {3, 1}, device), true);
    const auto target = [&](float v) { return Variable<float>(Tensor<float>::from({0, v, 1}, {3, 1}, device)); };
    for (const auto& [value, shown] :
         {std::pair{1.5f, "1.5"}, std::pair{-0.25f, "-0.25"}, std::pair{std::nanf(""), "nan"}}) {
      const std::string found = std::string(": target ") + shown + " at element 1 of (3, 1), expected ";
      const Variable<float> bad = target(value);
      const bool refused = error_of([&] { nn::bce_with_logits(x, bad); }) != "";
      CHECK(refused == (device.type == DeviceType::cpu));  // the host does not wait for a device to check its targets
      const AnomalyScope anomalies;
      CHECK(error_of([&] { nn::bce_with_logits(x, bad); }) == "bce_with_logits" + found + "0 to 1");
      CHECK(error_of([&] { nn::binary_cross_entropy(x, bad); }) == "binary_cross_entropy" + found + "0 to 1");
      if (!(value > 0))
        CHECK(error_of([&] { nn::softmax_cross_entropy(x, bad); }) == "softmax_cross_entropy" + found + "at least 0");
    }
    CHECK(std::isfinite(nn::bce_with_logits(x, target(1)).item()));
    CHECK(std::isfinite(nn::bce_with_logits(x, target(0.3f)).item()));
  }
}

TEST_CASE("one_hot") {
  const std::vector<int> labels{2, 0};
  CHECK(array(nn::one_hot<float>(labels, 3)) == Array{0, 0, 1, 1, 0, 0});
  const std::vector<int> bad{0, 3};
  CHECK(error_of([&] { nn::one_hot<float>(bad, 3); }) == "one_hot: label 3 of row 1, expected 0 to 2");
  CHECK(error_of([] { nn::one_hot<float>(std::vector<int>{}, 3); }) ==
        "one_hot: 0 labels of 3 classes, expected at least 1 of each");
  CHECK(error_of([&] { nn::one_hot<float>(labels, 0); }) ==
        "one_hot: 2 labels of 0 classes, expected at least 1 of each");
}

TEST_CASE("a loss is the mean of its terms, their sum, or the terms") {
  using nn::Reduction;
  const Variable<double> x(random_tensor<double>({4, 3}, 1)), t(Tensor<double>::full({4, 3}, 0.25));
  const Variable<double> p = ops::sigmoid(x);
  const std::vector<int> classes{0, 2, 1, 1};
  const auto check = [](const auto& loss, const Shape& terms) {
    const Variable<double> each = loss(Reduction::none);
    CHECK(each.shape() == terms);
    const auto n = static_cast<double>(each.size());
    double sum = 0, size = 0;
    for (const double v : array(each)) sum += v, size += std::fabs(v);
    // Two orders of n terms, each of a few roundings.
    CHECK(std::fabs(loss(Reduction::sum).item() - sum) <= 2 * (n + 4) * 0x1p-53 * size);
    CHECK(std::fabs(loss(Reduction::mean).item() - sum / n) <= 2 * (n + 5) * 0x1p-53 * size / n);
  };
  check([&](Reduction r) { return nn::bce_with_logits(x, t, r); }, {4, 3});
  check([&](Reduction r) { return nn::bce_with_logits(x, 0.9, r); }, {4, 3});
  check([&](Reduction r) { return nn::bce_with_logits(x, 1, r); }, {4, 3});
  check([&](Reduction r) { return nn::binary_cross_entropy(p, t, 1e-7, r); }, {4, 3});
  check([&](Reduction r) { return nn::mean_squared_error(x, t, r); }, {4, 3});
  check([&](Reduction r) { return nn::softmax_cross_entropy(x, t, r); }, {4});
  check([&](Reduction r) { return nn::softmax_cross_entropy(x, classes, r); }, {4});
}

TEST_CASE("labels on the device: one_hot, cross-entropy and accuracy as of labels on the host") {
  using Classes = Tensor<std::int32_t>;
  const std::vector<std::int32_t> labels{1, 0, 2, 2};
  for (const Device device : devices()) {
    CAPTURE(text(device));
    const Classes there = Classes::from(labels, {4}, device);
    CHECK(nn::one_hot<float>(there, 3).to_vector() == nn::one_hot<float>(labels, 3).to_vector());
    CHECK(nn::one_hot<float>(there.reshape({2, 2}), 3).shape() == Shape{2, 2, 3});
    const Variable<float> x(random_tensor<float>({4, 3}, 1).to(device), true);
    const auto exact = nn::softmax_cross_entropy(in_double(x), labels);
    check_rounded<float>(array(nn::softmax_cross_entropy(x, there)), exact);
    const Variable<float> sequences = ops::reshape(x, {2, 2, 3});
    CHECK(same_bits(nn::softmax_cross_entropy(sequences, there.reshape({2, 2})).value(),
                    nn::softmax_cross_entropy(x, there).value()));
    const Variable<float> scores(Tensor<float>::from({0, 1, 0, 3, 2, 1, 0, 5, 4, 1, 2, 3}, {4, 3}, device));
    CHECK(nn::accuracy(scores, there) == 0.75);
    CHECK(nn::accuracy(scores, Classes::from({1, 0, 1, 2}, {4}, device)) == 1);
  }
  const Variable<float> scores(Tensor<float>::from({0, 1, 3, 2}, {2, 2}));
  CHECK(nn::accuracy(scores, std::vector<int>{1, 1}) == 0.5);
  CHECK(error_of([&] { nn::accuracy(scores, std::vector<int>{1}); }) ==
        "accuracy: prediction (2, 2) for labels (1,), expected (.., classes) for (..)");
  CHECK(error_of([&] {
          nn::softmax_cross_entropy(scores, Classes::from({0, 2}, {2}));
        }) == "take_along_axis: index 2 at element 1 of (2, 1), expected 0 to 1");
  CHECK(error_of([&] {
          nn::softmax_cross_entropy(scores, Classes::from({0}, {1, 1}));
        }) == "softmax_cross_entropy: prediction (2, 2) for labels (1, 1), expected (.., classes) for (..)");
  CHECK(error_of([&] {
          nn::one_hot<float>(Classes::from({0, 2}, {2}), 2);
        }) == "one_hot: index 2 at element 1 of (2,), expected 0 to 1");
}

TEST_CASE("losses name what does not fit") {
  const Variable<float> x(Tensor<float>::zeros({2, 3})), t(Tensor<float>::zeros({3, 2}));
  const std::string ends = ": prediction (2, 3) and target (3, 2) differ in shape";
  CHECK(error_of([&] { nn::bce_with_logits(x, t); }) == "bce_with_logits" + ends);
  CHECK(error_of([&] { nn::binary_cross_entropy(x, t); }) == "binary_cross_entropy" + ends);
  CHECK(error_of([&] { nn::mean_squared_error(x, t); }) == "mean_squared_error" + ends);
  CHECK(error_of([&] { nn::softmax_cross_entropy(x, t); }) == "softmax_cross_entropy" + ends);
  const std::string empty = " is empty: default-constructed or moved from, expected a variable with a value";
  CHECK(error_of([&] { nn::mean_squared_error(x, {}); }) == "mean_squared_error: target" + empty);
  CHECK(error_of([&] { nn::bce_with_logits(Variable<float>(), 1.0f); }) == "bce_with_logits: prediction" + empty);
  CHECK(error_of([&] { nn::bce_with_logits(x, 1.5f); }) == "bce_with_logits: label 1.5, expected 0 to 1");
  CHECK(error_of([&] { nn::bce_with_logits(x, std::nanf("")); }) == "bce_with_logits: label nan, expected 0 to 1");
}
