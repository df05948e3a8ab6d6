// Fuzz target: any text as the meta.json of a checkpoint and as the options.json of a run. Since meta.json carries a
// checksum of itself, which no search would hit, the same text is read once more with the checksum put right. With
// libFuzzer, in one line:
//   clang++ -std=c++20 -g -O1 -fsanitize=fuzzer,address,undefined -Iinclude -Iexamples/dcgan_mnist
//     tests/fuzz/fuzz_checkpoint.cpp examples/dcgan_mnist/{run/checkpoint,run/network_options,base/options}.cpp
//     -o fuzz_checkpoint
//   mkdir -p corpus && ./fuzz_checkpoint -max_total_time=120 corpus tests/fuzz/corpus/checkpoint
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include <tinygan/io/checksum.hpp>

#include "base/options.hpp"
#include "run/checkpoint.hpp"

namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

/// A checkpoint of one number in each file, whose meta.json comes from the fuzzer. In memory where the system has a
/// place for that.
class Checkpoint {
 public:
  Checkpoint() {
    fs::path parent = fs::exists("/dev/shm") ? "/dev/shm" : fs::temp_directory_path();
    std::string name = (parent / "tinygan-fuzz-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) std::abort();
    directory_ = name;
    const float one = 1;
    tinygan::io::SafetensorsFile file;
    file.add<float>("x", {&one, 1}, {1});
    for (const char* part : {"model.safetensors", "state.safetensors"})
      tinygan::io::write_safetensors(directory_ / part, file);
  }
  ~Checkpoint() {
    std::error_code ignored;
    fs::remove_all(directory_, ignored);
  }

  /// What is accepted must be what the text says.
  void read(const std::string& meta) const {
    std::ofstream(meta_file(), std::ios::binary) << meta;
    try {
      const auto c = dcgan_mnist::read_checkpoint(directory_);
      if (c.meta.step != ordered_json::parse(meta).at("step") || c.model.tensors.size() != 1) std::abort();
    } catch (const tinygan::Error&) {
    }
    try {
      const auto options = dcgan_mnist::read_options(meta_file());
      if (dcgan_mnist::command_of(options).empty()) std::abort();
    } catch (const tinygan::Error&) {
    }
  }

 private:
  fs::path meta_file() const { return directory_ / "meta.json"; }
  fs::path directory_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Checkpoint checkpoint;
  const std::string text(reinterpret_cast<const char*>(data), size);
  checkpoint.read(text);
  ordered_json json = ordered_json::parse(text, nullptr, false);
  if (!json.is_object()) return 0;
  json.erase("md5");
  const std::string body = json.dump();
  json["md5"] = tinygan::io::md5({reinterpret_cast<const std::uint8_t*>(body.data()), body.size()});
  checkpoint.read(json.dump());
  return 0;
}
