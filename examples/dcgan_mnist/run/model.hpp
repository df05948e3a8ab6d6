// Model: the networks, optimisers and averaged generator of a run, whatever their element type.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <tinygan/data/data_loader.hpp>
#include <tinygan/gan/step.hpp>
#include <tinygan/io/safetensors.hpp>
#include <tinygan/models/network_options.hpp>

#include "base/options.hpp"
#include "run/describe.hpp"
#include "run/stepper.hpp"

namespace dcgan_mnist {

/// A copy in host memory of all that a checkpoint holds.
struct TrainingState {
  tinygan::io::SafetensorsFile model, state;
};

/// Seeds of the independent random streams of a run.
enum class Stream : std::uint64_t { weights = 1, steps = 2, grid = 3, statistics = 4 };
tinygan::Generator stream(std::uint64_t seed, Stream s, tinygan::Device device);

/// The options that make up the objective.
tinygan::gan::Objective objective_of(const TrainOptions& options);

/// Networks of float, or of bfloat16 with fp32 master weights. The averaged generator, images and files are float
/// either way.
class Model {
 public:
  virtual ~Model() = default;

  /// A training step on the next batch of `loader`.
  virtual tinygan::gan::StepMetrics<tinygan::Tensor<float>> step(tinygan::data::DataLoader& loader,
                                                                 tinygan::Generator& random, StepVariant variant) = 0;

  /// Steps between updates of the average. At 8 the time of the update is not measurable.
  static constexpr int average_interval = 8;
  virtual void update_average() = 0;
  /// The averaged generator, or null.
  virtual tinygan::nn::Layer<float>* average() = 0;
  /// Images of the generator as trained, on its device; `labels` one-hot (N,K), or empty where it is not conditional.
  virtual tinygan::Tensor<float> generate(const tinygan::Tensor<float>& latents,
                                          const tinygan::Tensor<float>& labels) = 0;

  /// Appends weights and the optimisers' state.
  virtual void save(TrainingState& to) const = 0;
  /// Loads a state of save(). Throws Error, naming `name`, if it does not match.
  virtual void load(const TrainingState& saved, const std::string& name) = 0;
  /// Loads the weights of both networks and of the average; the average starts at the generator if the file has none.
  /// Throws Error, naming `name`, if they do not match.
  virtual void load_weights(const tinygan::io::SafetensorsFile& weights, const std::string& name) = 0;

  virtual NetworkSummaries summaries(tinygan::index_t batch_size) const = 0;
  virtual float pixel_low() const = 0;
  virtual float pixel_high() const = 0;
};

/// An inference pass over samples with these one-hot labels, if any.
tinygan::nn::Pass inference_of(const tinygan::Tensor<float>& labels);

/// For a run of `steps` steps, on the device of `clock`, which ticks before each step: of bfloat16 with --precision
/// bf16, else of float. The initial weights are drawn on the CPU, so that they are the same bits on every device.
std::unique_ptr<Model> make_model(const TrainOptions& options, const tinygan::models::NetworkOptions& networks,
                                  tinygan::index_t steps, const tinygan::StepClock& clock);

}  // namespace dcgan_mnist
