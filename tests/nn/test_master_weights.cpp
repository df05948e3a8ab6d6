// bfloat16 models and their fp32 master weights: drawn, moved, updated, averaged, clipped, saved and loaded.
#include <tinygan/io/state.hpp>
#include <tinygan/nn/dense.hpp>
#include <tinygan/nn/normalisation.hpp>
#include <tinygan/nn/sequential.hpp>
#include <tinygan/ops/cast.hpp>
#include <tinygan/optim/adam.hpp>
#include <tinygan/optim/clip.hpp>
#include <tinygan/optim/ema.hpp>
#include <tinygan/optim/sgd.hpp>

#include "support/catch.hpp"
#include "support/temporary.hpp"
#include "support/values.hpp"

namespace tinygan {
namespace {

using namespace test;
using support::contains;
using support::error_of;

const Device there = Device::emulated();

using F = Variable<float>;
using B = Variable<bfloat16>;

/// Whether the value is the master rounded.
auto rounded(const B& p) { return same_bits(p.value(), cast<bfloat16>(p.master())); }

template <class T>
nn::Sequential<T> model(std::uint64_t seed) {
  Generator random(seed);
  nn::Sequential<T> m;
  m.add(nn::Dense<T>(4, 3, {.bias_initializer = nn::Initializer::normal(0, 1)}, random))
      .add(nn::BatchNorm<T>(3))
      .add(nn::Dense<T>(3, 1, {}, random));
  return m;
}

template <class T>
io::SafetensorsFile saved(const nn::Sequential<T>& m) {
  io::SafetensorsFile file;
  io::add_weights<T>(file, {"m", &m});
  return file;
}

B ones(Device device = there) { return B(Tensor<bfloat16>::full({5}, bfloat16(1.0f), device), true); }

TEST_CASE("of a wide type the master is the value") {
  const F p(Tensor<float>::full({3}, 1.0f), true);
  CHECK(p.master().shares_storage(p.value()));
  p.set_master(Tensor<float>::full({3}, 0.3f));
  CHECK(array(p) == Array(3, static_cast<double>(0.3f)));
  CHECK(error_of([&] { p.set_master({}); }) == "set_value: the tensor is empty: default-constructed or moved from");
}

TEST_CASE("initializers draw master weights as a float model's, on every device") {
  nn::Sequential<bfloat16> b = model<bfloat16>(1);
  nn::Sequential<float> f = model<float>(1);
  const auto check_same = [&] {
    const auto narrow = b.parameters();
    const auto wide = f.parameters();
    for (std::size_t i = 0; i < narrow.size(); ++i) {
      CHECK(same_bits(narrow[i].master(), wide[i].value()));
      CHECK(rounded(narrow[i]));
      CHECK(narrow[i].master().device() == narrow[i].device());
    }
    CHECK(narrow.size() == 6);
  };
  check_same();
  for (const Device device : {there, Device::cpu()}) {
    b.to(device);
    f.to(device);
    CHECK(b.parameters()[0].device() == device);
    CHECK(b.buffers()[0].device() == device);
    check_same();
  }
}

TEST_CASE("a master begins as the value, and again after a write to the value alone") {
  const B p = ones();
  CHECK(p.master().to_vector() == std::vector<float>(5, 1.0f));
  p.set_master(Tensor<float>::full({5}, 0.3f, there));
  CHECK(p.master().to_vector() == std::vector<float>(5, 0.3f));
  CHECK(rounded(p));
  const float* const at = p.master().data();
  p.value().fill(bfloat16(4.0f));
  CHECK(p.master().to_vector() == std::vector<float>(5, 4.0f));
  CHECK(p.master().data() == at);  // captured steps know the address
  p.set_value(Tensor<bfloat16>::full({5}, bfloat16(2.0f)));
  CHECK(p.master().to_vector() == std::vector<float>(5, 2.0f));
  CHECK(p.master().device() == Device::cpu());

  const bfloat16* const value = p.value().data();
  p.master().fill(0.3f);
  p.round_master();
  CHECK(rounded(p));
  CHECK(p.value().data() == value);
  CHECK(p.master().to_vector() == std::vector<float>(5, 0.3f));

  CHECK(error_of([&] { p.set_master(Tensor<float>::zeros({4})); }) == "set_value: shape (4,), expected (5,)");
  const B computed = ones() * 2;
  CHECK(error_of([&] { computed.master(); }) == "master: the variable was computed by affine");
  CHECK(error_of([&] { computed.set_master(Tensor<float>::zeros({5}, there)); }) ==
        "set_value: the variable was computed by affine");
}

TEST_CASE("master weights take updates too small for bfloat16") {
  const B p = ones(), g(ones().value());
  SECTION("sgd") {
    optim::Sgd<bfloat16> sgd({p}, {.learning_rate = 0x1p-11});
    for (int i = 1; i <= 8; ++i) {
      sgd.step({g});
      CHECK(p.master().to_vector()[4] == 1.0f - static_cast<float>(i) * 0x1p-11f);
      CHECK(p.value().to_vector()[4] == (i <= 4 ? 1.0f : 1.0f - 0x1p-8f));  // 4 steps are half a unit: a tie, to even
    }
  }
  SECTION("adam, as of a float parameter") {
    const F alone(Tensor<float>::full({5}, 1.0f, there), true), gf(Tensor<float>::full({5}, 1.0f, there));
    optim::Adam<bfloat16> adam({p}, AdamHyper::gan());
    optim::Adam<float> reference({alone}, AdamHyper::gan());
    for (int i = 0; i < 5; ++i) {
      adam.step({g});
      reference.step({gf});
      CHECK(same_bits(p.master(), alone.value()));
      CHECK(rounded(p));
    }
    p.set_master(Tensor<float>::full({5}, 0.3f, there));  // in between, as loading does
    alone.set_value(Tensor<float>::full({5}, 0.3f, there));
    adam.step({g});
    reference.step({gf});
    CHECK(same_bits(p.master(), alone.value()));
  }
  SECTION("a tape notices the update") {
    optim::Sgd<bfloat16> sgd({p});
    const F y = ops::sum(cast<float>(p * p));
    sgd.step({g});
    CHECK(contains(error_of([&] { grad(y, {p}); }), "input 0 of 'mul', shape (5,), was modified in place"));
  }
}

TEST_CASE("optimisers refuse a bfloat16 parameter that is listed twice, and shared memory") {
  const B p = ones(), tied(p.value(), true);
  const std::string same = ": parameters 0 and 1 are the same; expected every parameter once, or it is updated twice";
  CHECK(error_of([&] { optim::Adam<bfloat16>({p, p}); }) == "adam" + same);
  CHECK(error_of([&] { optim::Sgd<bfloat16>({p, tied}); }) == "sgd" + same);
}

/// y = x w for a weight that other layers may have too.
class Scale : public nn::Layer<bfloat16> {
 public:
  explicit Scale(B w) : w_(add_parameter("w", std::move(w))) {}
  B forward(const B& x, const nn::Pass&) override { return x * w_; }
  Shape output_shape(const Shape& x) const override { return x; }
  std::string type() const override { return "scale"; }

