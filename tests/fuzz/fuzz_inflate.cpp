// Fuzz target: any bytes as a gzip file. With libFuzzer:
//   clang++ -std=c++20 -g -O1 -fsanitize=fuzzer,address,undefined -Iinclude tests/fuzz/fuzz_inflate.cpp -o fuzz_inflate
//   mkdir -p corpus && ./fuzz_inflate -max_total_time=120 corpus tests/fuzz/corpus/inflate
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include <tinygan/io/inflate.hpp>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t limit = 1 << 20;
  try {
    if (tinygan::io::gunzip({data, size}, limit, "fuzz").size() > limit) std::abort();
  } catch (const tinygan::Error&) {
  }
  return 0;
}
