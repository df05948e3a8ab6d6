// The evaluator: what it says of copies, of noise and of images of one class, and what it refuses.
#include <algorithm>

#include <tinygan/data/strokes.hpp>
#include <tinygan/eval/evaluator.hpp>

#include "support/catch.hpp"

using namespace tinygan;
using Catch::Matchers::Contains;

namespace {

constexpr index_t samples = 256, pixels = 28 * 28;

/// A classifier's file, of weights that were not trained: the figures mean nothing, their relations do.
io::SafetensorsFile classifier_file() {
  Generator random(3);
  const models::LeNet<float> model(10, random);
  io::SafetensorsFile file;
  file.metadata = {{"format", "tinygan-classifier-1"}, {"model", "lenet"}, {"classes", "10"}};
  io::add_weights<float>(file, {"", &model});
  io::narrow_to_half(file);
  return file;
}

eval::Classifier classifier(const io::SafetensorsFile& file = classifier_file()) {
  return {io::encode_safetensors(file, "test"), "test"};
}

const data::ImageDataset& train() {
  static const data::ImageDataset d = data::stroke_digits(2 * samples, 0);
  return d;
}
const data::ImageDataset& test() {
  static const data::ImageDataset d = data::stroke_digits(samples, 1);
  return d;
}

eval::Evaluator& evaluator() {
  static eval::Evaluator e(classifier(), train(), test(), samples);
  return e;
}

std::span<const std::uint8_t> first(const data::ImageDataset& d) { return std::span(d.images).first(samples * pixels); }

}  // namespace

TEST_CASE("the test images are at the floor, in every figure", "[evaluator]") {
  const eval::Quality q = evaluator()(first(test())), &floor = evaluator().floors().test;
  CHECK(evaluator().ratio(q) == 1);
  CHECK(q.frechet_train == floor.frechet_train);
  CHECK(q.frechet_test == Approx(0).margin(1e-6 * q.frechet_train));
  CHECK(q.kernel.value == floor.kernel.value);
  CHECK(q.neighbour_distance == floor.neighbour_distance);
  CHECK(q.close_share == Approx(0.01).margin(1.0 / samples));
}

TEST_CASE("copies of training images are told from new images by their distances", "[evaluator]") {
  const eval::Quality q = evaluator()(first(train()));
  CHECK(q.neighbour_distance == Approx(0).margin(1e-4));  // the rounding of batches of different sizes
  CHECK(q.close_share == 1);
  CHECK(q.frechet_train < evaluator().floors().test.frechet_train);
  CHECK(q.frechet_test > q.frechet_train);
  for (std::size_t i = 0; i < samples; ++i) REQUIRE(q.nearest[i] == static_cast<std::int32_t>(i));
  CHECK(evaluator().neighbours(first(train()).first(pixels), 1).row == std::vector<std::int32_t>{0});
}

TEST_CASE("noise and images all alike are far from the floor", "[evaluator]") {
  std::vector<std::uint8_t> noise(samples * pixels), same;
  std::uint32_t state = 1;
  for (std::uint8_t& p : noise) p = static_cast<std::uint8_t>((state = state * 1664525u + 1013904223u) >> 24);
  for (index_t i = 0; i < samples; ++i) {
    const std::span<const std::uint8_t> image = train().image(0);
    same.insert(same.end(), image.begin(), image.end());
  }
  const eval::Quality of_noise = evaluator()(noise), of_same = evaluator()(same);
  CHECK(evaluator().ratio(of_noise) > 3);
  CHECK(evaluator().ratio(of_same) > 3);
  CHECK(of_noise.spread.precision == 0);
  CHECK(of_same.spread.coverage < 0.05);
  CHECK(of_same.classes.score == Approx(1));
  CHECK(of_same.class_divergence > 1);
}

TEST_CASE("a classifier's accuracy is the share of images that it reads as labelled", "[evaluator]") {
  eval::Classifier c = classifier();
  data::ImageDataset labelled = test();
  const eval::ClassStatistics read = eval::class_statistics(c(labelled.images).logits, 10);
  for (std::size_t i = 0; i < labelled.labels.size(); ++i)
    labelled.labels[i] = static_cast<std::uint8_t>((read.classes[i] + (i % 4 == 0 ? 1 : 0)) % 10);
  CHECK(c.accuracy(labelled) == 0.75);
}

TEST_CASE("class accuracy is the share of images read as the class they were made of", "[evaluator]") {
  const eval::Quality without = evaluator()(first(train()));
  CHECK_FALSE(without.class_accuracy.has_value());
  std::vector<index_t> asked(without.classes.classes.begin(), without.classes.classes.end());
  CHECK(evaluator()(first(train()), asked).class_accuracy == 1.0);
  for (std::size_t i = 0; i < samples; i += 4) asked[i] = (asked[i] + 1) % 10;
  CHECK(evaluator()(first(train()), asked).class_accuracy == 0.75);
  CHECK(evaluator().floors().test.class_accuracy == evaluator().classifier_accuracy());
  asked.pop_back();
  CHECK_THROWS_WITH(evaluator()(first(train()), asked), Contains("255 classes, expected one for each of 256 images"));
}

TEST_CASE("what cannot be evaluated is refused by name", "[evaluator]") {
  const auto make = [](const data::ImageDataset& a, const data::ImageDataset& b, index_t n) {
    return eval::Evaluator(classifier(), a, b, n);
  };
  CHECK_THROWS_WITH(make(train(), test(), 100), Contains("100 samples, expected at least 256"));
  CHECK_THROWS_WITH(make(train(), test(), 300), Contains("300 samples, expected at most 256"));
  CHECK_THROWS_WITH(make(test(), test(), samples), Contains("256 training images for 256 samples"));
  data::ImageDataset bare = train();
  bare.labels.clear();
  CHECK_THROWS_WITH(make(bare, test(), samples), Contains("0 labels for 512 images of built-in stroke digits"));
  bare = train();
  bare.labels[7] = 11;
  CHECK_THROWS_WITH(make(bare, test(), samples), Contains("has 12 classes, the classifier knows 10"));
  CHECK_THROWS_WITH(evaluator()(first(test()).first(pixels)), Contains("256 images of 28x28"));
}

TEST_CASE("a file that is no classifier's is refused by name", "[evaluator]") {
  const auto refused = [](const char* key, const std::string& value, const std::string& why) {
    io::SafetensorsFile file = classifier_file();
    if (value.empty()) file.metadata.erase(key);
    else file.metadata[key] = value;
    CHECK_THROWS_WITH(classifier(file), Contains("test: ") && Contains(why));
  };
  refused("format", "", "has no metadata 'format'");
  refused("format", "tinygan-classifier-2", "expected lenet in tinygan-classifier-1");
  refused("model", "vgg", "expected lenet");
  refused("classes", "1", "expected a number from 2 to 256");
  refused("classes", "ten", "expected a number from 2 to 256");
  refused("classes", "62", "has the shape (128, 10), expected (128, 62)");
}