 private:
  B w_;
};

TEST_CASE("a bfloat16 weight that two layers share has one master, moved, saved and loaded once") {
  const B w(Tensor<bfloat16>::full({1}, bfloat16(1.0f)), true);
  w.set_master(Tensor<float>::full({1}, 1.001f));
  nn::Sequential<bfloat16> m{Scale(w), Scale(w)};
  m.to(there);
  CHECK(w.device() == there);
  CHECK(w.master().item() == 1.001f);
  optim::Sgd<bfloat16> sgd(m.parameters(), {.learning_rate = 0x1p-10});
  const F y = ops::sum(cast<float>(m(B(Tensor<bfloat16>::full({1}, bfloat16(1.0f), there)), nn::Pass::infer())));
  sgd.step(grad(y, sgd.parameters()));
  CHECK(w.master().item() == 1.001f - 0x1p-9f);  // the gradient is 2 w, w rounded to 1
  io::SafetensorsFile file = saved(m);
  REQUIRE(file.tensors.size() == 2);
  CHECK(file.tensors[0].bytes == file.tensors[1].bytes);
  w.value().fill(bfloat16(9.0f));
  io::load_weights<bfloat16>(file, "f", {"m", &m});
  CHECK(w.master().item() == 1.001f - 0x1p-9f);
  CHECK(rounded(w));
}

TEST_CASE("files hold master weights: a model of either type loads the other's, exactly") {
  nn::Sequential<float> wide = model<float>(1);
  nn::Sequential<bfloat16> narrow = model<bfloat16>(2);
  const io::SafetensorsFile from_float = saved(wide);
  for (const Device device : {Device::cpu(), there}) {
    narrow.to(device);
    narrow.parameters()[0].value().fill(bfloat16(7.0f));
    const bfloat16* const at = narrow.parameters()[0].value().data();
    io::load_weights<bfloat16>(from_float, "f", {"m", &narrow});
    CHECK(saved(narrow) == from_float);
    for (const B& p : narrow.parameters()) CHECK(rounded(p));
    CHECK(narrow.parameters()[0].value().data() == at);  // captured steps know the address
  }
  const nn::Sequential<float> other = model<float>(3);
  io::load_weights<float>(saved(narrow), "f", {"m", &other});
  CHECK(saved(other) == from_float);

  io::SafetensorsFile damaged = from_float;
  damaged.tensors[1].shape = {1, 3};
  const nn::Sequential<bfloat16> untouched = model<bfloat16>(2);
  const io::SafetensorsFile before = saved(untouched);
  CHECK(contains(error_of([&] {
                   io::load_weights<bfloat16>(damaged, "f", {"m", &untouched});
                 }),
                 "f: tensor 'm.dense.bias' has the shape (1, 3), expected (3,)"));
  CHECK(saved(untouched) == before);
}

TEST_CASE("a bfloat16 learner restored from its file goes on with the same bits") {
  struct Learner {
    explicit Learner(std::uint64_t seed) : m(model<bfloat16>(seed)), random(5, there) {
      m.to(there);
      adam.emplace(m.parameters(), AdamHyper{.learning_rate = 0.01, .beta1 = 0.5});
    }
    void step() {
      random.next_step();
      const B x = random_normal<bfloat16>({6, 4}, random);
      const F loss = ops::mean(ops::square(cast<float>(m(x, nn::Pass::train(random))) - 1));
      const auto [clipped, norm] = optim::clip_by_global_norm(grad(loss, adam->parameters()), 0.1);
      adam->step(clipped);
      last_norm = norm.item();
    }
    io::SafetensorsFile file() {
      io::SafetensorsFile f = saved(m);
      io::add_adam<bfloat16>(f, {"adam", &*adam, &m});
      return f;
    }
    nn::Sequential<bfloat16> m;
    Generator random;
    std::optional<optim::Adam<bfloat16>> adam;
    float last_norm = 0;
  };
  Learner whole(1), part(2);
  for (int i = 0; i < 3; ++i) whole.step();
  CHECK(whole.last_norm > 0.1f);  // clipping took part
  for (const B& p : whole.m.parameters()) CHECK(rounded(p));
  const io::SafetensorsFile file = whole.file(), read = io::decode_safetensors(io::encode_safetensors(file, "f"), "f");
  for (const auto& e : file.tensors) CHECK((e.dtype == io::DType::F32 || e.name == "adam.steps"));
  io::load_weights<bfloat16>(read, "f", {"m", &part.m}, {.strict = false});
  io::load_adam<bfloat16>(read, "f", {"adam", &*part.adam, &part.m});
  part.random.set_step(whole.random.step());
  CHECK(part.file() == file);
  for (int i = 0; i < 2; ++i) whole.step(), part.step();
  CHECK(part.file() == whole.file());
  CHECK_FALSE(part.file() == file);
}

TEST_CASE("the average of a bfloat16 model is that of its master weights, in float") {
  const B p = ones();
  p.set_master(Tensor<float>::full({5}, 1.001f, there));
  const F average(Tensor<float>::zeros({5}, there), true);
  optim::Ema<bfloat16> ema({p}, {average}, {.decay = 0.75, .warm_up = false});
  CHECK(average.value().to_vector() == std::vector<float>(5, 1.001f));
  p.set_master(Tensor<float>::full({5}, 5.001f, there));
  ema.update();
  // 0.75 * 1.001 + 0.25 * 5.001: of both numbers their own rounding, of the products and the sum one each, or fewer.
  CHECK(std::fabs(array(average)[4] - 2.001) <= 4 * 0x1p-24 * 2.001);
  CHECK(p.master().to_vector() == std::vector<float>(5, 5.001f));
}

}  // namespace
}  // namespace tinygan
