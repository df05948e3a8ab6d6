#!/usr/bin/env bash
# failures.sh DCGAN_MNIST
# A full disk, a file-size limit, no memory, weights that are no numbers, files and standard streams that are gone: one clear
# line, the right exit code, and the last checkpoint as it was.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
often=(--checkpoint-every 1 --keep-last 1 --log-every 1)
whole=$(train "${tiny[@]}" "${often[@]}" --steps 4 --out "$scratch/whole")

# ---- divergence -----------------------------------------------------------------------------------------------------

# A learning rate that the gradient penalty does not survive: the first step leaves finite weights, the second does not.
ends 3 "diverged at step [2-9]" train "${tiny[@]}" "${often[@]}" --steps 50 --loss wgan-gp --learning-rate 300 \
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

# The other commands: no signal, and nothing half written.
mkdir "$scratch/small"
(
  cd "$scratch/small"
  ulimit -f 1
  ends 1 "grid.png: cannot write: File too large" sample "$whole" --count 64 --out grid.png
  ends 1 "samples.npz: cannot write: File too large" sample "$whole" --count 64 --npz samples.npz
  ends 1 "strips.png: cannot write: File too large" interpolate "$whole" --out strips.png
  ends 1 "walk.gif: cannot write: File too large" interpolate "$whole" --gif walk.gif
  ends 1 "weights.safetensors: cannot write: File too large" export "$whole" --layout torch --out weights.safetensors
  ends 1 "cannot write: File too large" report "$whole"
  ends 1 "cannot write: File too large" train "${tiny[@]}" --steps 1 --out runs
  "$program" info "$(checkpoint "$whole")" >info.txt 2>"$scratch/stderr" && die "info has written more than it may"
  grep -q "standard output: cannot write: File too large" "$scratch/stderr" || die "info: $(cat "$scratch/stderr")"
)
[[ -z $(find "$scratch/small" "$whole" -name '*.tmp-*') ]] || die "temporary files are left"
[[ $(cd "$scratch/small" && echo *) == "info.txt runs" ]] || die "files are left: $(ls "$scratch/small")"

# A full disk.
disk=$scratch/disk
mkdir "$disk"
if mount -t tmpfs -o size=30m tmpfs "$disk" 2>/dev/null; then
  trap 'umount "$disk"; rm -rf "$scratch"' EXIT
  ends 1 "No space left on device; the checkpoint of step 1 is intact" train "${tiny[@]}" "${often[@]}" --steps 4 --out "$disk/runs"
  run=$(cat "$scratch/stdout")
  ends 1 "No space left on device" train --resume "$run" --steps 4 --progress none
  head -c 64m /dev/zero >"$disk/filler" 2>/dev/null || true
  ends 1 "$disk/grid.png: cannot write: No space left on device" sample "$run" --count 64 --out "$disk/grid.png"
  ends 1 "$disk/walk.gif: cannot write: No space left on device" interpolate "$run" --gif "$disk/walk.gif"
  ends 1 "$disk/weights: cannot write: No space left on device" export "$run" --layout torch --out "$disk/weights"
  ends 1 "cannot .*: No space left on device" train "${tiny[@]}" --steps 1 --out "$disk/new"
  [[ -z $(find "$disk" -name '*.tmp-*') && -z $(ls "$disk/new" 2>/dev/null) ]] || die "a full disk holds half-written files"
  rm "$disk/filler"
  mount -o remount,size=128m "$disk"
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
  # Threads that the memory does not hold.
  (
    ulimit -v 2000000
    export TINYGAN_THREADS=1024
    ends 1 "thread|memory" train "${tiny[@]}" --steps 1 --out "$scratch/threads"
  )
  [[ ! -e $scratch/threads ]] || die "a run without threads has left $(ls "$scratch/threads")"
else
  echo "NOT TESTED: too little memory (the program does not start in 2 GB of address space: a sanitizer's build)"
fi

# ---- files that go ---------------------------------------------------------------------------------------------------

# A run directory that is removed does not come back in part.
"$program" train "${tiny[@]}" --steps 1000000 --checkpoint-every 50 --log-every 1 --out "$scratch/removed" >/dev/null \
  2>"$scratch/stderr" &
session=$!
run=$scratch/removed/00000-small-bce-b8
for ((i = 0; i < 600; ++i)); do [[ -s $run/stats.jsonl ]] && break || sleep 0.1; done
rm -r "$run" 2>/dev/null || rm -r "$run"
code=0
wait "$session" || code=$?
[[ $code == 1 ]] || die "without its directory a run ended with $code"
grep -q "No such file or directory; the run directory is gone" "$scratch/stderr" || die "$(cat "$scratch/stderr")"
[[ ! -e $run ]] || die "the run directory is back: $(ls "$run")"

