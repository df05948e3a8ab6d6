#!/usr/bin/env bash
# stub_runtime.sh BENCH_KERNELS BENCH_LADDER: programs that were linked with CMAKE_CUDA_RUNTIME_LIBRARY=Shared.
# The host code of the GPU benchmarks, run without a GPU: in place of the CUDA runtime, cuBLASLt and cuDNN there is
# tests/bench/stub_cuda, which ends a program that uses a stream, event, graph or memory after its end, without synchronisation or in
# the wrong state. First the stub shows that it finds each of these mistakes. Called by without_gpu.sh.
set -euo pipefail
kernels=$1 ladder=$2
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
ulimit -c 0

die() { echo "FAILED: $*" >&2; exit 1; }

nvcc=$(PATH=$PATH:/usr/local/cuda/bin command -v nvcc) || { echo "SKIPPED: no nvcc, hence no headers for the stub"; exit 77; }
toolkit=$(dirname "$(dirname "$(realpath "$nvcc")")")
flags=(-std=c++20 -O1 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror -isystem "$toolkit/include")
read -ra compiler <<<"${CMAKE_CXX_COMPILER_LAUNCHER:-} ${CXX:-g++}"
objects=()
for source in state runtime kernels cublaslt cudnn; do
  # A machine without a library's headers has a bench_kernels without it.
  if [[ $source == cudnn || $source == cublaslt ]] &&
    ! "${compiler[@]}" "${flags[@]}" -fsyntax-only "$here/stub_cuda/$source.cpp" 2>"$scratch/log"; then
    grep -q 'No such file' "$scratch/log" || die "$source.cpp: $(cat "$scratch/log")"
    echo "NOT checking $source: no headers"
    continue
  fi
  "${compiler[@]}" "${flags[@]}" -fPIC -c "$here/stub_cuda/$source.cpp" -o "$scratch/$source.o"
  objects+=("$scratch/$source.o")
done
stub=$scratch/libstub_cuda.so
"${compiler[@]}" -shared "${objects[@]}" -o "$stub"

# ---- The stub finds mistakes ----------------------------------------------------------------------------------------

declare -A words=(
  [search_on_destroyed_stream]='a stream that was destroyed' [destroyed_stream]='a stream that was destroyed'
  [destroyed_event]='an event that was destroyed' [destroyed_graph]='a graph that was destroyed'
  [destroyed_executable_graph]='an executable graph that was destroyed' [freed_memory]='memory that was freed'
  [freed_memory_of_graph]='memory that was freed' [beyond_the_end]='is not, or not all, in the device'
  [foreign_stream]='something that is not a stream' [legacy_copy]='on the legacy stream may still run'
  [two_streams]='may still run' [read_too_early]='may still run' [time_too_early]='an event that nobody waited for'
  [wait_in_capture]='while a stream is being captured' [memory_in_capture]='while a stream is being captured'
  [other_stream_in_capture]='while another stream is being captured' [no_capture]='a stream that is not being captured'
  [capture_of_the_legacy_stream]='the legacy stream cannot be captured' [unknown_kernel]='a kernel that was not registered'
  [leaked_stream]='1 streams too many were not destroyed' [leaked_event]='1 events were not destroyed'
  [leaked_graph]='1 graphs were not destroyed')

