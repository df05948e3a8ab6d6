// The metrics of generated images, against NumPy and SciPy (tests/golden/make_evaluation.py) and in closed form.
#include <cmath>

#include <tinygan/data/random.hpp>
#include <tinygan/eval/class_statistics.hpp>
#include <tinygan/eval/frechet.hpp>
#include <tinygan/eval/kernel_distance.hpp>
#include <tinygan/eval/neighbours.hpp>
#include <tinygan/io/safetensors.hpp>

#include "support/catch.hpp"
#include "support/paths.hpp"

using namespace tinygan;
using Catch::Matchers::Contains;

namespace {

class Golden {
 public:
  std::vector<float> rows(const std::string& name) const { return file_.values<float>(name); }
  std::vector<double> numbers(const std::string& name) const { return file_.values<double>(name); }
  double number(const std::string& name) const { return numbers(name).at(0); }

 private:
  io::SafetensorsFile file_ = io::read_safetensors(test_file("golden/evaluation.safetensors"));
};

constexpr index_t d = 16;  // features of the golden sets

/// Both sides compute in float64 from the same floats; what is left are the two orders of summation.
void check_same(double found, double expected) { CHECK(found == Approx(expected).epsilon(1e-9).margin(1e-12)); }

std::vector<float> normal_rows(index_t count, const std::vector<double>& deviation, std::uint64_t seed) {
  std::vector<float> rows;
  for (index_t i = 0; i < count; ++i) {
    data::RandomStream random(seed, data::Purpose::strokes, 0, static_cast<std::uint64_t>(i));
    for (const double s : deviation) {
      const double u = static_cast<double>(random.uniform(1e-7f, 1)), v = static_cast<double>(random.uniform(0, 1));
      rows.push_back(static_cast<float>(s * std::sqrt(-2 * std::log(u)) * std::cos(6.283185307179586 * v)));
    }
  }
  return rows;
}

}  // namespace

TEST_CASE("the Frechet distance and its bias are NumPy's, for singular covariances too", "[frechet]") {
  const Golden golden;
  const std::vector<float> low_rank = golden.rows("low_rank");
  const std::span<const float> halves = low_rank;
  const auto statistics = [&](const char* name) { return eval::gaussian_statistics(golden.rows(name), d); };
  const auto reference = statistics("reference");
  const auto check_pair = [&](const std::string& name, const eval::GaussianStatistics& a,
                              const eval::GaussianStatistics& b) {
    INFO(name);
    check_same(eval::frechet_distance(a, b), golden.number("frechet/" + name));
    check_same(eval::frechet_distance(b, a), golden.number("frechet/" + name));
    check_same(eval::frechet_bias(b, a.count, b.count), golden.number("frechet_bias/" + name));
  };
  check_pair("generated_reference", statistics("generated"), reference);
  check_pair("reference_held_out", reference, statistics("held_out"));
  // A root of a singular matrix: SciPy's and ours lose half the digits of the zero eigenvalues.
  const auto first = eval::gaussian_statistics(halves.first(100 * d), d),
             second = eval::gaussian_statistics(halves.subspan(100 * d), d);
  const auto half_digits = [&](const eval::GaussianStatistics& a, const eval::GaussianStatistics& b,
                               const std::string& name) {
    CHECK(std::abs(eval::frechet_distance(a, b) - golden.number("frechet/" + name)) < 1e-7 * (a.trace() + b.trace()));
  };
  half_digits(statistics("low_rank"), reference, "low_rank_reference");
  half_digits(first, second, "low_rank_halves");
}

TEST_CASE("the Frechet distance has its closed forms", "[frechet]") {
  eval::GaussianStatistics a{10, {0, 0, 0}, {4, 0, 0, 0, 9, 0, 0, 0, 0}}, b = a;
  CHECK(eval::frechet_distance(a, a) == Approx(0).margin(1e-12));
  b.mean = {3, 0, 4};
  CHECK(eval::frechet_distance(a, b) == Approx(25));  // |m1 - m2|^2
  b.covariance = {16, 0, 0, 0, 1, 0, 0, 0, 25};       // diagonal: plus the squared differences of the deviations
  CHECK(eval::frechet_distance(a, b) == Approx(25 + 4 + 4 + 25));
}

