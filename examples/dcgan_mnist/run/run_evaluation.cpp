#include "run/run_evaluation.hpp"

#include "base/latents.hpp"
#include "base/numbers.hpp"
#include "evaluate/evaluation.hpp"
#include "evaluate/quality_table.hpp"
#include "evaluate/shipped_classifier.hpp"
#include "media/image_grid.hpp"

namespace dcgan_mnist {

namespace {

tinygan::eval::Evaluator make_evaluator(const TrainOptions& o, tinygan::Device device, Progress& progress) {
  const ReferenceImages reference = reference_images(o.data, o.eval_samples);
  return {load_classifier(o.eval_classifier, device), reference.train, reference.test, o.eval_samples,
          [&](const std::string& what) { progress.note("evaluation: " + what); }};
}

}  // namespace

RunEvaluation::RunEvaluation(const TrainOptions& options, tinygan::Device device, Progress& progress)
    : evaluator_(make_evaluator(options, device, progress)),
      latents_(draw_latents(evaluation_seed, options.eval_samples, 0)) {
  if (options.conditional) classes_ = tinygan::eval::spread_classes(evaluator_.prior(), options.eval_samples);
}

StepQuality RunEvaluation::operator()(Training& training) {
  const tinygan::Tensor<float> images = training.generate(latents_, classes_);
  const tinygan::eval::Quality q = evaluator_(to_bytes(images, training.pixel_low(), training.pixel_high()), classes_);
  StepQuality found{
      evaluator_.ratio(q), q.spread.coverage, q.classes.score, q.class_accuracy, {{"step", training.steps_done()}}};
  found.figures.update(figures_of(q, evaluator_));
  return found;
}

std::string RunEvaluation::describe(const StepQuality& q) const {
  const tinygan::eval::Quality& real = evaluator_.floors().test;
  std::string all = tinygan::text("rho ", fixed(q.rho, 2), " (real images 1), coverage ", fixed(q.coverage, 3), " (",
                                  fixed(real.spread.coverage, 3), "), score ", fixed(q.score, 2), " (",
                                  fixed(real.classes.score, 2), ")");
  if (q.class_accuracy)
    all += tinygan::text(", class accuracy ", fixed(*q.class_accuracy, 3), " (", fixed(*real.class_accuracy, 3), ")");
  return all;
}

std::string RunEvaluation::warning() const { return classifier_warning(evaluator_.classifier_accuracy()); }

}  // namespace dcgan_mnist
