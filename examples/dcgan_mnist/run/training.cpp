#include "run/training.hpp"

#include <algorithm>
#include <cmath>

#include <tinygan/gan/statistics.hpp>
#include <tinygan/io/state.hpp>

#include "run/checkpoint.hpp"

namespace dcgan_mnist {

namespace gan = tinygan::gan;
namespace train = tinygan::train;
using tinygan::index_t;

namespace {

constexpr int ema_interval = 8;  // steps between updates of the average: the pass over all weights stays in the noise
constexpr index_t statistics_batch = 64;

// Seeds of the independent random streams of a run.
enum class Stream : std::uint64_t { weights = 1, steps = 2, grid = 3, statistics = 4 };
tinygan::Generator stream(std::uint64_t seed, Stream s, tinygan::Device device) {
  return tinygan::Generator(seed * 0x9E3779B97F4A7C15u + static_cast<std::uint64_t>(s), device);
}

/// Weights are drawn on the CPU, so that every device starts from the same bits.
gan::Networks<float> make_networks(const TrainOptions& o, tinygan::Device device) {
  tinygan::Generator weights = stream(o.seed, Stream::weights, tinygan::Device::cpu());
  gan::Networks<float> networks = gan::make_networks<float>(gan::network_from_name(o.model), weights);
  networks.to(device);
  return networks;
}

gan::Objective objective(const TrainOptions& o) {
  return {.loss = gan::loss_from_name(o.loss), .penalty_weight = o.penalty_weight, .critic_steps = o.critic_steps};
}

tinygan::AdamHyper hyper(const TrainOptions& o) { return {.learning_rate = o.learning_rate, .beta1 = o.beta1}; }

}  // namespace

Training::Training(const TrainOptions& options, tinygan::Device device, const tinygan::data::ImageDataset& images)
    : options_(options),
      device_(device),
      random_(stream(options.seed, Stream::steps, device)),
      loader_(images, {.batch_size = images_per_step(options), .seed = options.seed}, device),
      networks_(make_networks(options, device)),
      step_(make_step()),
      stepper_(step_, random_, loader_, pixel_low(), pixel_high()) {
  if (options.ema > 0) {
    average_ = make_networks(options, device);
    ema_.emplace(networks_.generator.parameters(), average_->generator.parameters(),
                 tinygan::optim::EmaOptions{std::pow(options.ema, ema_interval)});
  }
  tinygan::Generator latents = stream(options.seed, Stream::grid, device);
  grid_latents_ = tinygan::random_normal<float>({grid_rows * grid_columns, gan::latent_size}, latents);
}

AnyStep Training::make_step() {
  const tinygan::AdamHyper adam = hyper(options_);
  if (options_.precision != "bf16") return gan::AdversarialStep<float>(networks_, adam, adam, objective(options_));
  tinygan::Generator weights = stream(options_.seed, Stream::weights, tinygan::Device::cpu());  // overwritten at once
  copies_ = gan::make_networks<tinygan::bfloat16>(gan::network_from_name(options_.model), weights);
  copies_->follow(networks_);
  return gan::AdversarialStep<tinygan::bfloat16>(*copies_, adam, adam, objective(options_), &networks_);
}

/// After anything but a step has changed networks_.
void Training::weights_changed() {
  if (copies_) copies_->follow(networks_);
}

void Training::step(bool norms) {
  stepper_.step(norms);
  ++steps_done_;
  if (ema_ && steps_done_ % ema_interval == 0) ema_->update();
}

// From no more images than the run has trained on, so that a run of a few steps is over as soon. The statistics are a
// function of weights, step and options alone: a resumed run finds the same.
void Training::refresh_average(bool quick) {
  if (!average_) return;
  const index_t most_images = quick ? std::max<index_t>(2, options_.statistics_images / 4) : options_.statistics_images;
  tinygan::Generator latents = stream(options_.seed, Stream::statistics, device_);
  const index_t images =
      std::clamp(steps_done_ * images_per_step(options_), std::min(most_images, statistics_batch), most_images);
  const index_t size = std::min(images, statistics_batch);
  gan::recompute_statistics(average_->generator, gan::latent_size, latents, static_cast<int>(images / size), size);
}

TrainingState Training::state() const {
  TrainingState s;
  s.model = weights_of(options_.model, steps_done_, networks_, average_ ? &average_->generator : nullptr);
  std::visit(
      [&]<class T>(gan::AdversarialStep<T>& step) {
        train::add_adam<T>(s.state, {"generator_optimiser", &step.generator_optimiser(), &networks_.generator});
        train::add_adam<T>(s.state, {"discriminator_optimiser", &step.discriminator_optimiser(), &networks_.discriminator});
      },
      step_);
  train::add_counter(s.state, "ema.updates", ema_ ? ema_->updates() : 0);
  train::add_counter(s.state, "random.step", random_.step());
  train::add_counter(s.state, "batches.epoch", static_cast<std::uint64_t>(loader_.position().epoch));
  train::add_counter(s.state, "batches.batch", static_cast<std::uint64_t>(loader_.position().batch));
  train::add_counter(s.state, "steps", static_cast<std::uint64_t>(steps_done_));
  return s;
}

void Training::restore(const TrainingState& saved, const std::string& name) {
  const auto number = [&](const char* counter) { return train::counter(saved.state, name, counter); };
  std::vector<train::NamedModule<float>> models = {{"generator", &networks_.generator},
                                                   {"discriminator", &networks_.discriminator}};
  if (average_) models.push_back({"generator_ema", &average_->generator});
  train::load_weights<float>(saved.model, name, models);
  weights_changed();
  std::visit(
      [&]<class T>(gan::AdversarialStep<T>& step) {
        train::load_adam<T>(saved.state, name, {"generator_optimiser", &step.generator_optimiser(), &networks_.generator});
        train::load_adam<T>(saved.state, name,
                            {"discriminator_optimiser", &step.discriminator_optimiser(), &networks_.discriminator});
      },
      step_);
  if (ema_) ema_->set_updates(number("ema.updates"));
  random_.set_step(number("random.step"));
  loader_.seek({static_cast<index_t>(number("batches.epoch")), static_cast<index_t>(number("batches.batch"))});
  steps_done_ = static_cast<index_t>(number("steps"));
}

void Training::take_weights(const tinygan::io::SafetensorsFile& weights, const std::string& name) {
  const std::string& model = weights.metadata.at("model");
  tinygan::check(model == options_.model, name, "holds weights of --model ", model, ", the run is to train ",
                 options_.model);
  if (const auto bad = train::find_non_finite(weights))
    tinygan::fail(name, "tensor ", bad->tensor, " holds ", bad->value, " at element ", bad->element,
                  "; nothing can be learnt from that");
  const train::LoadOptions ignore_average{.strict = false};  // it may be in the file where this run has none
  train::load_weights<float>(weights, name,
                             {{"generator", &networks_.generator}, {"discriminator", &networks_.discriminator}},
                             ignore_average);
  weights_changed();
  if (!average_) return;
  const bool has_average = std::any_of(weights.tensors.begin(), weights.tensors.end(),
                                       [](const auto& e) { return e.name.rfind("generator_ema.", 0) == 0; });
  train::load_weights<float>(weights, name, {has_average ? "generator_ema" : "generator", &average_->generator},
                             {.strict = false});
}

tinygan::Tensor<float> Training::fakes() {
  const tinygan::NoGrad no_grad;
  auto& generator = average_ ? average_->generator : networks_.generator;
  return generator(grid_latents_, tinygan::nn::Pass::infer()).value().to(tinygan::Device::cpu());
}

tinygan::Tensor<float> Training::reals() const {
  std::vector<std::int32_t> first;
  for (index_t i = 0; i < std::min(grid_rows * grid_columns, loader_.images().count()); ++i)
    first.push_back(static_cast<std::int32_t>(i));
  return loader_.images().batch<float>(first, pixel_low(), pixel_high()).to(tinygan::Device::cpu());
}

}  // namespace dcgan_mnist
