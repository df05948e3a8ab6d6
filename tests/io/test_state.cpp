#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <vector>

#include <tinygan/io/state.hpp>
#include <tinygan/nn/dense.hpp>
#include <tinygan/nn/losses.hpp>
#include <tinygan/nn/normalisation.hpp>
#include <tinygan/nn/sequential.hpp>
#include <tinygan/ops/reduce.hpp>
#include <tinygan/optim/adam.hpp>

#include "support/catch.hpp"
#include "support/temporary.hpp"

using namespace tinygan;
using support::contains;
using support::error_of;

namespace {

/// A small model and its optimiser, as a run has them.
struct Learner {
  explicit Learner(std::uint64_t seed) : random(seed) {
    model.add(nn::Dense<float>(4, 3, {}, random)).add(nn::BatchNorm<float>(3)).add(nn::Dense<float>(3, 1, {}, random));
    adam.emplace(model.parameters(), AdamHyper::gan());
  }

  void step() {
    random.next_step();
    const Variable<float> x = random_normal<float>({6, 4}, random);
    const Variable<float> loss = nn::bce_with_logits(model(x, nn::Pass::train(random)), 1.0f);
    adam->step(grad(loss, adam->parameters()));
  }

  io::SafetensorsFile saved() {
    io::SafetensorsFile file;
    io::add_weights<float>(file, {"model", &model});
    io::add_adam<float>(file, {"adam", &*adam, &model});
    io::add_counter(file, "random", random.step());
    return file;
  }
  void restore(const io::SafetensorsFile& file) {
    io::load_weights<float>(file, "file", {"model", &model}, {.strict = false});
    io::load_adam<float>(file, "file", {"adam", &*adam, &model});
    random.set_step(io::counter(file, "file", "random"));
  }

  Generator random;
  nn::Sequential<float> model;
  std::optional<optim::Adam<float>> adam;
};

}  // namespace

TEST_CASE("a learner restored from its saved state goes on with the same bits") {
  Learner whole(1);
  for (int i = 0; i < 5; ++i) whole.step();
  const io::SafetensorsFile file = whole.saved();
  for (int i = 0; i < 5; ++i) whole.step();

  Learner part(1);
  part.model.parameters().front().value().fill(7);  // restored in full, so it does not matter where one begins
  part.restore(io::decode_safetensors(io::encode_safetensors(file, "file"), "file"));
  CHECK(part.saved() == file);
  for (int i = 0; i < 5; ++i) part.step();
  CHECK(part.saved() == whole.saved());
  CHECK_FALSE(part.saved() == file);

  // Every part counts: without one of them the bits are others.
  for (const char* lost :
       {"adam.m.dense.kernel", "adam.v.dense.kernel", "adam.steps", "random", "model.batch_norm.moving_mean"}) {
    io::SafetensorsFile damaged = file;
    for (auto& e : damaged.tensors)
      if (e.name == lost) e.bytes.assign(e.bytes.size(), 0);
    Learner wrong(1);
    wrong.restore(damaged);
    for (int i = 0; i < 5; ++i) wrong.step();
    INFO(lost);
    CHECK_FALSE(wrong.saved() == whole.saved());
  }
}

TEST_CASE("an optimiser's state is stored by name, whatever the order of its groups, and AdamW's as Adam's") {
  Generator random(1);
  nn::Sequential<float> model(nn::Dense<float>(4, 3, {}, random), nn::Dense<float>(3, 1, {}, random));
  optim::Adam<float> adam(model.parameters());
  optim::AdamW<float> grouped(optim::decay_kernels_only(model.parameters(), optim::AdamWHyper{}));
  const Variable<float> x = random_normal<float>({6, 4}, random);
  adam.step(grad(ops::sum(model(x, nn::Pass::train(random))), adam.parameters()));
  io::SafetensorsFile file, again;
  io::add_adam<float>(file, {"adam", &adam, &model});
  io::load_adam<float, optim::AdamW<float>>(file, "file", {"adam", &grouped, &model});
  io::add_adam<float, optim::AdamW<float>>(again, {"adam", &grouped, &model});
  CHECK(again == file);
  CHECK(grouped.steps() == 1);
  // Kernels, then biases: the model's parameter 1, the first bias, is the optimiser's parameter 2.
  CHECK(grouped.first_moments()[2].to_vector() == adam.first_moments()[1].to_vector());

  nn::Sequential<float> other(nn::Dense<float>(4, 3, {}, random), nn::Dense<float>(3, 1, {}, random));
  CHECK(error_of([&] {
          io::add_adam<float>(again, {"adam", &adam, &other});
        }) == "adam: the model's parameter 'dense.kernel' is not one of the optimiser's");
}

