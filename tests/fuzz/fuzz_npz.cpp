// Fuzz target: any bytes as an .npz file; arrays that are accepted have the bytes that their shapes say. With
// libFuzzer:
//   clang++ -std=c++20 -g -O1 -fsanitize=fuzzer,address,undefined -Iinclude tests/fuzz/fuzz_npz.cpp -o fuzz_npz
//   mkdir -p corpus && ./fuzz_npz -max_total_time=120 corpus tests/fuzz/corpus/npz
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>

#include <tinygan/io/npz_reader.hpp>

namespace {

using namespace tinygan;

void check_array(const io::NpyArray& array) {
  const auto expected = io::product(array.shape, io::detail::item_size(array.dtype, "fuzz"));
  if (!expected || static_cast<std::uint64_t>(*expected) != array.bytes.size()) std::abort();
  try {
    if (array.values<float>("fuzz").size() * sizeof(float) != array.bytes.size()) std::abort();
  } catch (const Error&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t limit = 1 << 20;
  try {
    std::size_t total = 0;
    const io::NpzArrays arrays = io::decode_npz({data, size}, "fuzz", limit);
    for (const auto& [name, array] : arrays.all()) {
      check_array(array);
      total += array.bytes.size();
    }
    if (total > limit) std::abort();
  } catch (const Error&) {
  }
  try {  // the checksum stops most changes of an archive's members: also as one array
    check_array(io::decode_npy({data, size}, "fuzz"));
  } catch (const Error&) {
  }
  return 0;
}
