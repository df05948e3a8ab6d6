#!/usr/bin/env bash
# generators.sh VAE FLOW
# The variational autoencoder and the normalising flow learn the built-in digits: held-out likelihood rises from epoch to epoch and is
# above that of a model that knows nothing; samples are written; a missing folder is one message.
set -euo pipefail
die() { echo "FAILED: $*" >&2; exit 1; }
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"

learns() {  # learns PROGRAM PATTERN NOTHING: what it prints, and minus the log-likelihood of a uniform model
  local program=$1 said numbers
  said=$("$program" 1 missing 2>&1) && die "${program##*/}, a missing folder: exit code 0"
  [[ $said == *missing* && $said != *$'\n'* ]] || die "${program##*/}, a missing folder: $said"
  "$program" 2 >printed
  mapfile -t numbers < <(sed -n "s/$2/\\1/p" printed)
  [[ ${#numbers[@]} == 2 ]] || die "${program##*/} prints: $(cat printed)"
  awk -v first="${numbers[0]}" -v second="${numbers[1]}" -v nothing="$3" 'BEGIN { exit !(second < first && first < nothing) }' ||
    die "${program##*/}: ${numbers[*]}, expected a fall, below $3"
  [[ $(head -c 15 samples.pgm) == 'P5 224 224 255' && $(stat -c %s samples.pgm) == $((15 + 224 * 224)) ]] ||
    die "${program##*/}: samples.pgm is no grid"
  rm samples.pgm
}
learns "$1" '^epoch  [12]  \([0-9.]*\) nats an image$' 543.4  # 784 ln 2
learns "$2" '^epoch  [12]  \([0-9.]*\) bits a pixel$' 8
echo "generators: ok"
