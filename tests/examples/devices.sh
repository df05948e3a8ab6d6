#!/usr/bin/env bash
# devices.sh DCGAN_MNIST
# The CUDA kernels, run on the CPU by the emulated device, train as the CPU's own do: the losses, opinions, gradient norms
# and spectral norms of both runs agree as far as each precision allows. What they share is the seed: weights, images,
# latents and dropout.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# Batch norm makes of two images little more than signs, which rounding can turn: four.
few=(--data strokes --images 8 --model small --batch-size 4 --learning-rate 2e-4 --statistics-images 2 --steps 2 --log-every 1 --seed 3
  --progress none)

# agree RUN RUN TOLERANCE: every number of every step is as near as |a - b| <= TOLERANCE (1 + |a|).
agree() {
  local pattern='"(loss_d|loss_g|d_real|d_fake|grad_norm_d|grad_norm_g|spectral_norm_d)":[^,}]*'
  paste <(grep -oE "$pattern" "$1/stats.jsonl") <(grep -oE "$pattern" "$2/stats.jsonl") |
    awk -F'[:\t]' -v tolerance="$3" '
      $1 != $3 { print "fields " $1 " and " $3; bad = 1 }
      { difference = $2 - $4; size = $2 < 0 ? -$2 : $2; if (difference < 0) difference = -difference
        if (difference > tolerance * (1 + size)) { print $1 ": " $2 " and " $4; bad = 1 } }
      END { if (NR != 14) { print NR " numbers, expected 14"; bad = 1 }; exit bad }' ||
    die "$1 and $2 differ by more than $3"
}

cpu=$(train "${few[@]}" --device cpu --out "$scratch/cpu")
# The second step follows an update by Adam, which magnifies the rounding of tiny gradients.
while read -r precision tolerance; do
  other=$(train "${few[@]}" --device emulated --precision "$precision" --out "$scratch/$precision")
  grep -q "precision $precision" "$other/log.txt" || die "log.txt does not name the precision $precision"
  agree "$cpu" "$other" "$tolerance"
done <<'PRECISIONS'
fp32 1e-4
tf32 1e-2
bf16 5e-2
PRECISIONS
