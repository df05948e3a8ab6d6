#!/usr/bin/env bash
# scripts/check-includes accepts what the order of layers allows and finds every kind of violation.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

expect() {  # expect accepted|rejected PATH INCLUDE-LINE
  local verdict=accepted tree=$scratch/tree
  rm -rf "$tree"
  mkdir -p "$tree/$(dirname "$2")"
  echo "$3" >"$tree/$2"
  bash "$root/scripts/check-includes" "$tree" >"$scratch/output" 2>&1 || verdict=rejected
  if [[ $verdict != "$1" ]]; then
    echo "$2 with '$3' was $verdict, expected $1:"
    cat "$scratch/output"
    exit 1
  fi
}

expect accepted include/tinygan/cpu/conv.hpp '#include <tinygan/backend/taps.hpp>'
expect accepted include/tinygan/cpu/conv.hpp '#include <tinygan/cpu/simd.hpp>'
expect accepted include/tinygan/nn/dense.hpp '#include <vector>'
expect accepted include/tinygan/nn/dense.hpp '// #include <tinygan/io/checkpoints.hpp>'
expect accepted include/tinygan/io/file.hpp '#include <sys/stat.h>'
expect accepted include/tinygan/base/fork.hpp '#include <pthread.h>'
expect accepted include/tinygan/data/idx.hpp '#include <tinygan/io/inflate.hpp>'
expect accepted include/tinygan/gan/step.hpp '#include <tinygan/models/networks.hpp>'
expect accepted include/tinygan/data/data_loader.hpp '#include <tinygan/runtime/captured_step.hpp>'
expect accepted include/tinygan/tinygan.hpp '#include <tinygan/gan/step.hpp>'
expect accepted kernels/conv.cuh '#include <tinygan/backend/taps.hpp>'

expect rejected include/tinygan/base/shape.hpp '#include <tinygan/backend/taps.hpp>'
expect rejected include/tinygan/cpu/conv.hpp '#include <tinygan/tensor/tensor.hpp>'
expect rejected include/tinygan/cpu/conv.hpp '  #  include <tinygan/ops/conv.hpp>'
expect rejected include/tinygan/nn/dense.hpp '#include <tinygan/optim/adam.hpp>'
expect rejected include/tinygan/optim/adam.hpp '#include <tinygan/nn/dense.hpp>'
expect rejected include/tinygan/io/png.hpp '#include <tinygan/data/idx.hpp>'
expect rejected include/tinygan/gan/losses.hpp '#include <tinygan/data/idx.hpp>'
expect rejected include/tinygan/models/networks.hpp '#include <tinygan/gan/losses.hpp>'
expect rejected include/tinygan/runtime/captured_step.hpp '#include <tinygan/autograd/grad.hpp>'
expect rejected include/tinygan/nn/dense.hpp '#include <tinygan/tinygan.hpp>'
expect rejected include/tinygan/nn/dense.hpp '#include "dense_impl.hpp"'
expect rejected include/tinygan/nn/dense.hpp '#include <tinygan/secret/layer.hpp>'
expect rejected include/tinygan/secret/layer.hpp '#include <vector>'
expect rejected include/tinygan/io/png.hpp '#include <zlib.h>'
expect rejected include/tinygan/cpu/conv.hpp '#include <immintrin.h>'
expect rejected include/tinygan/io/png.hpp '#include <nlohmann/json.hpp>'
expect rejected kernels/conv.cuh '#include <tinygan/tensor/tensor.hpp>'
expect accepted examples/dcgan_mnist/run/train.cpp '#include "base/options.hpp"'
expect accepted examples/dcgan_mnist/main.cpp '#include "cli/command_line.hpp"'
expect rejected examples/dcgan_mnist/report/report.cpp '#include "run/train.hpp"'
expect rejected examples/dcgan_mnist/run/train.cpp '#include "progress.hpp"'
expect rejected examples/dcgan_mnist/train.cpp '#include <vector>'
expect rejected README.md 'a tree without headers'
echo "the order of layers is enforced"
