// Device: where a tensor lives and which kernels work on it.
#pragma once

#include <ostream>

namespace tinygan {

/// Where memory is and kernels run; emulated is the device of tests that runs CUDA sources on the CPU.
enum class DeviceType { cpu, cuda, emulated };

inline constexpr int device_type_count = 3;

/// A device by type and number: Device::cpu(), Device::cuda(1), Device::emulated().
struct Device {
  DeviceType type = DeviceType::cpu;
  int index = 0;

  /// The host's processor.
  static constexpr Device cpu() { return {DeviceType::cpu, 0}; }
  /// A GPU by its index among those that CUDA shows to the program.
  static constexpr Device cuda(int index = 0) { return {DeviceType::cuda, index}; }
  /// The emulated device, if the program links it.
  static constexpr Device emulated() { return {DeviceType::emulated, 0}; }

  friend constexpr bool operator==(const Device&, const Device&) = default;
  /// "cpu", "cuda:0" or "emulated".
  friend std::ostream& operator<<(std::ostream& out, const Device& d) {
    constexpr const char* names[device_type_count] = {"cpu", "cuda", "emulated"};
    out << names[static_cast<int>(d.type)];
    return d.type == DeviceType::cuda ? out << ':' << d.index : out;
  }
};

}  // namespace tinygan