# A file where the checkpoints belong, and a folder where the log belongs.
run=$(train "${tiny[@]}" "${often[@]}" --steps 2 --out "$scratch/places")
mkdir "$scratch/kept"
mv "$run/checkpoints" "$scratch/kept"
touch "$run/checkpoints"
rm "$run/latest"
ends 1 "checkpoints: cannot create the directory: (File exists|Not a directory)" train --resume "$run" --steps 4 --progress none
rm "$run/checkpoints"
mv "$scratch/kept/checkpoints" "$run"
mv "$run/log.txt" "$scratch/kept"
mkdir "$run/log.txt"
ends 1 "log.txt: cannot write: Is a directory" train --resume "$run" --steps 4 --progress none
rmdir "$run/log.txt"

# ---- standard streams ------------------------------------------------------------------------------------------------

# Closed ones, in any combination: what is written to them goes nowhere, and into no file of the run's.
number=0
for streams in '<&-' '>&-' '2>&-' '<&- >&-' '<&- 2>&-' '>&- 2>&-' '<&- >&- 2>&-'; do
  number=$((number + 1))
  closed=("$program" train "${tiny[@]}" --progress plain --log-every 1 --out "$scratch/closed$number")
  eval '"${closed[@]}" --steps 2 '"$streams" >"$scratch/stdout" 2>"$scratch/stderr" || die "train $streams ended with $?"
  run=$scratch/closed$number/00000-small-bce-b8
  eval '"$program" train --resume "$run" --steps 4 '"$streams" >"$scratch/stdout" 2>"$scratch/stderr" ||
    die "train --resume $streams ended with $?"
  same_end "$whole" "$run" "with $streams"
done

# A standard output that takes nothing.
unwritten() {  # unwritten CODE ARGUMENT...: the program ends with the code and says why
  local code=0
  "$program" "${@:2}" >/dev/full 2>"$scratch/stderr" || code=$?
  [[ $code == "$1" ]] || die "dcgan_mnist ${*:2} >/dev/full: exit code $code, expected $1"
  grep -q "standard output: cannot write" "$scratch/stderr" || die "dcgan_mnist ${*:2} >/dev/full: $(cat "$scratch/stderr")"
}
for command in train sample interpolate export info report; do unwritten 1 $command --help; done
unwritten 1 --help
unwritten 1 info "$whole"
unwritten 1 sample "$whole" --count 1 --out "$scratch/one.png"
unwritten 1 interpolate "$whole" --out "$scratch/strips.png"
unwritten 1 export "$whole" --layout keras --out "$scratch/keras.safetensors"
unwritten 1 report "$whole"
unwritten 1 train "${tiny[@]}" --dry-run
unwritten 1 train "${tiny[@]}" --steps 1 --out "$scratch/unwritten"
[[ -z $(ls "$scratch/unwritten") ]] || die "a run that nobody can find has left a directory"
before=$(find "$whole" -type f -exec md5sum {} + | sort)
unwritten 1 train --resume "$whole" --steps 6 --progress none
[[ $(find "$whole" -type f -exec md5sum {} + | sort) == "$before" ]] || die "a run that did not go on has changed"

# The same where the reader of a pipe is gone.
for arguments in --help "info $whole" "train --dry-run ${tiny[*]}"; do
  code=0
  { sleep 0.2; "$program" $arguments 2>"$scratch/stderr"; } | true || code=$?
  [[ $code == 1 ]] || die "dcgan_mnist $arguments | true: exit code $code"
  grep -q "standard output: cannot write: Broken pipe" "$scratch/stderr" || die "dcgan_mnist $arguments: $(cat "$scratch/stderr")"
done

# Standard error is for people: a run does not need it.
"$program" train "${tiny[@]}" --progress plain --steps 2 --out "$scratch/mute" >/dev/null 2>/dev/full ||
  die "a run with a full standard error ended with $?"

# A picture that was damaged since costs the GIF, not the run.
run=$(train "${tiny[@]}" --steps 2 --out "$scratch/picture")
echo junk >"$run/fakes_init.png"
ends 0 "no new progress.gif: .*fakes_init.png: not a PNG file" train --resume "$run" --steps 4 --progress plain
[[ $(cat "$run/latest") == checkpoints/step_00000004 ]] || die "the run did not go on"

echo "$test_name: ok"
