// Times of repeated calls: the best says what the code can do, the median what it did.
#pragma once

#include <algorithm>
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

 private:
  std::vector<double> times_;
};

}  // namespace tinygan::bench
