#!/usr/bin/env bash
# without_gpu.sh CMAKE SOURCE [BENCH_STEP]
# What needs a GPU says so where there is none, and ends with 77: scripts/gpu-check, compare-step, bench_step, bench_kernels and
# bench_ladder. The last two are built here, where nvcc is; where it is not, they are left out and that is said. There they are also run
# with a stub of the CUDA runtime (stub_runtime.sh), hence the shared one.
set -euo pipefail
cmake=$1 source=$2 bench_step=${3:-}
export CUDA_VISIBLE_DEVICES=''  # also on a machine that has one
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# ends CODE WORDS COMMAND...: it ends with that code and says the words.
ends() {
  local code=0 said
  said=$("${@:3}" 2>&1) || code=$?
  if ((code != $1)) || [[ $said != *$2* ]]; then
    echo "${*:3}: exit code $code, expected $1 and the words '$2'; it said:" >&2
    echo "$said" >&2
    exit 1
  fi
  echo "ok: ${*:3}"
}

if python3 -c 'import sys; sys.exit(sys.version_info < (3, 8))' 2>/dev/null; then
  check=$source/scripts/gpu-check
  ends 0 'usage: scripts/gpu-check' "$check" --help
  ends 77 'there is no GPU here' "$check" "$scratch/out" --call 1
  ends 77 'there is no GPU here' "$check" "$scratch/out" --call 2
  [[ ! -e $scratch/out && ! -e $scratch/out.tar.gz ]] || { echo "gpu-check left a folder behind" >&2; exit 1; }
  ends 2 'unrecognized arguments: --what' "$check" --what
  ends 2 '--call 1, 2 or 3 are needed' "$check" "$scratch/out"
  ends 2 'invalid choice' "$check" "$scratch/out" --call 4
  ends 2 "expected a number from 1" "$check" "$scratch/out" --call 1 --seconds 0
  ends 2 "no part 'nonsense'" "$check" "$scratch/out" --call 1 --only nonsense
  ends 2 'usage' "$check"
else
  echo "NOT TESTED: scripts/gpu-check, which needs python3 3.8 or later"
fi
ends 2 'usage: scripts/gpu-programs' "$source/scripts/gpu-programs"

if [[ -n $bench_step ]]; then
  ends 77 'there is no GPU here' "$bench_step" --device cuda
  ends 1 'expected cpu, cuda or emulated' "$bench_step" --device tpu
  ends 1 'on the CPU' "$bench_step" --precision bf16
  ends 1 'on the CPU' "$bench_step" --seconds 5
  ends 1 'expected seconds' "$bench_step" --device cuda --seconds nan
  ends 1 'expected dcgan, article or libtorch' "$bench_step" --network vae
  ends 0 'dcgan/128/bf16/captured: 1.' "$bench_step" --device cuda --plan
  ends 0 ', left out' "$bench_step" --device cuda --plan --seconds 20
fi

PATH=$PATH:/usr/local/cuda/bin
# No kernel of this build is ever run, so none is optimised or assembled.
if ! "$cmake" -S "$source" -B "$scratch/build" -DTINYGAN_ENABLE_CUDA=ON -DCMAKE_CUDA_ARCHITECTURES=90a-virtual \
  -DCMAKE_CUDA_FLAGS_RELEASE='-Xcicc -O0' -DCMAKE_CXX_FLAGS_RELEASE=-O1 \
  -DCMAKE_CUDA_RUNTIME_LIBRARY=Shared -DCMAKE_BUILD_TYPE=Release -DTINYGAN_BUILD_TESTS=OFF -DTINYGAN_BUILD_EXAMPLES=OFF \
  -DTINYGAN_BUILD_BENCH=AUTO \
  ${CMAKE_CXX_COMPILER_LAUNCHER:+"-DCMAKE_CUDA_COMPILER_LAUNCHER=$CMAKE_CXX_COMPILER_LAUNCHER"} >"$scratch/log" 2>&1; then
  if grep -q 'no CUDA compiler found' "$scratch/log"; then
    echo "SKIPPED in part: no nvcc on this machine, so nothing shows that bench_kernels and bench_ladder are right"
    exit 77
  fi
  cat "$scratch/log" >&2
  exit 1
fi
"$cmake" --build "$scratch/build" --target bench_kernels bench_ladder >"$scratch/log" 2>&1 || { cat "$scratch/log" >&2; exit 1; }
kernels=$scratch/build/bench/bench_kernels
ends 77 'there is no GPU here' "$kernels"
ends 0 'usage: bench_kernels' "$kernels" --help
ends 0 'conv dcgan D.c2 64>128 5x5/2 weight_grad, batch 128, bf16' "$kernels" --list --batch 128
ends 2 'unknown option' "$kernels" --what 1
ends 2 'expected fp32, tf32 or bf16' "$kernels" --precision fp8
ends 2 'expected a whole number' "$kernels" --list --batch 64,1e30
ends 2 'needs a value' "$kernels" --list --batch=
ends 2 'expected seconds' "$kernels" --list --min-time nan
ends 2 'expected seconds' "$kernels" --list --seconds 0
ends 0 'batch 0, fp32: 0.' "$kernels" --list --filter 'gemm 1024'
ends 0 ', left out' "$kernels" --list --filter 'gemm 8192' --seconds 6
ends 0 'before the first case' "$kernels" --list --filter 'gemm 8192' --seconds 6
ends 2 'no case' "$kernels" --list --filter nonsense
ends 77 'there is no GPU here' "$scratch/build/bench/bench_ladder"
ends 2 'usage' "$scratch/build/bench/bench_ladder" 0
ends 2 'expected a whole number' "$scratch/build/bench/bench_ladder" 12abc

# The same programs' host code, run to the end with a stub of the CUDA runtime.
"$source/tests/bench/stub_runtime.sh" "$kernels" "$scratch/build/bench/bench_ladder"
