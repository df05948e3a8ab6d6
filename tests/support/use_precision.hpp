// The precision of a device, to the end of a scope.
#pragma once

#include <tinygan/tensor/kernels.hpp>

namespace tinygan::test {

/// A device, the emulated one unless named, computes in this precision to the end of the enclosing scope.
class UsePrecision {
 public:
  explicit UsePrecision(Precision p, Device device = Device::emulated()) : device_(device) { set_precision(device, p); }
  ~UsePrecision() { set_precision(device_, before_); }
  UsePrecision(const UsePrecision&) = delete;
  UsePrecision& operator=(const UsePrecision&) = delete;

 private:
  Device device_;
  Precision before_ = precision(device_);
};

}  // namespace tinygan::test