if [[ -e $scratch/cudnn.o ]]; then
  "${compiler[@]}" "${flags[@]}" "$here/stub_cuda/mistakes.cpp" "$stub" -o "$scratch/mistakes"
  export LD_LIBRARY_PATH=$scratch${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
  for name in $("$scratch/mistakes"); do
    code=0
    timeout 20 "$scratch/mistakes" "$name" >"$scratch/log" 2>&1 || code=$?
    if [[ $name == none ]]; then
      [[ $code == 0 && ! -s $scratch/log ]] || die "the stub sees a mistake where there is none: $(cat "$scratch/log")"
    else
      [[ $code == 134 && -n ${words[$name]:-} ]] && grep -qF "${words[$name]}" "$scratch/log" ||
        die "the stub misses the mistake $name: exit code $code, $(cat "$scratch/log")"
    fi
  done 2>"$scratch/shell"  # in which the shell mentions each abort
  [[ ! -s $scratch/shell ]] || ! grep FAILED "$scratch/shell" || exit 1
  echo "ok: ${#words[@]} mistakes are found"
fi

# ---- The benchmarks make none ---------------------------------------------------------------------------------------

# Alive to the end: the stream of the benchmarks, and the queue of the library's device.
run() { LD_PRELOAD=$stub STUB_CUDA_STREAMS=2 STUB_CUDA_REPORT=1 timeout 120 "$@" >"$scratch/out" 2>"$scratch/err"; }

# runs WORDS ROWS OPTION...: no mistake, that many rows, and the stub counted the words.
runs() {
  rm -f "$scratch/rows.jsonl"
  run "$kernels" --no-check --batch 16 --min-time 0.001 --out "$scratch/rows.jsonl" "${@:3}" ||
    die "bench_kernels ${*:3}: exit code $?: $(tail -n 5 "$scratch/err")"
  grep -qF -- "$1" "$scratch/err" || die "bench_kernels ${*:3}: nothing of '$1' in: $(cat "$scratch/err")"
  (($(grep -c '"cold_s":[0-9.e-]*,.*"error":""' "$scratch/rows.jsonl") == $2)) ||
    die "bench_kernels ${*:3}: expected $2 rows: $(cat "$scratch/rows.jsonl")"
  echo "ok: bench_kernels ${*:3}"
}

searches=cudnnFindConvolution large=cudnnGetConvolution product=cublasLtMatmul
[[ -e $scratch/cudnn.o ]] || searches=cudaGraphLaunch large=cudaGraphLaunch
[[ -e $scratch/cublaslt.o ]] || product=cudaGraphLaunch
runs "$product" 3 --filter 'gemm 1024'
runs "$product" 12 --filter 'gemm dcgan D.fc'
for layer in G.ct1 G.ct3 D.c1 D.c2; do
  runs "$searches" 12 --filter "conv dcgan $layer"
done
runs "$large" 4 --filter 'conv dcgan G.ct1' --batch 256 --precision tf32
runs cudaGraphLaunch 4 --filter 'batch_norm dcgan G.bn2'
runs cudaGraphLaunch 2 --batch 128 --filter 'adam dcgan'

# A race runs every form, and chooses by the rules that scripts/select-kernels believes in.
races() {  # races ROWS OPTION...
  run "$kernels" --race --no-check --min-time 0.001 --out "$scratch/race.jsonl" "${@:2}" ||
    die "bench_kernels --race ${*:2}: exit code $?: $(tail -n 5 "$scratch/err")"
  (($(grep -c '"winner":"[a-z]' "$scratch/race.jsonl") == $1)) ||
    die "bench_kernels --race ${*:2}: expected $1 rows: $(cut -c 1-300 "$scratch/race.jsonl")"
  if python3 -c 'import sys; sys.exit(sys.version_info < (3, 8))' 2>/dev/null; then
    "$here/../../scripts/select-kernels" "$scratch/race.jsonl" --check || die "select-kernels chooses other forms than the kernels"
  else
    echo "NOT comparing with select-kernels: no python3 of version 3.8 or later"
  fi
  echo "ok: bench_kernels --race ${*:2}"
}
races 3 --filter 'gemm 2048'
races 63 --filter dcgan --batch 128
races 42 --filter dcgan --batch 37 --precision bf16,tf32

# finds WORDS COMMAND...: no mistake either, and exit code 1 since no kernel wrote its results.
finds() {
  local code=0
  run "${@:2}" || code=$?
  [[ $code == 1 ]] && grep -q "$1" "$scratch/out" || die "${*:2}: exit code $code: $(cat "$scratch/out" "$scratch/err")"
  echo "ok: ${*:2}"
}
finds 'FAILED: .*NaN or was not written' "$kernels" --batch 16 --min-time 0.001 --filter 'gemm dcgan D.fc' --precision bf16
finds 'the library, bf16 is WRONG: .*NaN or was not written' "$ladder" 2