TEST_CASE("samples of one distribution are as far apart as the bias says", "[frechet]") {
  const std::vector<double> deviation{3, 1, 0.5, 2, 1, 0.1, 0.7, 1.5};
  constexpr index_t count = 400;
  double mean = 0, expected = 0;
  constexpr int trials = 40;
  for (int t = 0; t < trials; ++t) {
    const auto sample = [&](std::uint64_t seed) {
      return eval::gaussian_statistics(normal_rows(count, deviation, seed), 8);
    };
    const auto a = sample(2 * static_cast<std::uint64_t>(t)), b = sample(2 * static_cast<std::uint64_t>(t) + 1);
    mean += eval::frechet_distance(a, b) / trials;
    expected += eval::frechet_bias(a, count, count) / trials;
  }
  CHECK(mean == Approx(expected).epsilon(0.15));  // sqrt(2/40) of a sum of a few squares, and the second order
}

TEST_CASE("a matrix is the sum of its eigenvalues' parts", "[eigen]") {
  const std::vector<double> a{2, 0, 0, 1, 2, 0, 0.5, -1, 1e-3};  // the lower triangle counts
  const eval::SymmetricEigen e = eval::symmetric_eigen(a, 3);
  for (std::size_t i = 0; i < 3; ++i)
    for (std::size_t j = 0; j <= i; ++j) {
      double sum = 0, dot = 0;
      for (std::size_t k = 0; k < 3; ++k) {
        sum += e.values[k] * e.vectors[k * 3 + i] * e.vectors[k * 3 + j];
        dot += e.vectors[i * 3 + k] * e.vectors[j * 3 + k];
      }
      CHECK(sum == Approx(a[i * 3 + j]).margin(1e-14));
      CHECK(dot == Approx(i == j ? 1 : 0).margin(1e-14));
    }
  CHECK(eval::symmetric_eigen(std::vector<double>{-5}, 1).values == std::vector<double>{-5});
  CHECK(eval::symmetric_eigen(std::vector<double>(16), 4).values == std::vector<double>(4));
  CHECK_THROWS_WITH(eval::symmetric_eigen(std::vector<double>{1, 2}, 2), Contains("2 elements, expected 2 x 2"));
  CHECK_THROWS_WITH(eval::symmetric_eigen(std::vector<double>{NAN}, 1), Contains("expected finite"));
}

TEST_CASE("the kernel distance is NumPy's", "[kernel_distance]") {
  const Golden golden;
  const eval::Estimate found = eval::kernel_distance(golden.rows("generated"), golden.rows("reference"), d, 128);
  check_same(found.value, golden.number("kid/mean"));
  check_same(found.standard_error, golden.number("kid/standard_error"));
  CHECK_THROWS_WITH(eval::kernel_distance(golden.rows("generated"), golden.rows("reference"), d, 401),
                    Contains("500 and 400 feature vectors, expected at least 401"));
}

TEST_CASE("classes and score are NumPy's", "[classes]") {
  const Golden golden;
  const eval::ClassStatistics found = eval::class_statistics(golden.rows("logits"), 10);
  check_same(found.score, golden.number("score/mean"));
  check_same(found.score_deviation, golden.number("score/deviation"));
  check_same(found.mean_confidence, golden.number("classes/mean_confidence"));
  check_same(found.unsure, golden.number("classes/unsure"));
  const std::vector<double> expected = golden.numbers("classes/counts");
  CHECK(std::vector<double>(found.counts.begin(), found.counts.end()) == expected);
  const std::vector<index_t> mnist{5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949};
  check_same(eval::class_divergence(found.counts, mnist), golden.number("classes/kl"));
}

TEST_CASE("the score is the number of classes for sure and even images, and 1 where all are alike", "[classes]") {
  std::vector<float> sure(40 * 4, -200), same(40 * 4, 1);
  for (std::size_t i = 0; i < 40; ++i) sure[i * 4 + i % 4] = 200;
  CHECK(eval::class_statistics(sure, 4).score == Approx(4));
  CHECK(eval::class_statistics(same, 4).score == Approx(1));
  CHECK(eval::class_statistics(same, 4).unsure == Approx(1));
  CHECK_THROWS_WITH(eval::class_statistics(std::vector<float>(8), 4), Contains("at least 10 rows"));
  CHECK_THROWS_WITH(eval::class_statistics(std::vector<float>(40, NAN), 4), Contains("not finite"));
}

