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
    CHECK(std::fabs(one - nn::bce_with_logits(x, Variable<double>(Tensor<double>::full({7, 2}, label))).item()) <
          1e-14);
  }
  CHECK(std::fabs(nn::bce_with_logits(Variable<double>(Tensor<double>::zeros({3})), 1).item() - std::log(2.0)) < 1e-15);
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

TEST_CASE("one_hot") {
  const std::vector<int> labels{2, 0};
  CHECK(array(nn::one_hot<float>(labels, 3)) == Array{0, 0, 1, 1, 0, 0});
  const std::vector<int> bad{0, 3};
  CHECK(error_of([&] { nn::one_hot<float>(bad, 3); }) == "one_hot: label 3 of row 1, expected 0 to 2");
}

TEST_CASE("losses name what does not fit") {
  const Variable<float> x(Tensor<float>::zeros({2, 3})), t(Tensor<float>::zeros({3, 2}));
  const std::string ends = ": prediction (2, 3) and target (3, 2) differ in shape";
  CHECK(error_of([&] { nn::bce_with_logits(x, t); }) == "bce_with_logits" + ends);
  CHECK(error_of([&] { nn::binary_cross_entropy(x, t); }) == "binary_cross_entropy" + ends);
  CHECK(error_of([&] { nn::mean_squared_error(x, t); }) == "mean_squared_error" + ends);
  CHECK(error_of([&] { nn::softmax_cross_entropy(x, t); }) == "softmax_cross_entropy" + ends);
  CHECK(error_of([&] { nn::bce_with_logits(x, 1.5f); }) == "bce_with_logits: label 1.5, expected 0 to 1");
  CHECK(error_of([&] { nn::bce_with_logits(x, std::nanf("")); }) == "bce_with_logits: label nan, expected 0 to 1");
}
