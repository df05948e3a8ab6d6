// Throughput: images per second, and the time left.
#pragma once

#include <algorithm>
#include <chrono>
#include <deque>

#include <tinygan/base/shape.hpp>

namespace dcgan_mnist {

/// Of a clock that never jumps, from an arbitrary origin.
inline double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// Images per second over the last `window` seconds. The caller passes times in seconds, so that pauses and earlier
/// sessions do not count.
class Throughput {
 public:
  /// Starts at `now` with `images` already seen.
  Throughput(double now, tinygan::index_t images, double window = 20) : window_(window), points_{{now, images}} {}

  /// At `now` a total of `images` has been seen.
  void add(double now, tinygan::index_t images) {
    points_.push_back({now - paused_, images});
    while (points_.size() > 2 && points_[1].time <= points_.back().time - window_) points_.pop_front();
  }

  /// Excludes the last `seconds` from training time.
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
