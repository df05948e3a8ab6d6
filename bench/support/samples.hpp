// Times of repeated calls: the best says what the code can do, the median what it did.
#pragma once

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace tinygan::bench {

class Samples {
 public:
  void add(double seconds) { times_.push_back(seconds); }
  double best() const { return *std::min_element(times_.begin(), times_.end()); }
  double median() const {
    std::vector<double> sorted = times_;
    std::nth_element(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2), sorted.end());
    return sorted[sorted.size() / 2];
  }
  /// The value below which a share of the times lies, by nearest rank.
  double percentile(double share) const {
    std::vector<double> sorted = times_;
    std::sort(sorted.begin(), sorted.end());
    return sorted[static_cast<std::size_t>(std::lround(share * static_cast<double>(sorted.size() - 1)))];
  }
  double operator[](std::size_t i) const { return times_[i]; }
  std::size_t count() const { return times_.size(); }
  double sum() const { return std::accumulate(times_.begin(), times_.end(), 0.0); }

 private:
  std::vector<double> times_;
};

}  // namespace tinygan::bench
