// dcgan_mnist: the trainer that ships with tinygan.
//
// Exit codes: 0 done, 1 runtime error, 2 usage, 3 diverged, 130 interrupted.
#include <cstdio>
#include <exception>
#include <new>

#include "command_line.hpp"

int main(int argc, char** argv) {
  const auto app = dcgan_mnist::make_app();
  dcgan_mnist::Dispatch chosen;
  dcgan_mnist::add_train_command(*app, chosen);
  dcgan_mnist::add_sample_command(*app, chosen);
  dcgan_mnist::add_interpolate_command(*app, chosen);
  dcgan_mnist::add_export_command(*app, chosen);
  dcgan_mnist::add_info_command(*app, chosen);
  dcgan_mnist::add_report_command(*app, chosen);
  if (const auto code = dcgan_mnist::parse(*app, argc, argv)) return *code;
  try {
    return chosen();
  } catch (const std::bad_alloc&) {
    std::fprintf(stderr, "dcgan_mnist: out of memory\n");
    return 1;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "dcgan_mnist: %s\n", e.what());
    return 1;
  }
}
