// dcgan_mnist: the trainer that ships with tinygan.
//
// Exit codes: 0 done, 1 runtime error, 2 usage, 3 diverged.
#include <cstdio>
#include <exception>

#include "command_line.hpp"
#include "sample.hpp"
#include "train.hpp"

int main(int argc, char** argv) {
  dcgan_mnist::CommandLine line;
  try {
    line.app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return line.app.exit(e) == 0 ? 0 : 2;
  }
  try {
    if (*line.train_command) return dcgan_mnist::train(line.train);
    return dcgan_mnist::sample(line.sample);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "dcgan_mnist: %s\n", e.what());
    return 1;
  }
}
