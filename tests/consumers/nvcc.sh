#!/usr/bin/env bash
# nvcc.sh [OBJECT]
# docs/packaging.md: a program with the CUDA kernels, by nvcc and by g++, without CMake. It runs on the CPU where there is no GPU, and says so
# if asked for one. OBJECT is kernels/tinygan_cuda.cu as cuda.compile has compiled it, for sm_90a among others; the page's commands then take
# it for that source, which nvcc is only asked how it would compile (--dryrun). Without OBJECT nvcc compiles it, twice, in some minutes.
# Exit code 77, and a line that says why, without nvcc.
set -euo pipefail
object=${1:+$(realpath "$1")} cmake=cmake compiler=${CXX:-g++}
. "$(dirname "${BASH_SOURCE[0]}")/page.sh"
nvcc=$(PATH=$PATH:/usr/local/cuda/bin command -v "${NVCC:-nvcc}") ||
  { echo "SKIPPED: no nvcc on this machine, so nothing shows that the page's commands for it are right"; exit 77; }
toolkit=$(dirname "$(dirname "$(realpath "$nvcc")")")
export CUDA_VISIBLE_DEVICES=''  # also on a machine that has one

nvcc() {
  local argument arguments=() source=no
  for argument in "$@"; do
    if [[ -n $object && $argument == tinygan/kernels/tinygan_cuda.cu ]]; then argument=$object source=yes; fi
    arguments+=("$argument")
  done
  if [[ $source == yes ]]; then
    command "$nvcc" --dryrun "$@"
    [[ " $* " == *' -std=c++20 '* && " $* " == *' --expt-relaxed-constexpr '* && " $* " == *' -arch=sm_90a '* ]] ||
      die "nvcc $*: these are not the options with which cuda.compile compiles the kernels"
    if [[ " $* " == *' -c '* ]]; then cp "$object" "${arguments[-1]}"; return; fi
  fi
  command "$nvcc" "${arguments[@]}"
}
g++() {  # with this machine's toolkit in place of that of the page
  command "$compiler" "${@/#\/usr\/local\/cuda\/lib64/$toolkit/lib64}"
}

runs() {  # the program on a machine without a GPU
  says ./program
  says ./program cpu
  local said code=0
  said=$(./program cuda 2>&1) || code=$?
  [[ $code == 1 && $said == 'device cuda:0: index 0 is out of range; available devices: 0 (no GPU, or no driver for'* ]] ||
    die "program cuda: exit code $code, '$said'"
  rm program
}

project_with '# CMakeLists.txt: with the CUDA kernels'
run 'nvcc -std=c++20 -O3 --expt-relaxed-constexpr -arch=sm_90a -I tinygan/include program.cpp'
runs
run 'nvcc -std=c++20 -O3 --expt-relaxed-constexpr -arch=sm_90a -I tinygan/include -c tinygan/kernels/tinygan_cuda.cu'
runs
run 'g++ -std=c++20 -O2 -I tinygan/include program.cpp tinygan_cuda.o'
runs

# The same by CMake is configured; bench.without_gpu builds with tinygan::cuda.
cmake -S tinygan -B build/tinygan -DTINYGAN_BUILD_TESTS=OFF -DTINYGAN_BUILD_BENCH=OFF -DTINYGAN_BUILD_EXAMPLES=OFF \
  -DTINYGAN_ENABLE_CUDA=OFF >"$scratch/log" 2>&1 && cmake --install build/tinygan --prefix prefix >>"$scratch/log" 2>&1 ||
  die "$(cat "$scratch/log")"
CUDACXX=$nvcc cmake -S . -B build/program -DCMAKE_PREFIX_PATH="$PWD/prefix" >"$scratch/log" 2>&1 || die "$(cat "$scratch/log")"
grep -rqF "$PWD/prefix/share/tinygan/kernels/tinygan_cuda.cu" build/program || die "CMake's program has no CUDA kernels"
echo "nvcc: ok"
