#include "run/training.hpp"

#include <algorithm>

#include <tinygan/gan/statistics.hpp>
#include <tinygan/io/state.hpp>
#include <tinygan/nn/losses.hpp>

#include "run/checkpoint.hpp"
#include "run/in_batches.hpp"
#include "run/network_options.hpp"

namespace dcgan_mnist {

namespace gan = tinygan::gan;
namespace io = tinygan::io;
namespace models = tinygan::models;
using tinygan::index_t;

namespace {

constexpr index_t statistics_batch = 64;

tinygan::data::AugmentOptions augmentation(const TrainOptions& o) {
  return {.shift = static_cast<float>(o.augment_shift),
          .rotation = static_cast<float>(o.augment_rotation),
          .scale = static_cast<float>(o.augment_scale)};
}

}  // namespace

Training::Training(const TrainOptions& options, tinygan::Device device, const tinygan::data::ImageDataset& images)
    : options_(options), network_options_(network_options(options, images)), device_(device),
      random_(stream(options.seed, Stream::steps, device)),
      loader_(images, {.batch_size = images_per_step(options), .seed = options.seed}, random_.clock(),
              augmentation(options)),
      model_(make_model(options, network_options_, steps(), random_.clock())),
      stepper_([this](tinygan::data::DataLoader& loader,
                      StepVariant variant) { return model_->step(loader, random_, variant); },
               random_, loader_) {
  tinygan::Generator latents = stream(options.seed, Stream::grid, device);
  grid_latents_ = tinygan::random_normal<float>({grid_rows * grid_columns, models::latent_size}, latents)
                      .to(tinygan::Device::cpu());
}

void Training::step(bool norms) {
  stepper_.step({.norms = norms, .penalties = steps_done_ % options_.penalty_every == 0});
  ++steps_done_;
  if (steps_done_ % Model::average_interval == 0) model_->update_average();
}

// From at most as many images as the run has trained on, so that short runs stay short. The statistics are a function
// of (weights, step, options), the same in a resumed run.
void Training::refresh_average(bool quick) {
  tinygan::nn::Layer<float>* const average = model_->average();
  if (!average) return;
  const index_t most_images = quick ? std::max<index_t>(2, options_.statistics_images / 4) : options_.statistics_images;
  tinygan::Generator latents = stream(options_.seed, Stream::statistics, device_);
  const index_t images =
      std::clamp(steps_done_ * images_per_step(options_), std::min(most_images, statistics_batch), most_images);
  const index_t size = std::min(images, statistics_batch);
  gan::recompute_statistics(*average, models::latent_size, latents, static_cast<int>(images / size), size,
                            labels_of(classes_in_turn(size)));
}

std::vector<index_t> Training::classes_in_turn(index_t count) const {
  std::vector<index_t> classes;
  for (index_t i = 0; network_options_.classes > 0 && i < count; ++i) classes.push_back(i % network_options_.classes);
  return classes;
}

tinygan::Tensor<float> Training::labels_of(std::span<const index_t> classes) const {
  if (classes.empty()) return {};
  return tinygan::nn::one_hot<float>(classes, network_options_.classes, device_);
}

TrainingState Training::state() const {
  TrainingState s{make_weights_file(options_.model, network_options_, steps_done_), {}};
  model_->save(s);
  io::add_counter(s.state, "random.step", random_.step());
  io::add_counter(s.state, "batches.epoch", static_cast<std::uint64_t>(loader_.position().epoch));
  io::add_counter(s.state, "batches.batch", static_cast<std::uint64_t>(loader_.position().batch));
  io::add_counter(s.state, "steps", static_cast<std::uint64_t>(steps_done_));
  return s;
}

void Training::restore(const TrainingState& saved, const std::string& name) {
  const auto number = [&](const char* counter) { return io::counter(saved.state, name, counter); };
  model_->load(saved, name);
  random_.set_step(number("random.step"));
  loader_.seek({static_cast<index_t>(number("batches.epoch")), static_cast<index_t>(number("batches.batch"))});
  steps_done_ = static_cast<index_t>(number("steps"));
}

void Training::load_weights(const tinygan::io::SafetensorsFile& weights, const std::string& name) {
  const std::string& model = weights.metadata.at("model");
  tinygan::check(model == options_.model, name, "holds weights of --model ", model, ", expected ", options_.model);
  if (const auto bad = io::find_non_finite(weights))
    tinygan::fail(name, "tensor ", bad->tensor, " holds ", bad->value, " at element ", bad->element,
                  ", expected finite values");
  model_->load_weights(weights, name);
}

tinygan::Tensor<float> Training::generate(const tinygan::Tensor<float>& latents, const std::vector<index_t>& classes) {
  const tinygan::NoGrad no_grad;
  tinygan::nn::Layer<float>* const average = model_->average();
  return in_batches(latents, device_, [&](const tinygan::Tensor<float>& z, index_t first) {
    const auto from = static_cast<std::size_t>(first), count = static_cast<std::size_t>(z.extent(0));
    const tinygan::Tensor<float> labels =
        labels_of(classes.empty() ? std::span<const index_t>() : std::span(classes).subspan(from, count));
    return average ? (*average)(z, inference_of(labels)).value() : model_->generate(z, labels);
  });
}

tinygan::Tensor<float> Training::fakes() { return generate(grid_latents_, classes_in_turn(grid_latents_.extent(0))); }

tinygan::Tensor<float> Training::reals() const {
  std::vector<std::int32_t> first;
  for (index_t i = 0; i < std::min(grid_rows * grid_columns, loader_.images().count()); ++i)
    first.push_back(static_cast<std::int32_t>(i));
  return loader_.images().batch<float>(first, pixel_low(), pixel_high()).to(tinygan::Device::cpu());
}

}  // namespace dcgan_mnist
