#!/usr/bin/env bash
# dcgan.sh DCGAN
# The README's DCGAN trains: the same losses each time, a grid of images and a generator in files; a missing folder is one message.
set -euo pipefail
program=$1
die() { echo "FAILED: $*" >&2; exit 1; }
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"

code=0
said=$("$program" 1 missing 2>&1) || code=$?
[[ $code == 1 && $said == *missing* && $said != *$'\n'* ]] || die "a missing folder: exit code $code, $said"

first=$("$program" 2) || die "exit code $?"
[[ $first =~ ^'step     2  D '[0-9]+\.[0-9]{3}'  G '[0-9]+\.[0-9]{3}$ ]] || die "it prints '$first'"
[[ $(head -c 15 samples.pgm) == 'P5 224 224 255' && $(stat -c %s samples.pgm) == $((15 + 224 * 224)) ]] || die "samples.pgm is no grid"
grep -aq conv2d_transpose_1.kernel generator.safetensors || die "generator.safetensors has no conv2d_transpose_1.kernel"
[[ $(TINYGAN_THREADS=1 "$program" 2) == "$first" ]] || die "another run has other losses"
echo "dcgan: ok"
