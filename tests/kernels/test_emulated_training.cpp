// Everything above the kernels on the emulated device: models, losses, optimisers, averages, data and weights.
//
// The emulated device's memory is the host's, so a tensor left on the CPU would go unnoticed there where a GPU fails:
// the tests look at where tensors are, and that a step takes no memory of the CPU's.
#include <tinygan/data/device_images.hpp>
#include <tinygan/data/strokes.hpp>
#include <tinygan/gan/step.hpp>
#include <tinygan/gan/step_metrics.hpp>
#include <tinygan/io/weights.hpp>
#include <tinygan/nn/losses.hpp>
#include <tinygan/optim/adam.hpp>
#include <tinygan/optim/clip.hpp>
#include <tinygan/optim/ema.hpp>
#include <tinygan/optim/sgd.hpp>

#include "kernels/emulated.hpp"
#include "models/tiny_networks.hpp"
#include "support/amplification.hpp"

namespace tinygan {
namespace {

using namespace test;
using support::contains;
using support::error_of;

constexpr Device there = Device::emulated();

/// Whether f() makes no tensor on the CPU.
template <class F>
bool spares_the_cpu(const F& f) {
  MemoryPool& memory = memory_pool(Device::cpu());
  memory.reset_peak();
  const std::size_t before = memory.stats().in_use;
  f();
  return memory.stats().peak_in_use == before;
}

/// Gives every parameter and buffer of `to` the values of `from`'s.
template <class T, class U>
void cast_weights(const nn::Module<U>& from, const nn::Module<T>& to) {
  const auto copy = [](const std::vector<Variable<U>>& a, const std::vector<Variable<T>>& b) {
    REQUIRE(a.size() == b.size());
    for (std::size_t i = 0; i < a.size(); ++i) b[i].value().copy_from(tensor<T>(array(a[i]), a[i].shape()));
  };
  copy(from.parameters(), to.parameters());
  copy(from.buffers(), to.buffers());
}

/// Results of a training: losses and gradient norms, then parameters, statistics and averages.
using Trained = std::vector<Array>;

/// A few steps of a classifier: dropout, clipping, Adam and an average. `make(random)` is its model.
template <class T, class Make>
Trained train_classifier(const Make& make, index_t inputs, index_t classes, Device device, double moved = 0,
                         unsigned seed = 0) {
  Generator weights(3), random(5, device);
  nn::Sequential<T> model = make(T{}, weights), average = make(T{}, weights);
  Generator same_for_all(4);
  cast_weights(make(float{}, same_for_all), model);
  move_weights(model, moved, seed);
  model.to(device);
  average.to(device);
  // An epsilon of the size of the gradients: where it is small, Adam turns the rounding of a tiny one into a full step.
  optim::Adam<T> adam(model.parameters(), {.learning_rate = 0.05, .beta1 = 0.5, .epsilon = 0.1});
  optim::Ema<T> ema(model.parameters(), average.parameters());
  const index_t batch = 8;
  const auto x = tensor<T>(draw(Draw::uniform, {batch, inputs}, 1), {batch, inputs}, device);
  const std::vector<int> labels{0, 1, 2, 3, 3, 2, 1, 0};
  const auto target = nn::one_hot<T>(labels, classes, device);

  Trained result(1);
  for (int i = 0; i < 3; ++i) {
    random.next_step();
    const auto step = [&] {
      const Variable<T> loss =
          nn::softmax_cross_entropy(model(Variable<T>(x), nn::Pass::train(random)), Variable<T>(target));
      const auto [grads, norm] = optim::clip_by_global_norm(grad(loss, adam.parameters()), T(0.5));
      adam.step(grads);
      ema.update();
      result[0].push_back(static_cast<double>(loss.item()));
      result[0].push_back(static_cast<double>(norm.item()));
    };
    if (device == Device::cpu()) step();
    else CHECK(spares_the_cpu(step));
  }
  for (const auto& variables : {model.parameters(), model.buffers(), average.parameters()})
    for (const Variable<T>& v : variables) {
      CHECK(v.device() == device);
      result.push_back(array(v));
    }
  return result;
}

/// The largest difference of two results' elements.
double difference(const Array& a, const Array& b) {
  REQUIRE(a.size() == b.size());
  double most = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (const double d = std::fabs(a[i] - b[i]); !(d <= most)) most = d;  // NaN stays
  return most;
}

/// Three steps on the emulated device against those in double, in the largest element of each result: within what rounding can
/// do to their products, sums of 100 at most, and to a sum of the result's own (4 sqrt(100) roundings). run(moved, seed) trains in double.
template <class Run>
void check_trained(const Trained& emulated, const Run& run) {
  const Trained exact = run(0.0, 0u);
  REQUIRE(emulated.size() == exact.size());
  const Array bound = farthest(run, 3 * moved_in_step(float_eps / 2, false, 100), difference);
  for (std::size_t k = 0; k < exact.size(); ++k) {
    const double error = difference(emulated[k], exact[k]), size = difference(exact[k], Array(exact[k].size(), 0.0)),
                 allowed = bound[k] + 40 * float_eps / 2 * size;
    support::record_error(error, allowed, [&] { return text("result ", k); });
    CAPTURE(k, error, allowed);
    CHECK(error <= allowed);
  }
}

template <class Make>
void check_classifier(const Make& make, index_t inputs, index_t classes) {
  check_trained(train_classifier<float>(make, inputs, classes, there), [&](double moved, unsigned seed) {
    return train_classifier<double>(make, inputs, classes, Device::cpu(), moved, seed);
  });
}

TEST_CASE("A tensor made on the CPU is noticed") {
  CHECK(spares_the_cpu([] { Tensor<float>({100}, there); }));
  CHECK_FALSE(spares_the_cpu([] { Tensor<float>({100}, Device::cpu()); }));
}

TEST_CASE("Training on the emulated device: normalisation, dropout, softmax, clipping, Adam, averages") {
  check_classifier(
      []<class T>(T, Generator&) {
        nn::Sequential<T> m;
        m.add(nn::LayerNorm<T>(12, {.activation = Activation::leaky_relu(0.2)}))
            .add(nn::Dropout<T>(0.3))
            .add(nn::BatchNorm<T>(12, {.activation = Activation::tanh}));
        return m;
      },
      12, 12);
}

TEST_CASE("Training on the emulated device: dense layers") {
  check_classifier(
      []<class T>(T, Generator& random) {
        nn::Sequential<T> m;
        m.add(nn::Dense<T>(9, 16, {.activation = Activation::leaky_relu(0.2)}, random))
            .add(nn::LayerNorm<T>(16))
            .add(nn::Dropout<T>(0.2))
            .add(nn::Dense<T>(16, 12, {.bias = false}, random))
            .add(nn::BatchNorm<T>(12, {.activation = Activation::relu}))
            .add(nn::Dense<T>(12, 5, {}, random));
        return m;
      },
      9, 5);
}

/// Adversarial steps of tiny networks, with convolutions and transposed ones.
template <class T>
Trained train_adversarially(Device device, double moved = 0, unsigned seed = 0) {
  models::Networks<T> networks = tiny_networks<T>(1);
  const models::Networks<float> same_for_all = tiny_networks(1);
  cast_weights(same_for_all.generator, networks.generator);
  cast_weights(same_for_all.discriminator, networks.discriminator);
  move_weights(networks.generator, moved, seed);
  move_weights(networks.discriminator, moved, seed + 1000);
  networks.to(device);
  const AdamHyper hyper{.learning_rate = 0.01, .beta1 = 0.5, .epsilon = 0.1};
  gan::AdversarialStep<T> step(networks, hyper, hyper);
  step.measure_norms(true);
  Generator random(5, device);
  const Tensor<float> images = tiny_images(1);
  const auto real = tensor<T>(array(images), images.shape(), device);

  Trained result(gan::step_metrics<float>.size());
  for (int i = 0; i < 3; ++i) {
    random.next_step();
    gan::StepMetrics<Tensor<T>> r;
    if (device == Device::cpu()) r = step(real, random);
    else CHECK(spares_the_cpu([&] { r = step(real, random); }));
    std::size_t k = 0;
    for (const Tensor<T>& t : gan::values_of(r)) {
      CHECK(t.device() == device);
      result[k++].push_back(static_cast<double>(t.item()));
    }
  }
  for (const nn::Sequential<T>* m : {&networks.generator, &networks.discriminator})
    for (const auto& variables : {m->parameters(), m->buffers()})
      for (const Variable<T>& v : variables) result.push_back(array(v));
  return result;
}

TEST_CASE("Training on the emulated device: adversarial steps with convolutions") {
  check_trained(train_adversarially<float>(there),
                [](double moved, unsigned seed) { return train_adversarially<double>(Device::cpu(), moved, seed); });
}

TEST_CASE("Losses on the emulated device") {
  const auto here = [](const Tensor<float>& t) { return Variable<float>(t); };
  const auto moved = [](const Tensor<float>& t) { return Variable<float>(t.to(there)); };
  const auto x = tensor<float>(draw(Draw::off_zero, {6, 4}, 1), {6, 4}),
             p = tensor<float>(draw(Draw::positive, {6, 4}, 2), {6, 4});
  const auto each = [&](const auto& on) {
    const Variable<float> logits = on(x), target = on(p) * 0.5f;
    return std::vector<double>{static_cast<double>(nn::bce_with_logits(logits, target).item()),
                               static_cast<double>(nn::bce_with_logits(logits, 0.9f).item()),
                               static_cast<double>(nn::binary_cross_entropy(target, target).item()),
                               static_cast<double>(nn::mean_squared_error(logits, target).item()),
                               static_cast<double>(nn::softmax_cross_entropy(logits, target).item())};
  };
  const std::vector<double> a = each(moved), b = each(here);
  // Means of 24 values of at most 3, each a few roundings off.
  for (std::size_t i = 0; i < a.size(); ++i) CHECK(std::fabs(a[i] - b[i]) <= 3 * (24 + 16) * float_eps);
}

TEST_CASE("SGD on the emulated device") {
  const auto result = [](Device device) {
    const Variable<float> w(tensor<float>(draw(Draw::uniform, {37}, 1), {37}, device), true);
    optim::Sgd<float> sgd({w}, {.learning_rate = 0.1, .momentum = 0.9});
    for (int i = 0; i < 3; ++i) sgd.step(grad(ops::sum(ops::square(w)), {w}));
    return array(w);
  };
  const Array a = result(there), b = result(Device::cpu());
  // Either device rounds the momentum, below 6, three times a step, of which w takes a tenth, and w, below 1, twice.
  for (std::size_t i = 0; i < a.size(); ++i) CHECK(std::fabs(a[i] - b[i]) <= 2 * 3 * (0.1 * 3 * 6 + 2) * float_eps / 2);
}

TEST_CASE("Dropout without a generator takes the device's own") {
  nn::Dropout<float> dropout(0.5);
  const nn::Pass pass{.training = true};
  const Variable<float> x(Tensor<float>::full({64}, 1.0f, there));
  const Array y = array(dropout(x, pass));
  CHECK(std::count(y.begin(), y.end(), 0.0) > 0);
  CHECK(std::count(y.begin(), y.end(), 2.0) > 0);
  CHECK(&default_generator(there) == &default_generator(there));
  CHECK(&default_generator(there) != &default_generator());
  CHECK(default_generator(there).device() == there);
}

TEST_CASE("Networks are made where their generator lives, and move") {
  Generator random(1, there);
  models::Networks<float> n = models::make_networks<float>(models::Network::small, {}, random);
  const auto all_on = [&](Device device) {
    for (const nn::Sequential<float>* m : {&n.generator, &n.discriminator})
      for (const auto& variables : {m->parameters(), m->buffers()})
        for (const Variable<float>& v : variables)
          if (!(v.device() == device)) return false;
    return true;
  };
  CHECK(all_on(there));
  n.to(Device::cpu());
  CHECK(all_on(Device::cpu()));
}

TEST_CASE("A module that moves forgets gradients that stay behind") {
  nn::LayerNorm<float> norm(4);
  const auto run = [&](Device device) {
    backward(ops::sum(norm(Variable<float>(Tensor<float>::full({2, 4}, 1.0f, device)), nn::Pass::infer())));
    return norm.parameters()[1].grad();
  };
  run(Device::cpu());
  norm.to(Device::cpu());  // no move
  CHECK(norm.parameters()[1].grad().defined());
  norm.to(there);
  CHECK_FALSE(norm.parameters()[1].grad().defined());
  CHECK(run(there).to_vector() == std::vector<float>(4, 2.0f));
}

TEST_CASE("Images are gathered on the emulated device") {
  const auto digits = data::stroke_digits(6, 1);
  const data::DeviceImages here(digits), moved(digits, there);
  const std::vector<std::int32_t> index{5, 0, 3};
  Tensor<float> batch;
  CHECK(spares_the_cpu([&] { batch = moved.batch<float>(index, -1, 1); }));
  CHECK(batch.device() == there);
  const Array a = array(batch), b = array(here.batch<float>(index, -1, 1));
  for (std::size_t i = 0; i < a.size(); ++i) REQUIRE(std::fabs(a[i] - b[i]) <= 2 * float_eps);
}

TEST_CASE("Weights go to a file from the emulated device, and back") {
  Generator random(1, there);
  const auto model = [&] {
    nn::Sequential<float> m;
    m.add(nn::Dense<float>(3, 5, {}, random)).add(nn::BatchNorm<float>(5));
    m.to(there);
    return m;
  };
  const nn::Sequential<float> saved = model(), loaded = model();
  io::SafetensorsFile file;
  io::add_weights<float>(file, {"m", &saved});
  CHECK_FALSE(same_bits(snapshot(saved.parameters()), snapshot(loaded.parameters())));
  io::load_weights<float>(file, "file", {"m", &loaded});
  CHECK(same_bits(snapshot(saved.parameters()), snapshot(loaded.parameters())));
  CHECK(loaded.parameters()[0].device() == there);
}

TEST_CASE("Operands on different devices are refused by name") {
  const Tensor<float> cpu = Tensor<float>::full({4}, 1.0f), other = cpu.to(there);
  const Variable<float> x(Tensor<float>::full({2, 4}, 1.0f, there)), here(cpu, true), moved(other, true);
  const auto refused = [](const char* text, const auto& f) {
    const std::string error = error_of(f);
    CAPTURE(error);
    CHECK(contains(error, text));
  };
  refused("batch_norm: gamma on cpu, input on emulated", [&] { ops::batch_norm<float>(x, here, moved, {}); });
  refused("layer_norm: beta on cpu, input on emulated", [&] { ops::layer_norm<float>(x, moved, here, {}); });
  refused("batch_norm: variance on cpu", [&] { ops::batch_norm_inference<float>(x, moved, moved, other, cpu, {}); });
  refused("adam: parameters on cpu and emulated", [&] { optim::Adam<float>({here, moved}); });
  refused("adam: gradient 0 is on cpu", [&] { optim::Adam<float>({moved}).step({Variable<float>(cpu)}); });
  refused("sgd: parameter 0 is on emulated, the optimiser's state on cpu", [&] {
    const Variable<float> w(cpu.clone(), true);
    optim::Sgd<float> sgd({w});
    w.set_value(w.value().to(there));
    sgd.step({Variable<float>(other)});
  });
  refused("ema: tensor 0 is on emulated, its average on cpu", [&] { optim::Ema<float>({moved}, {here}).update(); });
  refused("global_norm: tensors on cpu and emulated", [&] { optim::global_norm<float>({here, moved}); });
  refused("grad: cotangent on cpu", [&] { grad<float>(moved * 2.0f, {moved}, {}, Variable<float>(cpu)); });
  Generator random(1);
  refused("dropout: generator on cpu", [&] { ops::dropout(x, 0.5f, random); });
}

}  // namespace
}  // namespace tinygan
