// Fuzz target: any bytes as an uncompressed IDX file, of bytes and of labels. With libFuzzer:
//   clang++ -std=c++20 -g -O1 -fsanitize=fuzzer,address,undefined -Iinclude tests/fuzz/fuzz_idx.cpp -o fuzz_idx
//   mkdir -p corpus && ./fuzz_idx -max_total_time=120 corpus tests/fuzz/corpus/idx
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include <tinygan/data/idx.hpp>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const auto idx = tinygan::data::parse_idx({data, data + size}, "fuzz");
    tinygan::index_t n = 1;
    for (const tinygan::index_t extent : idx.dims) n *= extent;
    if (n != static_cast<tinygan::index_t>(idx.bytes.size()) || idx.dims.empty()) std::abort();
  } catch (const tinygan::Error&) {
  }
  try {
    const auto labels = tinygan::data::parse_idx_labels({data, data + size}, "fuzz");
    if (labels.empty() || labels.size() > size) std::abort();
  } catch (const tinygan::Error&) {
  }
  return 0;
}