TEST_CASE("the floor of the class divergence is that of perfect sampling", "[classes]") {
  const eval::DivergenceFloor floor = eval::class_divergence_floor(10, 10000);
  CHECK(floor.mean == Approx(0.00045));
  CHECK(floor.percentile_95 == Approx(16.919 / 20000).epsilon(1e-3));  // chi-square, 9 degrees of freedom
  const std::vector<index_t> none{0, 0}, some{1, 3};
  CHECK(eval::class_divergence(some, some) == 0);
  CHECK_THROWS_WITH(eval::class_divergence(none, some), Contains("0 images against 4"));
}

TEST_CASE("precision, recall, density and coverage are NumPy's, boundaries included", "[neighbours]") {
  const Golden golden;
  const auto check_sets = [&](const std::string& name, const char* real, const char* generated) {
    INFO(name);
    const eval::Spread found = eval::spread(golden.rows(real), golden.rows(generated), d);
    check_same(found.precision, golden.number(name + "/precision"));
    check_same(found.recall, golden.number(name + "/recall"));
    check_same(found.density, golden.number(name + "/density"));
    check_same(found.coverage, golden.number(name + "/coverage"));
  };
  check_sets("neighbours", "reference", "generated");
  check_sets("lattice", "lattice_reference", "lattice_generated");
}

TEST_CASE("nearest neighbours are NumPy's", "[neighbours]") {
  const Golden golden;
  const std::vector<float> reference = golden.rows("reference");
  const eval::Neighbours generated = eval::nearest(golden.rows("generated"), reference, d, 1),
                         held_out = eval::nearest(golden.rows("held_out"), reference, d, 1);
  check_same(eval::percentile(generated.distance, 50), golden.number("memorisation/generated_median"));
  check_same(eval::percentile(held_out.distance, 50), golden.number("memorisation/held_out_median"));
  const double limit = eval::percentile(held_out.distance, 1);
  check_same(limit, golden.number("memorisation/close_limit"));
  const auto close =
      std::count_if(generated.distance.begin(), generated.distance.end(), [&](double x) { return x < limit; });
  check_same(static_cast<double>(close) / 500, golden.number("memorisation/close_share"));
}

TEST_CASE("nearest neighbours come in order, across tiles, without the row itself", "[neighbours]") {
  constexpr index_t count = 9000;  // more than two tiles of either kind
  std::vector<float> line(count);
  for (index_t i = 0; i < count; ++i) line[static_cast<std::size_t>((i * 7) % count)] = static_cast<float>(i);
  const eval::Neighbours n = eval::nearest(std::span(line).first(600), line, 1, 3);
  const eval::Neighbours others = eval::nearest(line, line, 1, 2, true);
  for (std::size_t i = 0; i < 600; ++i) {
    REQUIRE(n.row[3 * i] == static_cast<std::int32_t>(i));
    REQUIRE(n.distance[3 * i] == 0);
    REQUIRE(n.distance[3 * i + 1] == 1);
    REQUIRE(others.distance[2 * i] == 1);
  }
  CHECK_THROWS_WITH(eval::nearest(line, std::vector<float>{1, 2}, 1, 2, true), Contains("2 feature vectors"));
  CHECK_THROWS_WITH(eval::nearest(std::vector<float>{1, 2, 3}, line, 2, 1), Contains("expected rows of 2"));
}

TEST_CASE("classes are spread as in the prior, at each length", "[classes]") {
  CHECK(eval::spread_classes(std::vector<index_t>{2, 0, 1}, 6) == std::vector<index_t>{0, 2, 0, 0, 2, 0});
  CHECK(eval::spread_classes(std::vector<index_t>{1}, 0).empty());
  const std::vector<index_t> prior{5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949};
  const std::vector<index_t> classes = eval::spread_classes(prior, 60000);
  std::vector<index_t> counts(10);
  for (std::size_t i = 0; i < classes.size(); ++i) {
    ++counts[static_cast<std::size_t>(classes[i])];
    for (std::size_t c = 0; i % 997 == 0 && c < 10; ++c)
      REQUIRE(std::abs(static_cast<double>(counts[c]) -
                       static_cast<double>(prior[c] * static_cast<index_t>(i + 1)) / 60000.0) < 1);
  }
  CHECK(counts == prior);
  CHECK_THROWS_WITH(eval::spread_classes(std::vector<index_t>{0, 0}, 1), Contains("from a prior of 0 images"));
}
