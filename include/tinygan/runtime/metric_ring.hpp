// MetricRing: scalars that steps leave on their device, read by the host later, many steps at once.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include <tinygan/tensor/tensor.hpp>

namespace tinygan::runtime {

/// Rows of `count` scalars, one row a step; the latest `capacity` are kept.
template <class T>
class MetricRing {
 public:
  /// Throws Error unless 1 <= count <= RecordDims::most and capacity >= 1.
  MetricRing(int count, index_t capacity, Device device)
      : dims_{count, capacity}, rows_({capacity, count}, device), written_(Tensor<std::uint64_t>::zeros({1}, device)) {
    check(count >= 1 && count <= RecordDims::most, "MetricRing", count, " values, expected 1 to ", RecordDims::most);
    check(capacity >= 1, "MetricRing", "capacity ", capacity, ", expected at least 1");
  }

  /// Writes the next row, a scalar each; NaN for an empty tensor. Part of a step: queued on the device, may be captured.
  /// Throws Error unless there are `count` values, scalars of the ring's device.
  void record(const std::vector<Tensor<T>>& values) const {
    check(static_cast<index_t>(values.size()) == dims_.count, "MetricRing", values.size(), " values, expected ", dims_.count);
    std::array<const T*, RecordDims::most> at{};
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (!values[i].defined()) continue;
      check(values[i].size() == 1 && values[i].device() == rows_.device(), "MetricRing", "value ", i, " has shape ",
            values[i].shape(), " on ", values[i].device(), ", expected a scalar on ", rows_.device());
      at[i] = values[i].data();
    }
    kernels<T>(rows_.device()).record_values(dims_, at.data(), written_.data(), rows_.data(), Stream{});
    count_up(written_.data(), rows_.device());
  }

  /// The rows written since the last call that are still there, oldest first. Waits for the device.
  std::vector<std::vector<T>> drain() {
    const std::uint64_t end = written_.item(), capacity = static_cast<std::uint64_t>(dims_.capacity);
    std::uint64_t row = std::max(read_, end - std::min(end, capacity));
    std::vector<std::vector<T>> rows;
    if (row < end) {
      const std::vector<T> all = rows_.to_vector();
      for (; row < end; ++row) {
        const auto first = all.begin() + static_cast<std::ptrdiff_t>(row % capacity) * dims_.count;
        rows.emplace_back(first, first + dims_.count);
      }
    }
    read_ = end;
    return rows;
  }

 private:
  RecordDims dims_;
  Tensor<T> rows_;
  Tensor<std::uint64_t> written_;  // by record, on the device
  std::uint64_t read_ = 0;
};

}  // namespace tinygan::runtime
