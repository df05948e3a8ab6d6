// dcgan_mnist: the trainer that ships with tinygan.
//
// Exit codes: 0 done, 1 runtime error, 2 usage, 3 diverged, 130 interrupted.
#include <cstdio>
#include <exception>
#include <new>
#include <string>

#include "base/standard_streams.hpp"
#include "cli/command_line.hpp"

namespace {

int run(int argc, char** argv) {
  try {
    const auto app = dcgan_mnist::make_app();
    dcgan_mnist::Dispatch chosen;
    dcgan_mnist::add_train_command(*app, chosen);
    dcgan_mnist::add_sample_command(*app, chosen);
    dcgan_mnist::add_evaluate_command(*app, chosen);
    dcgan_mnist::add_interpolate_command(*app, chosen);
    dcgan_mnist::add_export_command(*app, chosen);
    dcgan_mnist::add_info_command(*app, chosen);
    dcgan_mnist::add_report_command(*app, chosen);
    if (const auto code = dcgan_mnist::parse(*app, argc, argv)) return *code;
    return chosen();
  } catch (const std::bad_alloc&) {
    std::fprintf(stderr, "dcgan_mnist: out of memory\n");
    return 1;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "dcgan_mnist: %s\n", e.what());
    return 1;
  }
}

}  // namespace

int main(int argc, char** argv) {
  dcgan_mnist::open_standard_descriptors();
  dcgan_mnist::keep_write_signals_harmless();
  const int code = run(argc, argv);
  const std::string error = dcgan_mnist::flush_output();
  if (error.empty() || code == 1) return code;  // 1: an error was reported, perhaps this one
  std::fprintf(stderr, "dcgan_mnist: standard output: %s\n", error.c_str());
  return code == 0 ? 1 : code;
}
