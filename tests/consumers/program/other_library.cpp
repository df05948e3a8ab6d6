// A second shared library, which needs tensors and no more of tinygan than that.
#include <tinygan/tensor/random.hpp>

#include "parts.hpp"

using namespace tinygan;

Seen seen_by_other_library() {
  return {
      &cpu::thread_pool(), &memory_pool(Device::cpu()), &default_generator(), &detail::backends(), cpu::threads(), {}};
}

Tensor<float> tensor_of_other_library() { return Tensor<float>::from({1, 2, 3}, {3}); }

void register_in_other_library() {
  static const DeviceBackend backend = [] {
    DeviceBackend b = cpu::backend;
    b.count = [] { return 7; };
    return b;
  }();
  register_backend(DeviceType::emulated, &backend);
}
