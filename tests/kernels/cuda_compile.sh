#!/usr/bin/env bash
# cuda_compile.sh [ARCHITECTURE...]
# nvcc compiles the CUDA backend for the architectures given, by default one of each that the sources tell apart, without a
# warning or a remark about serialised wgmma, no kernel spills registers, and the machine code for sm_80 and sm_90a has the
# instructions that it should have (sass.awk). First the same checks are shown to find the faults of cuda_compile_faults.cu.
# All that tinygan supports: 75 80 86 89 90a 100 120, of which 86 and 89 take every #if as 80 does, and 120 as 100. With :ptx behind an
# architecture only its sources and warnings are checked, which takes a tenth of the time: nothing is optimised or assembled.
# Exit code 77, which CTest shows as skipped, and a line that says why: without nvcc, and where there is no cuobjdump
# and pip cannot fetch it, for then the machine code goes unseen.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
read -ra architectures <<<"${*:-75:ptx 80 90a 100:ptx}"

nvcc=${NVCC:-$(command -v nvcc || ls -d /usr/local/cuda*/bin/nvcc 2>/dev/null | tail -n 1 || true)}
if [[ -z $nvcc ]]; then
  echo "SKIPPED: no nvcc on this machine, so nothing shows that the CUDA kernels compile"
  exit 77
fi
"$nvcc" --version | tail -n 1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export PATH=$PATH:${nvcc%/*}:$scratch/nvidia/bin

# cuobjdump and nvdisasm, which it runs: parts of the toolkit, else packages of the same that pip can fetch.
have_disassembler() { command -v cuobjdump && command -v nvdisasm; } >/dev/null
if ! have_disassembler; then
  python3 -m pip download --quiet --no-deps -d "$scratch/wheels" nvidia-cuda-cuobjdump nvidia-cuda-nvdisasm \
    >/dev/null 2>&1 &&
    for wheel in "$scratch"/wheels/*.whl; do python3 -m zipfile -e "$wheel" "$scratch/wheels/files"; done &&
    mkdir -p "$scratch/nvidia/bin" && mv "$scratch"/wheels/files/nvidia/*/bin/* "$scratch/nvidia/bin/" &&
    chmod +x "$scratch"/nvidia/bin/* || true
fi

flags=(-std=c++20 --expt-relaxed-constexpr -O3 --Werror all-warnings -Xcompiler "-Wall,-Wextra" -I "$root/include")
compile() {  # compile SOURCE OBJECT LOG ARCHITECTURE...
  local source=$1 object=$2 log=$3 targets=() a
  for a in "${@:4}"; do
    case $a in
      *:ptx) "$nvcc" "${flags[@]}" -Xcicc -O0 -ptx -arch "compute_${a%:ptx}" "$source" -o "$scratch/ptx" || return 1 ;;
      *) targets+=(-gencode "arch=compute_$a,code=sm_$a") ;;
    esac
  done
  "$nvcc" "${flags[@]}" -Xptxas -v --threads 2 "${targets[@]}" -c "$source" -o "$object" 2>"$log" || { cat "$log"; return 1; }
}

# Remarks about wgmma (C7508, C7510 and others): serialised for want of registers or waits, setmaxnreg ignored.
wgmma_remarks() { grep -E '\(C75[0-9]{2}\)' "$1"; }
spills() { grep -E '[1-9][0-9]* bytes spill' -B 2 "$1"; }
judge_sass() {  # judge_sass OBJECT ARCHITECTURE [AWK OPTION...]
  cuobjdump -arch "$2" -sass "$1" | awk -v architecture="$2" "${@:3}" -f "$here/sass.awk"
}

# ---- The checks find faults -----------------------------------------------------------------------------------------

compile "$here/cuda_compile_faults.cu" "$scratch/faults.o" "$scratch/faults.log" 80 90a
if ! wgmma_remarks "$scratch/faults.log" >/dev/null; then
  echo "ptxas says nothing of a serialised wgmma any more, or its remarks have other numbers:"
  cat "$scratch/faults.log"
  exit 1
fi
echo '0 bytes stack frame, 8 bytes spill stores' >"$scratch/spilling"
if spills "$scratch/faults.log" >/dev/null || ! spills "$scratch/spilling" >/dev/null; then
  echo "spills are not told from others"
  exit 1
fi
if have_disassembler; then
  for architecture in sm_80 sm_90a; do
    ! judge_sass "$scratch/faults.o" $architecture >>"$scratch/faults" ||
      { echo "faults of $architecture were not found"; exit 1; }
  done
  while read -r fault; do
    grep -qE "$fault" "$scratch/faults" || { echo "not found: $fault; but"; cat "$scratch/faults"; exit 1; }
  done <<'FAULTS'
sm_90a .*wgmma_serialised_kernel.*: no UTMALDG
sm_90a .*wgmma_empty_kernel.*: no HGMMA
sm_90a .*gemv_dots_kernel.*: HGMMA or UTMALDG in a kernel
sm_80 .*gemm_kernel.*MmaTile.*: no HMMA
sm_80 .*tap_conv_kernel.*: HMMA in a kernel without mma tiles
sm_80 .*adam_kernel.*: local memory: [0-9]+ LDL, [1-9][0-9]* STL
sm_90a .*adam_kernel.*: local memory
sm_80 .*: there is no batch_norm_apply_kernel
sm_80 .*batch_norm_backward_kernel.*: no store of 16 bytes
sm_90a .*batch_norm_backward_kernel.*: no store of 16 bytes
FAULTS
  # And they find no others.
  if grep -E 'sm_80 .*(wgmma|gemv)_|sm_90a .*serialised.*no HGMMA' "$scratch/faults" | grep -v 'there is no'; then
    echo "not a fault"
    exit 1
  fi
fi

# ---- The tracer of scripts/profile-step, where the toolkit has CUPTI ---------------------------------------------------

cuda=$(dirname "$(dirname "$(realpath "$nvcc")")")
if [[ -e $cuda/include/cupti.h ]]; then
  "${CXX:-g++}" -std=c++20 -Wall -Wextra -Werror -fsyntax-only -isystem "$cuda/include" "$root/bench/profile/kernel_trace.cpp"
else
  echo "the tracer of profile-step was not compiled: no CUPTI in $cuda"
fi

# ---- The kernels have none ------------------------------------------------------------------------------------------

compile "$root/kernels/tinygan_cuda.cu" "$scratch/cuda.o" "$scratch/log" "${architectures[@]}"
if spills "$scratch/log"; then
  echo "the kernels above spill registers"
  exit 1
fi
if wgmma_remarks "$scratch/log"; then
  echo "ptxas rearranges the wgmma of the kernels above"
  exit 1
fi
kernels=$(grep -c 'Compiling entry' "$scratch/log" || true)
echo "$kernels kernels compiled for ${architectures[*]}, none spills, no wgmma is serialised"

# What docs/packaging.md says of plain nvcc, with the kernels just compiled.
if [[ " ${architectures[*]} " == *' 90a '* ]]; then NVCC=$nvcc bash "$root/tests/consumers/nvcc.sh" "$scratch/cuda.o"; fi

if ! have_disassembler; then
  echo "SKIPPED: no cuobjdump and nvdisasm on this machine or from pip, so the machine code was not looked at"
  exit 77
fi
for a in "${architectures[@]}"; do
  if [[ $a == 80 || $a == 90a ]]; then judge_sass "$scratch/cuda.o" "sm_$a"; fi
done
