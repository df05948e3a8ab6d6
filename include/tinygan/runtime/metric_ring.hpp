// MetricRing: a ring buffer of the scalars of each step in device memory; the host reads many steps at once.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include <tinygan/base/host_work.hpp>
#include <tinygan/tensor/step_clock.hpp>

namespace tinygan::runtime {

/// Rows of `count` scalars, one row per step of a clock; the latest `capacity` rows are kept.
template <class T = float>
class MetricRing {
 public:
  /// On the device of `clock`. Throws Error unless 1 <= count <= RecordDims::max_count and capacity >= 1.
  MetricRing(int count, index_t capacity, const StepClock& clock);
  MetricRing(const MetricRing&) = delete;  // a captured step refers to its ring
  MetricRing& operator=(const MetricRing&) = delete;

  /// Writes the row of the clock's step; NaN for an empty tensor. May be captured. Throws Error unless `values` are
  /// `count` scalars on the ring's device and the clock has ticked since the last row.
  void record(const std::vector<Tensor<T>>& values);

  /// The rows written since the last call, at most the latest `capacity`, oldest first. Waits for the device.
  std::vector<std::vector<T>> drain();

 private:
  /// drain() expects consecutive steps.
  void count_row();

  RecordDims dims_;
  StepClock clock_;
  Tensor<T> rows_;
  std::uint64_t last_ = 0, unread_ = 0;  // step of the last row, rows since drain()
};

template <class T>
MetricRing<T>::MetricRing(int count, index_t capacity, const StepClock& clock)
    : dims_{count, capacity}, clock_(clock), rows_({capacity, count}, clock.device()) {
  check(count >= 1 && count <= RecordDims::max_count, "MetricRing", count, " values, expected 1 to ",
        RecordDims::max_count);
  check(capacity >= 1, "MetricRing", "capacity ", capacity, ", expected at least 1");
}

template <class T>
void MetricRing<T>::record(const std::vector<Tensor<T>>& values) {
  check(static_cast<index_t>(values.size()) == dims_.count, "MetricRing", values.size(), " values, expected ",
        dims_.count);
  std::array<const T*, RecordDims::max_count> at{};
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!values[i].defined()) continue;
    check(values[i].size() == 1 && values[i].device() == rows_.device(), "MetricRing", "value ", i, " has shape ",
          values[i].shape(), " on ", values[i].device(), ", expected a scalar on ", rows_.device());
    at[i] = values[i].data();
  }
  HostWork::each_step(this, "MetricRing", [this] { count_row(); });
  kernels<T>(rows_.device()).record_values(dims_, at.data(), clock_.counter().data(), rows_.data(), Stream{});
}

template <class T>
std::vector<std::vector<T>> MetricRing<T>::drain() {
  const std::uint64_t capacity = static_cast<std::uint64_t>(dims_.capacity);
  const std::uint64_t rows = std::min(std::exchange(unread_, 0), capacity);
  std::vector<std::vector<T>> list;
  if (rows == 0) return list;
  const std::vector<T> all = rows_.to_vector();
  for (std::uint64_t step = last_ + 1 - rows; step <= last_; ++step) {
    const auto first = all.begin() + static_cast<std::ptrdiff_t>(step % capacity) * dims_.count;
    list.emplace_back(first, first + dims_.count);
  }
  return list;
}

template <class T>
void MetricRing<T>::count_row() {
  const std::uint64_t step = clock_.step();
  check(unread_ == 0 || step == last_ + 1, "MetricRing", "a row of step ", step, " after that of step ", last_,
        "; expected one row a step");
  last_ = step;
  ++unread_;
}

}  // namespace tinygan::runtime
