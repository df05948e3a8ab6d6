// The device that --device names.
#pragma once

#include <optional>
#include <string>

#include <tinygan/base/device.hpp>

namespace dcgan_mnist {

/// cpu, cuda (the first), cuda:N, emulated, or auto: the first GPU if this program can use one, else the CPU; nothing
/// for any other name. Whether the device is to be had shows when it is used.
std::optional<tinygan::Device> device_from_name(const std::string& name);

}  // namespace dcgan_mnist
