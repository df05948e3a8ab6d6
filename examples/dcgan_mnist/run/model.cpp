#include "run/model.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <optional>
#include <vector>

#include <tinygan/io/state.hpp>
#include <tinygan/models/networks.hpp>
#include <tinygan/ops/cast.hpp>
#include <tinygan/optim/ema.hpp>
#include <tinygan/optim/schedule.hpp>

namespace dcgan_mnist {

namespace gan = tinygan::gan;
namespace io = tinygan::io;
namespace models = tinygan::models;
namespace nn = tinygan::nn;
namespace optim = tinygan::optim;
using tinygan::index_t;
using tinygan::Tensor;

tinygan::Generator stream(std::uint64_t seed, Stream s, tinygan::Device device) {
  return tinygan::Generator(seed * 0x9E3779B97F4A7C15u + static_cast<std::uint64_t>(s), device);
}

gan::Objective objective_of(const TrainOptions& o) {
  return {.loss = gan::loss_from_name(o.loss),
          .relativistic = o.relativistic,
          .label_smoothing = o.label_smoothing,
          .weight_clip = o.weight_clip,
          .penalty_weight = o.penalty_weight,
          .r1 = o.r1,
          .r2 = o.r2,
          .penalty_every = o.penalty_every,
          .critic_steps = o.critic_steps};
}

namespace {

template <class T>
models::Networks<T> make_networks(const TrainOptions& o, const models::NetworkOptions& options,
                                  tinygan::Device device) {
  tinygan::Generator weights = stream(o.seed, Stream::weights, tinygan::Device::cpu());
  models::Networks<T> networks = models::make_networks<T>(models::network_from_name(o.model), options, weights);
  networks.to(device);
  return networks;
}

/// What falls to 0 in the last share of so many steps.
tinygan::RateSchedule decay(double share, index_t steps) {
  const auto end = static_cast<double>(steps);
  return share > 0 ? optim::linear_schedule({.begin = end * (1 - share), .end = end}) : tinygan::RateSchedule{};
}

/// The schedule of a network's rate, in its updates: `per_step` in each of the run's steps. Throws Error if the run is
/// over before the warm-up, so that the rate cannot fall.
tinygan::RateSchedule schedule(const TrainOptions& o, index_t steps, index_t per_step) {
  const double share = o.learning_rate_decay, end = static_cast<double>(steps * per_step),
               warmup = static_cast<double>(o.warmup_steps * per_step);
  if (share == 0 || o.schedule == "constant") return optim::constant_schedule(warmup);
  tinygan::check(warmup < end, "--warmup-steps", o.warmup_steps, " in a run of ", steps,
                 ", expected fewer (or --schedule constant)");
  if (o.schedule == "step") return optim::step_schedule({.every = end * share, .factor = 0.1, .warmup = warmup});
  const optim::DecayOptions falling{.begin = end * (1 - share), .end = end, .warmup = warmup};
  return o.schedule == "cosine" ? optim::cosine_schedule(falling) : optim::linear_schedule(falling);
}

/// Adam's hyper-parameters for a network that is updated `per_step` times in each of the run's steps.
tinygan::AdamHyper hyper(const TrainOptions& o, double learning_rate, index_t steps, index_t per_step) {
  return {.learning_rate = learning_rate, .beta1 = o.beta1, .beta2 = o.beta2, .schedule = schedule(o, steps, per_step)};
}

gan::ViewOptions view(const TrainOptions& o, index_t steps) {
  return {.augment = gan::diff_augment_from_names(o.diff_augment),
          .noise = o.instance_noise,
          .noise_decay = decay(o.instance_noise_decay, steps)};
}

template <class T>
class ModelOf : public Model {
 public:
  ModelOf(const TrainOptions& o, const models::NetworkOptions& options, index_t steps, const tinygan::StepClock& clock)
      : options_(options), networks_(make_networks<T>(o, options, clock.device())),
        step_(networks_, hyper(o, o.learning_rate, steps, 1),
              hyper(o, o.learning_rate_d > 0 ? o.learning_rate_d : o.learning_rate, steps, o.critic_steps),
              objective_of(o), view(o, steps)) {
    step_.use_clock(clock);
    if (o.ema == 0) return;
    average_ = make_networks<float>(o, options, clock.device()).generator;
    ema_.emplace(networks_.generator.parameters(), average_->parameters(),
                 tinygan::optim::EmaOptions{std::pow(o.ema, average_interval)});
  }
  ModelOf(const ModelOf&) = delete;  // the step refers to the networks
  ModelOf& operator=(const ModelOf&) = delete;

