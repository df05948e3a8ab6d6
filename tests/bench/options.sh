#!/usr/bin/env bash
# options.sh CMAKE BENCHMARK...
# Of the benchmarks that Google Benchmark runs: in JSON and CSV standard output holds the results and nothing else; a misspelt option
# and a bad value, on the command line or in the environment, are one message and exit code 1, and so is a full disk.
set -euo pipefail
cmake=$1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

die() { echo "FAILED: $*" >&2; exit 1; }

# One quick benchmark of each program.
declare -A quick=([bench_conv]='article D.c1 .*forward' [bench_first_contact]='train/2-16-2/4' [bench_gemm]='dcgan D.fc forward'
  [bench_microkernel]='K 64' [bench_pointwise]='adam/1000/' [bench_step]='libtorch/64' [bench_thread_pool]='chunks:2/floats:1024/neighbours:0'
  [bench_winograd]='1 of 28x28 .*forward')

# refused WORDS COMMAND...: exit code 1, the words on standard error, nothing on standard output, no core dump.
refused() {
  local code=0
  timeout 60 "${@:2}" >"$scratch/out" 2>"$scratch/err" || code=$?
  [[ $code == 1 && ! -s $scratch/out ]] && grep -qF -- "$1" "$scratch/err" ||
    die "${*:2}: exit code $code, expected 1 and '$1', got: $(cat "$scratch/out" "$scratch/err")"
}

# json FILE: exactly one JSON value, with results in it.
cat >"$scratch/json.cmake" <<'CMAKE'
file(READ "${FILE}" text)
string(STRIP "${text}" text)
string(JSON count ERROR_VARIABLE error LENGTH "${text}" benchmarks)
if(error OR NOT text MATCHES "^{.*}$" OR count EQUAL 0)
  message(FATAL_ERROR "${FILE}: ${error}: ${text}")
endif()
string(JSON peak GET "${text}" context fma_peak_gflops)
CMAKE
json() { "$cmake" -DFILE="$1" -P "$scratch/json.cmake" || die "$2: no JSON"; }

csv() {  # csv FILE WHO: a header and lines of as many fields
  awk -F , 'NR == 1 { fields = NF } NF != fields || (NR == 1 && $1 != "name") { bad = 1 } END { exit bad || NR < 2 }' "$1" ||
    die "$2: no CSV: $(cat "$1")"
}

for program in "${@:2}"; do
  name=$(basename "$program")
  refused '--benchmark_fliter=x' "$program" --benchmark_fliter=x
  refused 'some_word' "$program" some_word
  refused "--benchmark_format: 'xml', expected console, json or csv" "$program" --benchmark_format=xml
  refused "--benchmark_min_time: 'nan', expected seconds" "$program" --benchmark_min_time=nan
  refused "--benchmark_repetitions: '-1', expected a whole number" "$program" --benchmark_repetitions=-1
  refused 'nothing' "$program" --benchmark_filter=nothing
  refused "BENCHMARK_OUT_FORMAT: 'tsv', expected" env BENCHMARK_OUT_FORMAT=tsv "$program" --benchmark_list_tests
  for threads in abc 0 -1 2x 99999999999999999999; do
    refused "TINYGAN_THREADS: '$threads', expected" env TINYGAN_THREADS=$threads "$program" --benchmark_list_tests
  done
  refused "TINYGAN_CPU_ISA: 'sse', expected" env TINYGAN_CPU_ISA=sse "$program" --benchmark_list_tests
  if [[ $name == bench_conv ]]; then
    for batch in abc 0 1.5 99999999999999999999; do
      refused "TINYGAN_BATCH: '$batch', expected" env TINYGAN_BATCH=$batch "$program" --benchmark_list_tests
    done
  fi

  if [[ $name == bench_first_contact ]]; then
    refused '--export takes a folder' "$program" --export
    refused 'no_such_folder' "$program" --export "$scratch/no_such_folder"
    "$program" --export "$scratch"
    for network in tinygan small dcgan; do
      [[ -s $scratch/$network.onnx && -s $scratch/$network.npz ]] || die "$name --export wrote no $network"
    done
  fi

  [[ -n ${quick[$name]:-} ]] || continue
  run=("$program" --benchmark_filter="${quick[$name]}" --benchmark_min_time=0.001)
  "${run[@]}" --benchmark_format=json --benchmark_out="$scratch/file.csv" --benchmark_out_format=csv >"$scratch/out" 2>/dev/null ||
    die "${run[*]}: exit code $?"
  json "$scratch/out" "$name"
  csv "$scratch/file.csv" "$name's file"
  if [[ $name != bench_step ]]; then  # which takes five seconds each time
    "${run[@]}" --benchmark_format=csv --benchmark_out="$scratch/file.json" >"$scratch/out" 2>/dev/null
    csv "$scratch/out" "$name"
    json "$scratch/file.json" "$name's file"
    code=0
    "${run[@]}" >/dev/full 2>"$scratch/err" || code=$?
    [[ $code == 1 ]] && grep -q 'No space left' "$scratch/err" || die "$name on a full disk: $code, $(cat "$scratch/err")"
  fi
  echo "ok: $name"
done
