// Throughput: how fast a run is now, and when it will be done.
#pragma once

#include <algorithm>
#include <deque>

#include <tinygan/base/shape.hpp>

namespace dcgan_mnist {

/// Images per second over the last `window` seconds. Times come from the caller, in seconds from any beginning, so that
/// what is no training time can be left out, and a resumed run counts only its own.
class Throughput {
 public:
  /// Starts at `now` with `images` already seen.
  Throughput(double now, tinygan::index_t images, double window = 20) : window_(window), points_{{now, images}} {}

  /// `images` were seen in all at `now`.
  void add(double now, tinygan::index_t images) {
    points_.push_back({now - paused_, images});
    while (points_.size() > 2 && points_[1].time <= points_.back().time - window_) points_.pop_front();
  }

  /// The last `seconds` went into something else than training.
  void pause(double seconds) { paused_ += seconds; }

  /// 0 before the first step.
  double images_per_second() const {
    const double seconds = points_.back().time - points_.front().time;
    return seconds > 0 ? static_cast<double>(points_.back().images - points_.front().images) / seconds : 0;
  }

  /// Until `images` are seen; 0 while the speed is unknown.
  double seconds_to(tinygan::index_t images) const {
    const double speed = images_per_second();
    return speed > 0 ? static_cast<double>(std::max<tinygan::index_t>(0, images - points_.back().images)) / speed : 0;
  }

 private:
  struct Point {
    double time;
    tinygan::index_t images;
  };
  double window_, paused_ = 0;
  std::deque<Point> points_;
};

}  // namespace dcgan_mnist
