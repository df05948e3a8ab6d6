// The device that --device names.
#pragma once

#include <optional>
#include <string>

#include <tinygan/base/device.hpp>

namespace dcgan_mnist {

/// cpu, cuda (the first), cuda:N, emulated, or auto: the first GPU if this program can use one, else the CPU; nothing
/// for any other name. Does not check whether the device is available.
std::optional<tinygan::Device> device_from_name(const std::string& name);

/// Sets the device's precision of multiplication: fp32, tf32, bf16, or auto, the fastest that is safe for training.
/// Returns the name of the precision. Throws Error if the device does not support it.
std::string use_precision(tinygan::Device device, const std::string& name);

}  // namespace dcgan_mnist
