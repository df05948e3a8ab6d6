#!/usr/bin/env bash
# generators.sh VAE FLOW TRANSFORMER WGAN_GP
# The four kinds of generators learn the built-in digits: likelihood rises and is above that of a model that knows nothing, and a critic
# tells real images from generated ones. Samples are written as a grid, and as the file that dcgan_mnist evaluate reads; a missing folder
# is one message.
set -euo pipefail
die() { echo "FAILED: $*" >&2; exit 1; }
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# A folder of 512 images in each part, of noise: nothing is learned from them.
mkdir "$scratch/noise"
for part in train t10k; do
  { printf '\x00\x00\x08\x03\x00\x00\x02\x00\x00\x00\x00\x1c\x00\x00\x00\x1c'; head -c $((784 * 512)) /dev/urandom; } \
    >"$scratch/noise/$part-images-idx3-ubyte"
  { printf '\x00\x00\x08\x01\x00\x00\x02\x00'; head -c 512 /dev/zero; } >"$scratch/noise/$part-labels-idx1-ubyte"
done
cd "$scratch"

writes() {  # writes PROGRAM: samples.pgm of the last run, a samples.npz of 3 images on request, one line about a missing folder
  local program=$1 said
  [[ $(head -c 15 samples.pgm) == 'P5 224 224 255' && $(stat -c %s samples.pgm) == $((15 + 224 * 224)) ]] ||
    die "${program##*/}: samples.pgm is no grid"
  "$program" 1 noise samples.npz 3 >printed
  grep -qaF 'images.npy' samples.npz && grep -qaF "{'descr': '|u1', 'fortran_order': False, 'shape': (3, 28, 28), }" samples.npz ||
    die "${program##*/}: samples.npz does not hold 3 images of bytes"
  rm samples.pgm samples.npz
  said=$("$program" 1 missing 2>&1) && die "${program##*/}, a missing folder: exit code 0"
  [[ $said == *missing* && $said != *$'\n'* ]] || die "${program##*/}, a missing folder: $said"
}

learns() {  # learns PROGRAM BUDGET PATTERN NOTHING: the two figures that it prints, and that of a uniform model
  local program=$1 numbers
  "$program" "$2" >printed
  mapfile -t numbers < <(sed -n "s/$3/\\1/p" printed)
  [[ ${#numbers[@]} == 2 ]] || die "${program##*/} prints: $(cat printed)"
  awk -v first="${numbers[0]}" -v second="${numbers[1]}" -v nothing="$4" 'BEGIN { exit !(second < first && first < nothing) }' ||
    die "${program##*/}: ${numbers[*]}, expected a fall, below $4"
  writes "$program"
}
learns "$1" 2 '^epoch  [12]  \([0-9.]*\) nats an image$' 543.4  # 784 ln 2
learns "$2" 2 '^epoch  [12]  \([0-9.]*\) bits a pixel$' 8
learns "$3" 20 '^[a-z]* [a-z0-9 ]*  \([0-9.]*\) nats an image$' 543.4

"$4" 6 >printed
grep -qE '^step     6  Wasserstein distance [0-9]*\.[0-9]+$' printed || die "${4##*/} prints: $(cat printed)"
writes "$4"
echo "generators: ok"
