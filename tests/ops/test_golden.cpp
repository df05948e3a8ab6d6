// What Keras and PyTorch compute (tests/golden/README.md). The frameworks computed in double from the same float
// inputs, and rounded once: so each tolerance is that rounding, half an epsilon, plus the bound of our own arithmetic
// in float.
#include <tinygan/io/safetensors.hpp>
#include <tinygan/nn/losses.hpp>
#include <tinygan/nn/normalisation.hpp>
#include <tinygan/ops/conv.hpp>
#include <tinygan/ops/pooling.hpp>
#include <tinygan/optim/adam.hpp>
#include <tinygan/optim/sgd.hpp>

#include "support/catch.hpp"
#include "support/paths.hpp"
#include "support/reference.hpp"
#include "support/values.hpp"

using namespace tinygan;
using namespace tinygan::test;

namespace {

constexpr double eps = std::numeric_limits<float>::epsilon();

/// A golden file: its tensors by case and name.
class Golden {
 public:
  explicit Golden(const std::string& name) : file_(io::read_safetensors(test_file("golden/" + name + ".safetensors"))) {
    for (const io::SafetensorsEntry& e : file_.tensors) {
      const std::string c = e.name.substr(0, e.name.find('/'));
      if (std::find(cases_.begin(), cases_.end(), c) == cases_.end()) cases_.push_back(c);
    }
    REQUIRE(!cases_.empty());
  }

  const std::vector<std::string>& cases() const { return cases_; }
  Tensor<float> tensor(const std::string& c, const std::string& name) const {
    const io::SafetensorsEntry* e = file_.find(c + "/" + name);
    REQUIRE(e != nullptr);
    return Tensor<float>::from(std::span<const float>(file_.values<float>(c + "/" + name)), Shape(e->shape));
  }
  Array params(const std::string& c) const { return array(tensor(c, "params")); }

 private:
  io::SafetensorsFile file_;
  std::vector<std::string> cases_;
};

/// Each element within eps * (its own size + bound).
void check_close(const char* what, const Tensor<float>& found, const Tensor<float>& expected, const Array& bound) {
  INFO(what);
  REQUIRE(found.shape() == expected.shape());
  const Array a = array(found), b = array(expected);
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (std::fabs(a[i] - b[i]) <= eps * (std::fabs(b[i]) + bound[i])) continue;
    CAPTURE(i, a[i], b[i], bound[i]);
    FAIL_CHECK("an element is outside its error bound");
    return;
  }
}
void check_close(const char* what, const Tensor<float>& found, const Tensor<float>& expected, double bound) {
  check_close(what, found, expected, Array(static_cast<std::size_t>(expected.size()), bound));
}

/// (terms + 2) |a||b| of each sum of products.
Array products(const Reference& r) {
  Array bound = r.magnitude;
  for (double& b : bound) b *= r.terms + 2;
  return bound;
}

double largest(const Tensor<float>& t) {
  double most = 0;
  for (double v : array(t)) most = std::max(most, std::fabs(v));
  return most;
}

void check_convolutions(const std::string& name, std::size_t cases) {
  const Golden golden(name);
  CHECK(golden.cases().size() == cases);
  for (const std::string& c : golden.cases()) {
    INFO(name << " " << c);
    const bool transposed = name == "conv2d_transpose_keras" || c.starts_with("transpose_");
    const Array p = golden.params(c);
    const auto at = [&](std::size_t i) { return static_cast<index_t>(p[i]); };
    const Padding padding = at(4) == 0   ? Padding::valid()
                            : at(4) == 1 ? Padding::same()
                                         : Padding::sides(at(5), at(6), at(7), at(8));
    const ConvOptions options{at(0), at(1), padding, at(2), at(3)};
    const Variable<float> x(golden.tensor(c, "x"), true), w(golden.tensor(c, "w"), true), g(golden.tensor(c, "g"));
    const Variable<float> y = transposed ? ops::conv2d_transpose(x, w, options, {}, at(9)) : ops::conv2d(x, w, options);
    REQUIRE(y.shape() == g.shape());
    const auto grads = grad(y, {x, w}, {}, g);
    const float *px = x.value().data(), *pw = w.value().data(), *pg = g.value().data();
    if (transposed) {
      const ConvDims d = conv_transpose_dims(x.shape(), w.shape(), options, at(9));
      check_close("y", y.value(), golden.tensor(c, "y"), products(reference_conv2d_input_grad(d, px, pw)));
      check_close("dx", grads[0].value(), golden.tensor(c, "dx"), products(reference_conv2d(d, pg, pw)));
      check_close("dw", grads[1].value(), golden.tensor(c, "dw"), products(reference_conv2d_weight_grad(d, pg, px)));
    } else {
      const ConvDims d = conv_dims(x.shape(), w.shape(), options);
      check_close("y", y.value(), golden.tensor(c, "y"), products(reference_conv2d(d, px, pw)));
      check_close("dx", grads[0].value(), golden.tensor(c, "dx"), products(reference_conv2d_input_grad(d, pg, pw)));
      check_close("dw", grads[1].value(), golden.tensor(c, "dw"), products(reference_conv2d_weight_grad(d, px, pg)));
    }
  }
}

}  // namespace

