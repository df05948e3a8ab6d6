#include <tinygan/nn/snapshot.hpp>

#include <tinygan/nn/dense.hpp>
#include <tinygan/nn/normalisation.hpp>
#include <tinygan/nn/sequential.hpp>

#include "support/catch.hpp"
#include "support/temporary.hpp"
#include "support/values.hpp"

using namespace tinygan;
using namespace tinygan::test;
using support::error_of;

namespace {

template <class T = float>
nn::Sequential<T> build(std::uint64_t seed, index_t width = 5) {
  Generator random(seed);
  return nn::Sequential<T>(nn::Dense<T>(3, width, {}, random), nn::BatchNorm<T>(width),
                           nn::Dense<T>(width, 2, {}, random));
}

/// Master weights, then running statistics.
template <class T>
std::vector<Tensor<float>> state(const nn::Module<T>& model) {
  std::vector<Tensor<float>> all;
  for (const Variable<T>& p : model.parameters()) all.push_back(p.master().clone());
  for (const Variable<float>& b : model.buffers()) all.push_back(b.value().clone());
  return all;
}

/// Changes weights and running statistics, in place.
template <class T>
void disturb(nn::Sequential<T>& model) {
  for (const Variable<T>& p : model.parameters()) p.master().fill(7);
  model.round_masters();
  for (const Variable<float>& b : model.buffers()) b.value().fill(7);
}

}  // namespace

TEST_CASE("a snapshot restores parameters and running statistics, in place, on every device") {
  for (const Device device : {Device::cpu(), Device::emulated()}) {
    nn::Sequential<float> model = build(1);
    model.to(device);
    const float* const at = model.parameters().front().value().data();
    const auto before = state(model);
    const nn::Snapshot<float> snapshot(model);
    disturb(model);
    CHECK_FALSE(same_bits(before, state(model)));
    const std::uint64_t version = model.parameters().front().value().version();
    for (int i = 0; i < 2; ++i) {  // the snapshot is not the model's after a restore
      snapshot.restore(model);
      CHECK(same_bits(before, state(model)));
      CHECK(model.parameters().front().value().data() == at);
      CHECK(model.parameters().front().value().version() != version);
      disturb(model);
    }
  }
}

TEST_CASE("a snapshot restores a model that has moved to another device, or another model") {
  nn::Sequential<float> model = build(1), other = build(2);
  const auto before = state(model);
  const nn::Snapshot<float> snapshot(model);
  model.to(Device::emulated());
  disturb(model);
  snapshot.restore(model);
  CHECK(model.parameters().front().device() == Device::emulated());
  snapshot.restore(other);
  for (const auto& restored : {state(model), state(other)})
    for (std::size_t i = 0; i < before.size(); ++i) CHECK(array(restored[i]) == array(before[i]));
}

TEST_CASE("a snapshot of a bfloat16 model has its fp32 master weights, and restores the rounded weights as well") {
  nn::Sequential<bfloat16> model = build<bfloat16>(1);
  const auto before = state(model);
  const std::vector<Tensor<bfloat16>> rounded = snapshot(model.parameters());
  const nn::Snapshot<bfloat16> kept(model);
  disturb(model);
  kept.restore(model);
  CHECK(same_bits(before, state(model)));
  CHECK(same_bits(rounded, snapshot(model.parameters())));
}

TEST_CASE("a clone computes the same, on the same device, and shares nothing") {
  for (const Device device : {Device::cpu(), Device::emulated()}) {
    nn::Sequential<float> model = build(1);
    model.to(device);
    model.buffers().front().value().fill(0.5f);
    nn::Sequential<float> twin = nn::clone(model, [] { return build(2); });
    CHECK(twin.parameters().front().device() == device);
    const Variable<float> x(random_tensor<float>({4, 3}, 1).to(device));
    CHECK(same_bits(model(x).value(), twin(x).value()));
    const auto before = state(twin);
    disturb(model);
    CHECK(same_bits(before, state(twin)));
  }
}

TEST_CASE("weights copy between float and bfloat16 models") {
  const nn::Sequential<float> wide = build(1);
  nn::Sequential<bfloat16> narrow = build<bfloat16>(2);
  nn::copy_weights(wide, narrow);
  CHECK(same_bits(state(wide), state(narrow)));
  CHECK(array(narrow.parameters().front()) == array(cast<bfloat16>(wide.parameters().front().value())));
  const nn::Sequential<float> back = build(3);
  nn::copy_weights(narrow, back);
  CHECK(same_bits(state(wide), state(back)));
}

TEST_CASE("snapshots, clones and copies of weights name the tensor that does not match") {
  const nn::Sequential<float> model = build(1), wider = build(1, 6);
  const auto before = state(wider);
  const nn::Snapshot<float> snapshot(model);
  CHECK(error_of([&] { snapshot.restore(wider); }) == "snapshot: 'dense.kernel' has shape (3, 6), expected (3, 5)");
  CHECK(error_of([&] { nn::copy_weights(model, wider); }) ==
        "copy_weights: 'dense.kernel' has shape (3, 6), expected (3, 5)");
  CHECK(error_of([&] { nn::clone(model, [] { return build(1, 6); }); }) ==
        "clone: 'dense.kernel' has shape (3, 6), expected (3, 5)");
  CHECK(same_bits(before, state(wider)));
  const nn::Sequential<float> shorter(nn::Dense<float>(3, 5)),
      norm_first(nn::BatchNorm<float>(2), nn::Dense<float>(3, 5)),
      norm_last(nn::Dense<float>(3, 5), nn::BatchNorm<float>(2));
  CHECK(error_of([&] { snapshot.restore(shorter); }) == "snapshot: the model has 2 parameters and buffers, expected 8");
  CHECK(error_of([&] { nn::copy_weights(norm_last, norm_first); }) ==
        "copy_weights: tensor 0 of the model is 'batch_norm.gamma', expected 'dense.kernel'");
  nn::Sequential<float> gone = build(1);
  const nn::Sequential<float> taken = std::move(gone);
  CHECK(error_of([&] { nn::Snapshot<float>{gone}; }) ==  // NOLINT: moved from on purpose
        "sequential: the module was moved from; use the one that it was moved to");
}
