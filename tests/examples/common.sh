# Included by the tests of the trainer: bash NAME.sh DCGAN_MNIST.
set -euo pipefail
program=$1
test_name=$(basename "$0" .sh)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

die() { echo "FAILED: $*" >&2; exit 1; }

# A run of a tiny set-up, quiet, on 48 built-in digits: 6 steps an epoch.
# Without decay, so that it may be extended.
tiny=(--data strokes --images 48 --model small --batch-size 8 --learning-rate-decay 0 --statistics-images 16 --seed 5 --progress none)

# train ARGUMENT...: prints the run directory; dies unless it ends well.
train() { "$program" train "$@" || die "train $* ended with exit code $?"; }

# ends CODE PATTERN ARGUMENT...: the program ends with that code and says PATTERN on standard error; a runtime error is one
# line.
ends() {
  local code=0
  "$program" "${@:3}" >"$scratch/stdout" 2>"$scratch/stderr" || code=$?
  if [[ $code != "$1" ]] || ! grep -qE -- "$2" "$scratch/stderr" || [[ $1 == 1 && $(wc -l <"$scratch/stderr") != 1 ]]; then
    die "dcgan_mnist ${*:3}: exit code $code, expected $1 and '$2', got: $(cat "$scratch/stderr")"
  fi
}

checkpoint() { printf '%s/%s' "$1" "$(cat "$1/latest")"; }  # checkpoint RUN: the directory of its latest checkpoint

# stats RUN: the log without what depends on the clock and the machine.
stats() { sed 's/,"images_per_second".*//' "$1/stats.jsonl"; }

# same_end RUN RUN WHAT: both ended alike, bit for bit.
same_end() {
  local file
  [[ $(cat "$1/latest") == "$(cat "$2/latest")" ]] || die "$3: one ended at $(cat "$1/latest"), the other at $(cat "$2/latest")"
  for file in model.safetensors state.safetensors; do
    cmp "$(checkpoint "$1")/$file" "$(checkpoint "$2")/$file" || die "$3: $file differs"
  done
  cmp <(stats "$1") <(stats "$2") || die "$3: stats.jsonl differs"
}

# overwrite FILE OFFSET BYTES: e.g. '\x00'; an offset from the end if negative.
overwrite() {
  local at=$2
  ((at >= 0)) || at=$(($(stat -c %s "$1") + at))
  printf "$3" | dd of="$1" bs=1 seek="$at" conv=notrunc status=none
}
