#!/usr/bin/env bash
# first_program.sh FIRST_PROGRAM
# The program of README learns, and a bad environment is one message and exit code 1.
set -euo pipefail
program=$1
die() { echo "FAILED: $*" >&2; exit 1; }

loss=$("$program" | sed -n 's/^step 500  loss //p')
awk -v loss="$loss" 'BEGIN { exit !(loss != "" && loss < 0.01) }' || die "the loss of step 500 is '$loss'"

for setting in TINYGAN_THREADS=abc TINYGAN_THREADS=0 TINYGAN_CPU_ISA=sse; do
  code=0
  said=$(env "$setting" "$program" 2>&1 >/dev/null) || code=$?
  [[ $code == 1 && $said == "${setting%%=*}: '${setting#*=}', expected "* && $said != *$'\n'* ]] ||
    die "$setting: exit code $code, expected 1 and one line that names it, got: $said"
done
echo "first_program: ok"
