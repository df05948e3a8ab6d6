#include <string>
#include <vector>

#include <tinygan/io/weights.hpp>
#include <tinygan/nn/dense.hpp>
#include <tinygan/nn/normalisation.hpp>
#include <tinygan/nn/sequential.hpp>

#include "support/catch.hpp"
#include "support/temporary.hpp"

using namespace tinygan;
using support::contains;
using support::error_of;

namespace {

nn::Sequential<float> model(std::uint64_t seed, index_t features = 3) {
  Generator random(seed);
  nn::Sequential<float> m;
  m.add(nn::Dense<float>(4, features, {}, random)).add(nn::BatchNorm<float>(features));
  return m;
}

io::SafetensorsFile saved(const nn::Module<float>& m, const std::string& name = "m") {
  io::SafetensorsFile file;
  io::add_weights<float>(file, {name, &m});
  return file;
}

io::SafetensorsEntry& entry(io::SafetensorsFile& file, const std::string& name) {
  for (io::SafetensorsEntry& e : file.tensors)
    if (e.name == name) return e;
  throw Error("no " + name);
}

}  // namespace

TEST_CASE("Weights are loaded by name, parameters and buffers, in whatever order the file has them") {
  const nn::Sequential<float> a = model(1), b = model(2);
  io::SafetensorsFile file = saved(a);
  REQUIRE_FALSE(saved(b) == file);
  std::swap(file.tensors.front(), file.tensors.back());
  io::load_weights<float>(file, "f", {"m", &b});
  CHECK(saved(b) == saved(a));
}

TEST_CASE("A file that does not fit the model is refused by name, and the model is unchanged") {
  const nn::Sequential<float> from = model(1), to = model(2);
  const io::SafetensorsFile good = saved(from), before = saved(to);
  const auto error_with = [&](auto&& change, const io::LoadOptions& options = {}) {
    io::SafetensorsFile file = good;
    change(file);
    const std::string e = error_of([&] { io::load_weights<float>(file, "w.safetensors", {"m", &to}, options); });
    CHECK(saved(to) == before);
    return e;
  };
  CHECK(error_with([](auto& f) { f.tensors.erase(f.tensors.begin()); }) ==
        "w.safetensors: has no tensor '" + good.tensors[0].name + "'");
  CHECK(error_with([](auto& f) { entry(f, "m.dense.kernel").shape = {12}; }) ==
        "w.safetensors: tensor 'm.dense.kernel' has the shape (12,), expected (4, 3)");
  CHECK(error_with([](auto& f) { entry(f, "m.dense.kernel").shape = {0, 2, 1, 1, 1, 1, 1}; }) ==
        "w.safetensors: tensor 'm.dense.kernel' has the shape (0, 2, 1, 1, 1, 1, 1), expected (4, 3)");
  CHECK(error_with([](auto& f) { entry(f, "m.dense.bias").dtype = io::DType::F8_E4M3; }) ==
        "w.safetensors: tensor 'm.dense.bias' is F8_E4M3, expected F32");
  CHECK(error_with([](auto& f) {
          entry(f, "m.dense.bias").dtype = io::DType::other;
          entry(f, "m.dense.bias").other_dtype = "I5";
        }) == "w.safetensors: tensor 'm.dense.bias' is I5, expected F32");
  CHECK(error_with([](auto& f) { entry(f, "m.batch_norm.moving_mean").bytes.pop_back(); }) ==
        "w.safetensors: tensor 'm.batch_norm.moving_mean' has 11 bytes, expected 12");
  const nn::Sequential<float> wider = model(1, 5);
  CHECK(error_with([&](auto& f) { f = saved(wider); }) ==
        "w.safetensors: tensor 'm.dense.kernel' has the shape (4, 5), expected (4, 3)");
  for (const bool strict : {true, false})
    CHECK(error_with([&](auto& f) { f = saved(from, "generator"); }, {.strict = strict}) ==
          "w.safetensors: has no tensor 'm.dense.kernel'");
}

TEST_CASE("Tensors that the model has not are an error unless they are to be ignored") {
  const nn::Sequential<float> from = model(1), to = model(2);
  const io::SafetensorsFile before = saved(to);
  io::SafetensorsFile file = saved(from);
  const float one = 1;
  file.add<float>("m.dense_1.kernel", {&one, 1}, {1, 1});
  const auto load = [&](const io::LoadOptions& options = {}) {
    return error_of([&] { io::load_weights<float>(file, "w.safetensors", {"m", &to}, options); });
  };
  CHECK(load() == "w.safetensors: holds tensors that are not expected: 'm.dense_1.kernel'; "
                  "LoadOptions{.strict = false} ignores them");
  file.add<float>("step", {&one, 1}, {});
  CHECK(contains(load(), "not expected: 'm.dense_1.kernel', 'step'; "));
  for (int i = 0; i < 10; ++i) file.add<float>("extra" + std::to_string(i), {&one, 1}, {});
  CHECK(contains(load(), "'step', 'extra0', 'extra1', 'extra2' and 7 more; "));
  CHECK(saved(to) == before);
  CHECK(load({.strict = false}).empty());
  CHECK(saved(to) == saved(from));
}

TEST_CASE("Several models are loaded from one file, all of them or none") {
  const nn::Sequential<float> a = model(1), b = model(2, 5), to_a = model(3), to_b = model(4, 5);
  io::SafetensorsFile file = saved(a, "a");
  io::add_weights<float>(file, {"b", &b});
  const io::SafetensorsFile before = saved(to_a);
  io::SafetensorsFile damaged = file;
  entry(damaged, "b.dense.kernel").shape = {5, 4};
  CHECK(contains(error_of([&] {
                   io::load_weights<float>(damaged, "f", {{"a", &to_a}, {"b", &to_b}});
                 }),
                 "f: tensor 'b.dense.kernel' has the shape (5, 4), expected (4, 5)"));
  CHECK(saved(to_a) == before);
  CHECK(contains(error_of([&] {
                   io::load_weights<float>(file, "f", {"a", &to_a});
                 }),
                 "not expected: 'b.dense.kernel'"));
  io::load_weights<float>(file, "f", {{"a", &to_a}, {"b", &to_b}});
  CHECK(saved(to_a) == saved(a));
  CHECK(saved(to_b) == saved(b));
}
