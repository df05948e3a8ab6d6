// Evaluator: how good generated images are, against the training images and beside images that were held out.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <tinygan/base/outline.hpp>
#include <tinygan/data/batches.hpp>
#include <tinygan/data/dataset.hpp>
#include <tinygan/eval/class_statistics.hpp>
#include <tinygan/eval/classifier.hpp>
#include <tinygan/eval/frechet.hpp>
#include <tinygan/eval/kernel_distance.hpp>
#include <tinygan/eval/neighbours.hpp>

namespace tinygan::eval {

/// What is measured of one set of images, generated or held out.
struct Quality {
  index_t count = 0;
  double frechet_train = 0;  ///< from all training images
  double frechet_test = 0;   ///< from the test images; a generator that copies is near the training images only
  Estimate kernel;           ///< kernel distance from the training images
  ClassStatistics classes;   ///< by the classifier
  std::optional<double> class_accuracy;  ///< share of images that it reads as the class they are of, if that is known
  double class_divergence = 0;           ///< of `classes` from the training labels, nats
  Spread spread;                         ///< beside as many training images
  double neighbour_distance = 0;         ///< median distance to the nearest training image
  double close_share = 0;                ///< share nearer to one than 1 % of the test images are
  std::vector<std::int32_t> nearest;     ///< the nearest training image of each
};

/// The same of real images: what a perfect generator would be measured to be.
struct Floors {
  Quality test;              ///< as many test images; its distances are of images that the generator may not know
  double frechet_split = 0;  ///< of as many training images from the others: the error of sampling alone
  DivergenceFloor class_divergence;
  double bias = 0;  ///< frechet_bias() at these numbers
};

/// Compares generated images with a data set: what it needs of the latter it computes once.
class Evaluator {
 public:
  static constexpr index_t least_samples = 256;  ///< twice the number of features

  /// Judges `train` and the first `samples` of `test`. Throws Error unless both have images of 28x28 and labels the
  /// classifier knows, unless least_samples <= samples <= the test images, and if there are not twice as many training
  /// images. Calls `progress` with what is being done.
  Evaluator(Classifier classifier, const data::ImageDataset& train, const data::ImageDataset& test, index_t samples,
            const std::function<void(const std::string&)>& progress = {});

  /// Of images (N,28,28), 0 black to 255 white, N = samples(), and the classes (N) that a conditional generator made
  /// them of, or none. Throws Error on another number.
  Quality operator()(std::span<const std::uint8_t> images, std::span<const index_t> classes = {});

  /// The k nearest training images of each of some images, by features.
  Neighbours neighbours(std::span<const std::uint8_t> images, index_t k) {
    return nearest(classifier_(images).features, train_.features, Classifier::feature_size, k);
  }

  index_t samples() const { return samples_; }
  const Floors& floors() const { return floors_; }
  /// A set's distance over that of the test images: 1 is as good as held-out images.
  double ratio(const Quality& q) const { return q.frechet_train / floors_.test.frechet_train; }
  const std::vector<index_t>& prior() const { return prior_; }  ///< training images of each class
  double classifier_accuracy() const { return accuracy_; }      ///< on the test images
  const Classifier& classifier() const { return classifier_; }

 private:
  Neighbours nearest_training(const Judgement& images) const {
    return nearest(images.features, train_.features, Classifier::feature_size, 1);
  }
  /// `near`: nearest_training(images).
  Quality measure(const Judgement& images, Neighbours near, std::span<const index_t> classes);

  /// The features of samples() random training images, always the same, and of the others. The order of a set's files
  /// is not random: in MNIST's the two sources of digits alternate.
  struct Split {
    std::vector<float> sample, others;
  };
  Split split_training() const;

  Classifier classifier_;
  index_t samples_;
  Judgement train_;
  std::vector<float> train_sample_;
  GaussianStatistics train_statistics_, test_statistics_;
  std::vector<index_t> prior_;
  double accuracy_ = 0, close_ = 0;  // close_: the distance that 1 % of the test images are within
  Floors floors_;
};

}  // namespace tinygan::eval

#ifdef TINYGAN_FUNC