TEST_CASE("Conv2D as Keras computes it") { check_convolutions("conv2d_keras", 38); }
TEST_CASE("Conv2DTranspose as Keras computes it") { check_convolutions("conv2d_transpose_keras", 34); }
TEST_CASE("Conv2d and ConvTranspose2d as PyTorch computes them") { check_convolutions("conv_torch", 18); }

TEST_CASE("batch normalisation as Keras and PyTorch compute it") {
  const Golden golden("batch_norm");
  for (const std::string& c : golden.cases()) {
    INFO(c);
    const Array p = golden.params(c);
    const bool keras = p[2] == 1;
    const Tensor<float> x1 = golden.tensor(c, "x1"), gamma = golden.tensor(c, "gamma");
    nn::BatchNorm<float> layer(
        gamma.size(), {.momentum = keras ? p[1] : 1 - p[1], .epsilon = p[0], .unbiased_running_variance = !keras});
    layer.parameters()[0].set_value(gamma);
    layer.parameters()[1].set_value(golden.tensor(c, "beta"));
    Generator random;

    // Errors of the statistics: a mean of n values off by eps * size moves x - mean by as much, and rstd is at most 2
    // here.
    const double size = std::max(largest(x1), largest(golden.tensor(c, "x2"))),
                 n = static_cast<double>(x1.size() / gamma.size());
    const double rstd = 1 / 0.3, bound = (4 + 2 * std::log2(n)) * largest(gamma) * rstd * (size + 4);
    const Variable<float> x(x1, true), g(golden.tensor(c, "g"));
    const Variable<float> y1 = layer(x, nn::Pass::train(random));
    check_close("y1", y1.value(), golden.tensor(c, "y1"), bound);
    check_close("mean1", layer.buffers()[0].value(), golden.tensor(c, "mean1"), 4 * size);
    check_close("var1", layer.buffers()[1].value(), golden.tensor(c, "var1"), 8 * (size + 16));
    const auto grads = grad(y1, {x, layer.parameters()[0], layer.parameters()[1]}, {}, g);
    // Each gradient is a sum over n of g, g xhat (xhat at most sqrt(n)) and, in dx, their product.
    const double error = bound * largest(g.value()) * n;
    check_close("dx", grads[0].value(), golden.tensor(c, "dx"), error);
    check_close("dgamma", grads[1].value(), golden.tensor(c, "dgamma"), error);
    check_close("dbeta", grads[2].value(), golden.tensor(c, "dbeta"), n * n * largest(g.value()));

    check_close("y2", layer(Variable<float>(golden.tensor(c, "x2")), nn::Pass::train(random)).value(),
                golden.tensor(c, "y2"), bound);
    check_close("mean2", layer.buffers()[0].value(), golden.tensor(c, "mean2"), 6 * size);
    check_close("var2", layer.buffers()[1].value(), golden.tensor(c, "var2"), 12 * (size + 16));
    const Variable<float> xt(golden.tensor(c, "xt"), true);
    const Variable<float> yt = layer(xt, nn::Pass::infer());
    check_close("yt", yt.value(), golden.tensor(c, "yt"), bound);
    check_close("dxt", grad(yt, {xt}, {}, g)[0].value(), golden.tensor(c, "dxt"),
                16 * (1 + size) * largest(gamma) * largest(g.value()));
  }
}

TEST_CASE("layer normalisation as Keras and PyTorch compute it") {
  const Golden golden("layer_norm");
  for (const std::string& c : golden.cases()) {
    INFO(c);
    const std::vector<Variable<float>> in{
        {golden.tensor(c, "x"), true}, {golden.tensor(c, "gamma"), true}, {golden.tensor(c, "beta"), true}};
    const Variable<float> g(golden.tensor(c, "g"));
    const Variable<float> y =
        ops::layer_norm(in[0], in[1], in[2], {static_cast<float>(golden.params(c)[0]), Activation::none});
    const double n = static_cast<double>(in[1].size()), rows = static_cast<double>(y.size()) / n, rstd = 1 / 0.3;
    const double bound = (n + 8) * largest(in[1].value()) * rstd * (largest(in[0].value()) + std::sqrt(n));
    check_close("y", y.value(), golden.tensor(c, "y"), bound);
    const auto grads = grad(y, in, {}, g);
    const double error = bound * largest(g.value()) * rstd * n;
    check_close("dx", grads[0].value(), golden.tensor(c, "dx"), error);
    check_close("dgamma", grads[1].value(), golden.tensor(c, "dgamma"), error * rows);
    check_close("dbeta", grads[2].value(), golden.tensor(c, "dbeta"), rows * rows * largest(g.value()));
  }
}

