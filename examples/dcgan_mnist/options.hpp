// What the command line decides, as plain data.
#pragma once

#include <cstdint>
#include <string>

namespace dcgan_mnist {

struct TrainOptions {
  std::string data = "auto";   ///< a directory with the MNIST files, "strokes", or "auto"
  std::string model = "dcgan";
  std::int64_t epochs = 20;
  std::int64_t steps = 0;      ///< stop after this many; 0: epochs decide
  std::int64_t batch_size = 128;
  std::uint64_t seed = 0;
  std::string device = "auto"; ///< cpu, cuda, cuda:N or emulated; auto: cuda:0 where there is one, else cpu
  int threads = 0;             ///< 0: one per processor
  std::string out = "runs";
  double learning_rate = 2e-4;
  double beta1 = 0.5;
  double ema = 0.999;          ///< decay of the averaged generator; 0: none
  std::int64_t snapshot_every = 0;  ///< steps between grids; 0: every epoch
  std::int64_t log_every = 50;      ///< steps between lines of the log
  std::string progress = "auto";    ///< auto, plain or none
};

struct SampleOptions {
  std::string weights;
  std::string out = "samples.png";
  int rows = 8, columns = 8;
  std::uint64_t seed = 0;
  int threads = 0;
  bool raw = false;            ///< the raw generator instead of its average
};

}  // namespace dcgan_mnist
