// Fuzz target: any bytes as a safetensors file; what is accepted must survive being written and read again.
// With libFuzzer, in one line:
//   clang++ -std=c++20 -g -O1 -fsanitize=fuzzer,address,undefined -Iinclude
//     tests/fuzz/fuzz_safetensors.cpp -o fuzz_safetensors
//   mkdir -p corpus && ./fuzz_safetensors -max_total_time=120 corpus tests/fuzz/corpus/safetensors
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>

#include <tinygan/io/safetensors.hpp>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tinygan::io;
  std::optional<SafetensorsFile> file;
  try {
    file = decode_safetensors({data, size}, "fuzz");
  } catch (const tinygan::Error&) {
    return 0;
  }
  const auto written = encode_safetensors(*file, "fuzz");  // may not throw for a file that was accepted
  if (encode_safetensors(decode_safetensors(written, "fuzz"), "fuzz") != written) std::abort();
  return 0;
}