TEST_CASE("Adam as Keras and PyTorch compute it") {
  const Golden golden("adam");
  for (const std::string& c : golden.cases()) {
    INFO(c);
    const Array h = golden.params(c);
    const Variable<float> parameter(golden.tensor(c, "p0"), true);
    optim::Adam<float> adam({parameter}, {.learning_rate = h[0],
                                          .beta1 = h[1],
                                          .beta2 = h[2],
                                          .epsilon = h[3],
                                          .weight_decay = h[4],
                                          .epsilon_hat = h[5] == 1});
    const Tensor<float> g = golden.tensor(c, "g"), p = golden.tensor(c, "p");
    for (index_t step = 0; step < g.extent(0); ++step) {
      CAPTURE(step);
      adam.step({Variable<float>(g[step])});
      // A step is at most a few learning rates long, with some 16 roundings (1 - beta2^t loses most); p adds one each.
      check_close("p", parameter.value(), p[step], static_cast<double>(step + 1) * (16 * 4 * h[0] + largest(p)));
    }
  }
}

TEST_CASE("SGD as PyTorch computes it") {
  const Golden golden("sgd");
  for (const std::string& c : golden.cases()) {
    INFO(c);
    const Array h = golden.params(c);
    const Variable<float> parameter(golden.tensor(c, "p0"), true);
    optim::Sgd<float> sgd({parameter},
                          {.learning_rate = h[0], .momentum = h[1], .weight_decay = h[2], .nesterov = h[3] == 1});
    const Tensor<float> g = golden.tensor(c, "g"), p = golden.tensor(c, "p");
    Array moved(static_cast<std::size_t>(p.extent(1)), 0.0);
    for (index_t step = 0; step < g.extent(0); ++step) {
      CAPTURE(step);
      sgd.step({Variable<float>(g[step])});
      // Each step rounds a few times: the gradients so far and the parameter.
      const Array gradient = array(g[step]), now = array(p[step]);
      for (std::size_t i = 0; i < moved.size(); ++i) moved[i] += 8 * (std::fabs(gradient[i]) + std::fabs(now[i]));
      check_close("p", parameter.value(), p[step], moved);
    }
  }
}

TEST_CASE("losses as Keras and PyTorch compute them") {
  const Golden golden("losses");
  for (const std::string& c : golden.cases()) {
    INFO(c);
    const Variable<float> x(golden.tensor(c, "x"), true), target(golden.tensor(c, "target"));
    const Variable<float> loss = c.find("bce_logits") != std::string::npos ? nn::bce_with_logits(x, target)
                                 : c.find("bce") != std::string::npos      ? nn::binary_cross_entropy(x, target)
                                 : c.find("mse") != std::string::npos      ? nn::mean_squared_error(x, target)
                                                                           : nn::softmax_cross_entropy(x, target);
    // A mean of n terms, each of a few roundings; 1/p of the probabilities is at most 50.
    const double n = static_cast<double>(x.size()), size = largest(x.value()) + 1;
    check_close("loss", loss.value().reshape({1}), golden.tensor(c, "loss"), (n + 16) * size);
    check_close("dx", grad(loss, {x})[0].value(), golden.tensor(c, "dx"), 32 * 50 * size / n);
  }
}

TEST_CASE("pooling as Keras computes it") {
  const Golden golden("pooling");
  CHECK(golden.cases().size() == 28);
  for (const std::string& c : golden.cases()) {
    INFO(c);
    const Array p = golden.params(c);
    const auto at = [&](std::size_t i) { return static_cast<index_t>(p[i]); };
    const ops::PoolOptions options{at(0), at(1), at(2), at(3), p[4] == 1 ? Padding::same() : Padding::valid()};
    const Variable<float> x(golden.tensor(c, "x"), true), g(golden.tensor(c, "g"));
    const bool max = c.starts_with("max");
    const Variable<float> y = max ? ops::max_pool2d(x, options) : ops::average_pool2d(x, options);
    // At most 9 values of a window, and 9 windows over a pixel, are summed.
    check_close("y", y.value(), golden.tensor(c, "y"), max ? 0 : 11 * largest(x.value()));
    check_close("dx", grad(y, {x}, {}, g)[0].value(), golden.tensor(c, "dx"), 11 * 9 * largest(g.value()));
  }
}
