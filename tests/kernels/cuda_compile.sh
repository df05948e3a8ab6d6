#!/usr/bin/env bash
# cuda_compile.sh [ARCHITECTURE...]
# nvcc compiles the CUDA backend without a warning for every architecture tinygan supports (or those given), and no kernel
# spills registers. Without nvcc it says so and exits with 77, which CTest shows as skipped.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
architectures=("${@:-75 80 86 89 90a 100 120}")

nvcc=${NVCC:-$(command -v nvcc || ls -d /usr/local/cuda*/bin/nvcc 2>/dev/null | tail -n 1 || true)}
if [[ -z $nvcc ]]; then
  echo "SKIPPED: no nvcc on this machine, so nothing shows that the CUDA kernels compile"
  exit 77
fi
"$nvcc" --version | tail -n 1

targets=()
for a in ${architectures[*]}; do targets+=(-gencode "arch=compute_$a,code=sm_$a"); done
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
"$nvcc" -std=c++20 --expt-relaxed-constexpr -O3 --Werror all-warnings -Xcompiler -Wall,-Wextra -Xptxas -v --threads 2 \
  "${targets[@]}" -I "$root/include" -c "$root/kernels/tinygan_cuda.cu" -o "$scratch/cuda.o" 2>"$scratch/log" ||
  { cat "$scratch/log"; exit 1; }

if grep -E '[1-9][0-9]* bytes spill' -B 2 "$scratch/log"; then
  echo "the kernels above spill registers"
  exit 1
fi
echo "$(grep -c 'Compiling entry' "$scratch/log" || true) kernels compiled for ${architectures[*]}, none spills"
