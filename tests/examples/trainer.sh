#!/usr/bin/env bash
# trainer.sh DCGAN_MNIST
# The trainer from the outside: what a short run leaves behind, the same bits at any number of threads, and one readable line
# and the right exit code for what goes wrong.
set -euo pipefail
program=$1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

die() { echo "FAILED: $*" >&2; exit 1; }

train() {  # train THREADS OUT
  "$program" train --data strokes --model small --steps 3 --batch-size 8 --seed 5 --progress none --threads "$1" --out "$2" ||
    die "train ended with exit code $?"
}

the_run() { echo "$1"/*/; }  # the run directory in OUT

is_png() { [[ -s $1 && $(head -c 8 "$1" | od -An -tx1 | tr -d ' ') == 89504e470d0a1a0a ]] || die "$1 is no PNG file"; }

refused() {  # refused CODE PATTERN ARGUMENT...: it ends with that code, having written one line that fits to stderr
  local code=0
  "$program" "${@:3}" >/dev/null 2>"$scratch/stderr" || code=$?
  if [[ $code != "$1" ]] || ! grep -q -- "$2" "$scratch/stderr" || [[ $1 == 1 && $(wc -l <"$scratch/stderr") != 1 ]]; then
    die "dcgan_mnist ${*:3}: exit code $code, expected $1 and a line with '$2', got: $(cat "$scratch/stderr")"
  fi
}

train 1 "$scratch/one"
run=$(the_run "$scratch/one")
[[ -s $run/weights.safetensors ]] || die "no weights in $run"
[[ -s $run/stats.jsonl ]] || die "no log in $run"
is_png "$run/reals.png"
for grid in "$run"/fakes_*.png; do is_png "$grid"; done

train 2 "$scratch/two"
cmp "$run/weights.safetensors" "$(the_run "$scratch/two")/weights.safetensors" || die "1 and 2 threads train other weights"

"$program" sample --weights "$run/weights.safetensors" --out "$scratch/grid.png" >/dev/null || die "sample ended with $?"
is_png "$scratch/grid.png"

head -c 1000 "$run/weights.safetensors" >"$scratch/cut.safetensors"
refused 1 cut.safetensors sample --weights "$scratch/cut.safetensors" --out "$scratch/grid.png"
refused 1 nowhere.safetensors sample --weights "$scratch/nowhere.safetensors" --out "$scratch/grid.png"
refused 1 "$scratch/nothing" train --data "$scratch/nothing" --steps 1 --progress none --out "$scratch/three"
refused 1 null train --data strokes --steps 1 --progress none --out /dev/null/runs
refused 1 cuda:99 train --data strokes --device cuda:99 --steps 1 --progress none --out "$scratch/four"
refused 2 device train --device abacus
refused 2 model train --model resnet
refused 2 batch-size train --batch-size 0
refused 2 no-such-option train --no-such-option
echo "trainer: ok"
