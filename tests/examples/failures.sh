#!/usr/bin/env bash
# failures.sh DCGAN_MNIST
# A full disk, a file-size limit, no memory, weights that are no numbers: one clear line, the right exit code, and the last
# checkpoint as it was.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
often=(--checkpoint-every 1 --keep-last 1 --log-every 1)
whole=$(train "${tiny[@]}" "${often[@]}" --steps 4 --out "$scratch/whole")

# ---- divergence -----------------------------------------------------------------------------------------------------

# A learning rate that the gradient penalty does not survive: the first step leaves finite weights, the second does not.
ends 3 "diverged at step [2-9]" train "${tiny[@]}" "${often[@]}" --steps 50 --loss wgan-gp --learning-rate 10000 \
  --progress plain --out "$scratch/nan"
run=$(cat "$scratch/stdout")
grep -qE "the first bad tensor is (generator|discriminator)|a loss has overflowed" "$scratch/stderr" || die "no tensor is named"
good=$(cat "$run/latest")
[[ $good == checkpoints/step_* && -d $run/$good ]] || die "the last good checkpoint is gone"
[[ -s $(echo "$run"/checkpoints/diverged_step_*/state.safetensors) ]] || die "no state was left to look at"
train --resume "$run" --steps $((10#${good##*_})) --progress none >/dev/null  # nothing to do: it loads

# Weights with a NaN in them are no beginning.
cp "$(checkpoint "$whole")/model.safetensors" "$scratch/nan.safetensors"
overwrite "$scratch/nan.safetensors" -4 '\x00\x00\xc0\x7f'
ends 1 "nan.safetensors: tensor generator_ema.* holds nan at element" train "${tiny[@]}" --init-from "$scratch/nan.safetensors" \
  --out "$scratch/nan2"
[[ ! -e $scratch/nan2 ]] || die "a run was begun with weights that are no numbers"

# ---- no room --------------------------------------------------------------------------------------------------------

intact() {  # intact RUN STEP: its checkpoint of that step is the latest and loads, and the run ends as if nothing had been
  [[ $(cat "$1/latest") == checkpoints/step_0000000$2 ]] || die "latest is $(cat "$1/latest"), expected step $2"
  train --resume "$1" --steps 4 --progress none >/dev/null
  same_end "$whole" "$1" "$3"
}

# Files of at most 1000 KiB, which a checkpoint is larger than.
run=$(train "${tiny[@]}" "${often[@]}" --steps 2 --out "$scratch/limit")
(
  ulimit -f 1000
  ends 1 "cannot write: File too large; the checkpoint of step 2 is intact, go on with dcgan_mnist train --resume" \
    train --resume "$run" --steps 4 --progress none
)
intact "$run" 2 "after a file-size limit"

# A full disk.
disk=$scratch/disk
mkdir "$disk"
if mount -t tmpfs -o size=10m tmpfs "$disk" 2>/dev/null; then
  trap 'umount "$disk"; rm -rf "$scratch"' EXIT
  ends 1 "No space left on device; the checkpoint of step 1 is intact" train "${tiny[@]}" "${often[@]}" --steps 4 --out "$disk/runs"
  run=$(cat "$scratch/stdout")
  ends 1 "No space left on device" train --resume "$run" --steps 4 --progress none
  mount -o remount,size=64m "$disk"
  intact "$run" 1 "after a full disk"
  mount -o remount,ro "$disk"
  ends 1 "Read-only file system" train "${tiny[@]}" --out "$disk/runs"
  ends 1 "Read-only file system" train --resume "$run" --steps 5 --progress none
else
  echo "NOT TESTED: a full disk (this user may not mount a file system)"
fi

# ---- no memory ------------------------------------------------------------------------------------------------------

if (ulimit -v 2000000 && "$program" --help >/dev/null 2>&1); then
  run=$(train "${tiny[@]}" "${often[@]}" --steps 2 --out "$scratch/memory")
  (
    ulimit -v 2000000
    ends 1 "memory" train --data strokes --model small --batch-size 30000 --steps 1 --progress none --out "$scratch/huge"
  )
  intact "$run" 2 "after running out of memory"
else
  echo "NOT TESTED: too little memory (the program does not start in 2 GB of address space: a sanitizer's build)"
fi
# A picture that was damaged since costs the GIF, not the run.
run=$(train "${tiny[@]}" --steps 2 --out "$scratch/picture")
echo junk >"$run/fakes_init.png"
ends 0 "no new progress.gif: .*fakes_init.png: not a PNG file" train --resume "$run" --steps 4 --progress plain
[[ $(cat "$run/latest") == checkpoints/step_00000004 ]] || die "the run did not go on"

echo "$test_name: ok"