TEST_CASE("state that does not fit is refused by name and changes nothing") {
  Learner learner(1);
  learner.step();
  const io::SafetensorsFile good = learner.saved();
  Learner other(2);
  const io::SafetensorsFile before = other.saved();
  const auto error_with = [&](auto&& change) {
    io::SafetensorsFile file = good;
    change(file);
    return error_of([&] { io::load_adam<float>(file, "state.safetensors", {"adam", &*other.adam, &other.model}); });
  };
  const auto entry = [](io::SafetensorsFile& file, const char* name) {
    return std::find_if(file.tensors.begin(), file.tensors.end(), [&](const auto& e) { return e.name == name; });
  };
  CHECK(contains(error_with([&](auto& f) { f.tensors.erase(entry(f, "adam.v.dense_1.kernel")); }),
                 "state.safetensors: has no tensor 'adam.v.dense_1.kernel'"));
  CHECK(contains(error_with([&](auto& f) {
                   entry(f, "adam.m.dense.kernel")->shape = {3, 4};
                 }),
                 "state.safetensors: tensor 'adam.m.dense.kernel' has the shape (3, 4), expected (4, 3)"));
  CHECK(contains(error_with([&](auto& f) { entry(f, "adam.m.dense.kernel")->dtype = io::DType::I32; }),
                 "is I32, expected F32"));
  CHECK(contains(error_with([&](auto& f) { f.tensors.erase(entry(f, "adam.steps")); }), "has no counter 'adam.steps'"));
  CHECK(contains(error_with([&](auto& f) { entry(f, "adam.steps")->dtype = io::DType::I64; }),
                 "'adam.steps' is not a counter"));
  CHECK(other.saved() == before);

  nn::Sequential<float> smaller;
  smaller.add(nn::Dense<float>(4, 3, {}, learner.random));
  io::SafetensorsFile file;
  CHECK(contains(error_of([&] {
                   io::add_adam<float>(file, {"adam", &*learner.adam, &smaller});
                 }),
                 "the optimiser has 6 parameters, the model 2"));
}

TEST_CASE("the first value that is no finite number is found, in the order of adding") {
  io::SafetensorsFile file;
  file.add<float>("fine", std::vector<float>{0, -1, std::numeric_limits<float>::max(), 1e-45f}, {4});
  file.add<std::uint64_t>("count", std::vector<std::uint64_t>{~std::uint64_t{0}},
                          {1});  // its bits would be NaNs as floats
  CHECK_FALSE(io::find_non_finite(file).has_value());
  file.add<float>("infinite", std::vector<float>{1, 2, -std::numeric_limits<float>::infinity()}, {3});
  file.add<float>("nan", std::vector<float>{std::nanf("")}, {1});
  const auto bad = io::find_non_finite(file);
  REQUIRE(bad.has_value());
  CHECK(bad->tensor == "infinite");
  CHECK(bad->element == 2);
  CHECK(bad->value < 0);
}

TEST_CASE("early stopping goes on from a file") {
  optim::EarlyStopping fresh({.patience = 2}), used({.patience = 2});
  for (const double value : {0.1, 0.3}) used.improved(value);
  io::SafetensorsFile file;
  io::add_early_stopping(file, "stopping", used);
  io::add_early_stopping(file, "fresh", fresh);
  optim::EarlyStopping resumed({.patience = 2});
  io::load_early_stopping(file, "file", "stopping", resumed);
  CHECK((resumed.best() == 0.1 && resumed.best_measurement() == 1 && !resumed.should_stop()));
  CHECK_FALSE(resumed.improved(0.2));
  CHECK(resumed.should_stop());
  io::load_early_stopping(file, "file", "fresh", resumed);
  CHECK((std::isnan(resumed.best()) && !resumed.should_stop()));
  CHECK(error_of([&] { io::load_early_stopping(file, "file", "other", resumed); }) ==
        "file: has no counter 'other.best'");
  io::add_counter(file, "bad.best", 0);
  io::add_counter(file, "bad.measurements", 1);
  io::add_counter(file, "bad.best_measurement", 2);
  CHECK(error_of([&] { io::load_early_stopping(file, "file", "bad", resumed); }) ==
        "file: 'bad' has its best at measurement 2 of 1");
}
