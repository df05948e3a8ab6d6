#include "base/device.hpp"

#include <string_view>

#include <tinygan/base/error.hpp>
#include <tinygan/tensor/kernels.hpp>

#include "base/numbers.hpp"

namespace dcgan_mnist {

using tinygan::Device;

std::optional<Device> device_from_name(const std::string& name) {
  if (name == "auto") return tinygan::cuda_device_count() > 0 ? Device::cuda() : Device::cpu();
  if (name == "cpu") return Device::cpu();
  if (name == "cuda") return Device::cuda();
  if (name == "emulated") return Device::emulated();
  constexpr std::string_view prefix = "cuda:";
  if (name.starts_with(prefix))
    if (const auto index = read_number<int>(std::string_view(name).substr(prefix.size())); index && *index >= 0)
      return Device::cuda(*index);
  return {};
}

std::string use_precision(Device device, const std::string& name) {
  using tinygan::Precision;
  if (name != "auto") {
    const Precision p = tinygan::parse_precision(name);
    tinygan::check(device.type != tinygan::DeviceType::cpu || p == Precision::fp32, "--precision", name,
                   " is not supported on ", device, " (fp32 only)");
    tinygan::set_precision(device, p);
    return name;
  }
  Precision best = Precision::fp32;  // also on the emulated device, whose results are compared with the CPU's
  if (device.type == tinygan::DeviceType::cuda) {
    try {
      tinygan::set_precision(device, Precision::tf32);
      best = Precision::tf32;
    } catch (const tinygan::Error&) {  // no tensor cores for it before sm_80
    }
  }
  tinygan::set_precision(device, best);
  return tinygan::name_of(best);
}

}  // namespace dcgan_mnist