  gan::StepMetrics<Tensor<float>> step(tinygan::data::DataLoader& loader, tinygan::Generator& random,
                                       StepVariant variant) override {
    step_.measure_norms(variant.norms);
    step_.penalise(variant.penalties);
    const Tensor<T> real = loader.next<T>(pixel_low(), pixel_high());
    return step_(real, random, options_.classes > 0 ? loader.labels<float>() : Tensor<float>());
  }

  void update_average() override {
    if (ema_) ema_->update();
  }
  nn::Layer<float>* average() override { return average_ ? &*average_ : nullptr; }

  Tensor<float> generate(const Tensor<float>& latents, const Tensor<float>& labels) override {
    const tinygan::NoGrad no_grad;
    return tinygan::cast<float>(networks_.generator(tinygan::cast<T>(latents), inference_of(labels)).value());
  }

  void save(TrainingState& to) const override {
    io::add_weights<T>(to.model, generator());
    io::add_weights<T>(to.model, discriminator());
    if (average_) io::add_weights<float>(to.model, {"generator_ema", &*average_});
    for (const io::NamedAdam<T>& optimiser : optimisers()) io::add_adam(to.state, optimiser);
    io::add_counter(to.state, "ema.updates", ema_ ? ema_->updates() : 0);
  }

  void load(const TrainingState& saved, const std::string& name) override {
    std::vector<io::NamedTensor<float>> all;
    const auto append = [&](std::vector<io::NamedTensor<float>> tensors) {
      std::ranges::move(tensors, std::back_inserter(all));
    };
    append(io::file_tensors(generator()));
    append(io::file_tensors(discriminator()));
    if (average_) append(io::file_tensors(io::NamedModule<float>{"generator_ema", &*average_}));
    io::load_tensors(saved.model, name, all);
    networks_.generator.round_masters();
    networks_.discriminator.round_masters();
    for (const io::NamedAdam<T>& optimiser : optimisers()) io::load_adam(saved.state, name, optimiser);
    if (ema_) ema_->set_updates(io::counter(saved.state, name, "ema.updates"));
  }

  void load_weights(const io::SafetensorsFile& weights, const std::string& name) override {
    const io::LoadOptions ignore_average{.strict = false};  // it may be in the file where this run has none
    io::load_weights<T>(weights, name, {generator(), discriminator()}, ignore_average);
    if (!average_) return;
    const bool has_average = std::ranges::any_of(
        weights.tensors, [](const io::SafetensorsEntry& e) { return e.name.starts_with("generator_ema."); });
    io::load_weights<float>(weights, name, {has_average ? "generator_ema" : "generator", &*average_},
                            {.strict = false});
  }

  NetworkSummaries summaries(index_t batch_size) const override {
    nn::Pass pass = nn::Pass::infer();
    if (options_.classes > 0)
      pass.labels = tinygan::Variable<float>(
          Tensor<float>::zeros({batch_size, options_.classes}, networks_.generator.parameters().front().device()));
    return {
        nn::summarise(networks_.generator, {batch_size, models::latent_size}, pass),
        nn::summarise(networks_.discriminator, {batch_size, options_.size, options_.size, options_.channels}, pass)};
  }
  float pixel_low() const override { return static_cast<float>(networks_.pixel_low); }
  float pixel_high() const override { return static_cast<float>(networks_.pixel_high); }

 private:
  io::NamedModule<T> generator() const { return {"generator", &networks_.generator}; }
  io::NamedModule<T> discriminator() const { return {"discriminator", &networks_.discriminator}; }
  std::vector<io::NamedAdam<T>> optimisers() const {
    return {{"generator_optimiser", &step_.generator_optimiser(), &networks_.generator},
            {"discriminator_optimiser", &step_.discriminator_optimiser(), &networks_.discriminator}};
  }

  models::NetworkOptions options_;
  models::Networks<T> networks_;
  mutable gan::AdversarialStep<T> step_;  // its optimisers are accessible only by non-const members
  std::optional<nn::Sequential<float>> average_;
  std::optional<tinygan::optim::Ema<T>> ema_;
};

}  // namespace

nn::Pass inference_of(const Tensor<float>& labels) {
  const nn::Pass pass = nn::Pass::infer();
  return labels.defined() ? pass.with_labels(tinygan::Variable<float>(labels)) : pass;
}

std::unique_ptr<Model> make_model(const TrainOptions& options, const models::NetworkOptions& networks, index_t steps,
                                  const tinygan::StepClock& clock) {
  if (options.precision == "bf16") return std::make_unique<ModelOf<tinygan::bfloat16>>(options, networks, steps, clock);
  return std::make_unique<ModelOf<float>>(options, networks, steps, clock);
}

}  // namespace dcgan_mnist