namespace tinygan::eval {

TINYGAN_CTOR Evaluator::Evaluator(Classifier classifier, const data::ImageDataset& train,
                                  const data::ImageDataset& test, index_t samples,
                                  const std::function<void(const std::string&)>& progress)
    : classifier_(std::move(classifier)), samples_(samples) {
  const auto say = [&](const std::string& what) {
    if (progress) progress(what);
  };
  check(samples >= least_samples, "Evaluator", samples, " samples, expected at least ", least_samples,
        ", twice the number of features");
  check(samples <= test.count, "Evaluator", samples, " samples, expected at most ", test.count,
        ", the number of test images: distances compare at equal numbers only");
  check(train.count >= 2 * samples, "Evaluator", train.count, " training images for ", samples,
        " samples, expected at least twice as many");
  for (const data::ImageDataset* d : {&train, &test}) {
    check(static_cast<index_t>(d->labels.size()) == d->count, "Evaluator", d->labels.size(), " labels for ", d->count,
          " images of ", d->source, ", expected one each");
    const auto classes = static_cast<index_t>(data::class_counts(*d).size());
    check(classes <= classifier_.classes(), "Evaluator", d->source, " has ", classes, " classes, the classifier knows ",
          classifier_.classes());
  }
  say(text("the classifier looks at ", train.count, " training images and ", test.count, " test images"));
  Judgement held = classifier_(test.images);
  accuracy_ = accuracy(held, test.labels);
  held.keep_first(samples);
  train_ = classifier_(train.images);
  train_statistics_ = gaussian_statistics(train_.features, Classifier::feature_size);
  Split split = split_training();
  prior_ = data::class_counts(train);
  prior_.resize(static_cast<std::size_t>(classifier_.classes()));

  say("the floors: test images and training images in the place of generated ones");
  test_statistics_ = gaussian_statistics(held.features, Classifier::feature_size);
  floors_.frechet_split = frechet_distance(gaussian_statistics(split.sample, Classifier::feature_size),
                                           gaussian_statistics(split.others, Classifier::feature_size));
  train_sample_ = std::move(split.sample);
  Neighbours near = nearest_training(held);
  close_ = percentile(near.distance, 1);
  const std::vector<index_t> labels(test.labels.begin(), test.labels.begin() + samples);
  floors_.test = measure(held, std::move(near), labels);
  floors_.class_divergence = class_divergence_floor(classifier_.classes(), samples);
  floors_.bias = frechet_bias(train_statistics_, samples, train.count);
}

TINYGAN_FUNC Evaluator::Split Evaluator::split_training() const {
  Split split;
  data::Batches shuffled(train_.count, {.batch_size = samples_});
  shuffled.next();
  index_t place = 0;
  for (const std::int32_t i : shuffled.order()) {
    std::vector<float>& to = place++ < samples_ ? split.sample : split.others;
    const std::span<const float> row = train_.row(i);
    to.insert(to.end(), row.begin(), row.end());
  }
  return split;
}

TINYGAN_FUNC Quality Evaluator::operator()(std::span<const std::uint8_t> images, std::span<const index_t> classes) {
  const auto expected = static_cast<std::size_t>(samples_ * Classifier::height * Classifier::width);
  check(images.size() == expected, "Evaluator", images.size(), " bytes, expected ", expected, ": ", samples_,
        " images of ", Classifier::height, "x", Classifier::width);
  check(classes.empty() || static_cast<index_t>(classes.size()) == samples_, "Evaluator", classes.size(),
        " classes, expected one for each of ", samples_, " images");
  const Judgement judgement = classifier_(images);
  return measure(judgement, nearest_training(judgement), classes);
}

TINYGAN_FUNC Quality Evaluator::measure(const Judgement& images, Neighbours near, std::span<const index_t> classes) {
  constexpr index_t d = Classifier::feature_size, most_block = 1000;
  const GaussianStatistics statistics = gaussian_statistics(images.features, d);
  const auto close = std::count_if(near.distance.begin(), near.distance.end(), [&](double x) { return x < close_; });
  Quality q;
  q.count = images.count;
  q.frechet_train = frechet_distance(train_statistics_, statistics);
  q.frechet_test = frechet_distance(test_statistics_, statistics);
  q.kernel = kernel_distance(train_sample_, images.features, d, std::min(most_block, images.count));
  q.classes = class_statistics(images.logits, images.classes);
  index_t right = 0;
  for (std::size_t i = 0; i < classes.size(); ++i) right += q.classes.classes[i] == classes[i];
  if (!classes.empty()) q.class_accuracy = static_cast<double>(right) / static_cast<double>(images.count);
  q.class_divergence = class_divergence(q.classes.counts, prior_);
  q.spread = spread(train_sample_, images.features, d);
  q.neighbour_distance = percentile(near.distance, 50);
  q.close_share = static_cast<double>(close) / static_cast<double>(images.count);
  q.nearest = std::move(near.row);
  return q;
}

}  // namespace tinygan::eval

#endif
