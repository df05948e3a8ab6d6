// The device that --device names.
#pragma once

#include <optional>
#include <string>

#include <tinygan/base/device.hpp>

namespace dcgan_mnist {

/// cpu, cuda (the first), cuda:N, emulated, or auto: the first GPU if this program can use one, else the CPU; nothing
/// for any other name. Whether the device is available shows when it is used.
std::optional<tinygan::Device> device_from_name(const std::string& name);

/// Has the device multiply in this precision from now on: fp32, tf32, bf16, or auto, the best for training there. Returns
/// the name of what is used. Throws Error if the device does not have it.
std::string use_precision(tinygan::Device device, const std::string& name);

}  // namespace dcgan_mnist
