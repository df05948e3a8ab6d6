#!/usr/bin/env bash
# resume.sh DCGAN_MNIST
# A run that was stopped and goes on ends like one that was not, bit for bit; what cannot go on says why.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
often=(--checkpoint-every 2 --snapshot-every 3 --log-every 1)

# ---- the same end ---------------------------------------------------------------------------------------------------

whole=$(train "${tiny[@]}" "${often[@]}" --steps 13 --threads 1 --out "$scratch/whole")
for threads in 1 2; do
  # In the middle of an epoch, at its end, and one step before the last; logging, grids and retention change on the way.
  part=$(train "${tiny[@]}" "${often[@]}" --steps 5 --threads "$threads" --out "$scratch/part$threads")
  train --resume "$part" --steps 6 --keep-last 1 --keep-every 4 --progress none >/dev/null
  train --resume "$part" --steps 12 --snapshot-every 100 --threads $((3 - threads)) --progress none >/dev/null
  train --resume "$part/" --steps 13 --keep-last 3 --progress none >/dev/null
  same_end "$whole" "$part" "resumed at $threads threads"
  cmp "$whole/fakes_000013.png" "$part/fakes_000013.png" || die "the last grids differ"
  [[ $(grep -c '"first_step"' "$part/env.json") == 5 ]] || die "env.json does not list four sessions and the first"
done

# log-every changes what is logged, and nothing else.
part=$(train "${tiny[@]}" --steps 5 --log-every 3 --out "$scratch/log")
train --resume "$part" --steps 13 --log-every 1 --progress none >/dev/null
cmp "$(checkpoint "$whole")/state.safetensors" "$(checkpoint "$part")/state.safetensors" || die "--log-every changes the state"

# Another objective, with more than one update of the discriminator in a step.
critic=("${tiny[@]}" "${often[@]}" --loss wgan-gp --critic-steps 2 --out "$scratch/critic")
whole_critic=$(train "${critic[@]}" --steps 7)
part=$(train "${critic[@]}" --steps 4)
train --resume "$part" --steps 7 --progress none >/dev/null
same_end "$whole_critic" "$part" "resumed with critic steps"

# Rates that fall over the run and penalties in some steps: the same, from an earlier checkpoint. Such a run has one length.
falling=("${tiny[@]}" --checkpoint-every 1 --keep-last 0 --log-every 1 --learning-rate-d 0.0004 --r1 1 --penalty-every 3)
whole_falling=$(train "${falling[@]}" --learning-rate-decay 0.5 --steps 8 --out "$scratch/falling")
cp -r "$whole_falling" "$scratch/falling_part"
train --resume "$scratch/falling_part/checkpoints/step_00000005" --steps 8 --progress none >/dev/null
same_end "$whole_falling" "$scratch/falling_part" "resumed with a falling rate and lazy penalties"
constant=$(train "${falling[@]}" --steps 8 --out "$scratch/falling")
cmp <(stats "$constant" | head -5) <(stats "$whole_falling" | head -5) || die "a rate fell before its time"
cmp -s <(stats "$constant") <(stats "$whole_falling") && die "--learning-rate-decay changes nothing"
for length in "--steps 9" "--epochs 3"; do
  ends 1 "--learning-rate-decay, which spreads over all of its steps; another length \($length instead of --steps 8\)" \
    train --resume "$whole_falling" $length
done
# Other schedules: the same, and each with an end of its own.
finished=("$whole_falling" "$constant")
for schedule in cosine step constant; do
  shape=(--learning-rate-decay 0.5 --schedule "$schedule" --warmup-steps 3)
  whole_shape=$(train "${falling[@]}" "${shape[@]}" --steps 8 --out "$scratch/$schedule")
  cp -r "$whole_shape" "$scratch/${schedule}_part"
  train --resume "$scratch/${schedule}_part/checkpoints/step_00000002" --steps 8 --progress none >/dev/null
  same_end "$whole_shape" "$scratch/${schedule}_part" "resumed with the schedule $schedule in its warm-up"
  for other in "${finished[@]}"; do cmp -s <(stats "$whole_shape") <(stats "$other") && die "--schedule $schedule is like another"; done
  finished+=("$whole_shape")
done
ends 1 "--schedule step, the command line says --schedule linear" \
  train --resume "${finished[3]}" --schedule linear
ends 1 "--warmup-steps: 8 in a run of 8, expected fewer" train "${falling[@]}" --learning-rate-decay 0.5 --warmup-steps 8 --steps 8
train --resume "$whole_shape" --steps 9 --progress none >/dev/null  # constant: of any length
again=$(train "${falling[@]}" --learning-rate-decay 0.5 --steps 9 --out "$scratch/falling" --resume auto)
[[ $again != "$whole_falling" ]] || die "--resume auto goes on with a run of another length"

# A run older than some options goes on as runs were before there were any, whatever their defaults are now.
older=("${tiny[@]}" "${often[@]}" --r1 0 --penalty-every 1 --beta2 0.999 --out "$scratch/older")
whole_older=$(train "${older[@]}" --steps 8)
part=$(train "${older[@]}" --steps 4)
sed -i -E 's/^ *"(r1|penalty-every|learning-rate-decay|schedule|warmup-steps|beta2)": .*,$//' "$part/options.json"
! grep -q '"beta2"' "$part/options.json" || die "the options are still there: $(cat "$part/options.json")"
train --resume "$part" --steps 8 --progress none >/dev/null
same_end "$whole_older" "$part" "resumed without options that are newer"
grep -q '"r1": 0.0' "$part/options.json" || die "the options of an older run are not completed"

# The CUDA kernels, run on the CPU.
slow=(--data strokes --images 8 --model small --batch-size 2 --learning-rate-decay 0 --statistics-images 2 --device emulated --progress none)
ends_of=()
for precision in fp32 bf16; do
  there=("${slow[@]}" --precision "$precision" --log-every 1)
  whole_slow=$(train "${there[@]}" --steps 5 --out "$scratch/slow_$precision")
  part=$(train "${there[@]}" --steps 3 --out "$scratch/slow_part_$precision")
  train --resume "$part" --steps 5 --progress none >/dev/null
  same_end "$whole_slow" "$part" "resumed on the emulated device in $precision"
  ends_of+=("$whole_slow")
done

# Files hold fp32 master weights, so a run of either element type starts from the other's.
for run in "${ends_of[@]}"; do
  if grep -aq '"BF16"' "$run"/checkpoints/*/*.safetensors; then die "$run has files of bfloat16"; fi
done
train "${slow[@]}" --precision fp32 --steps 1 --init-from "${ends_of[1]}" --out "$scratch/fp32_of_bf16" >/dev/null
train "${slow[@]}" --precision bf16 --steps 1 --init-from "${ends_of[0]}" --out "$scratch/bf16_of_fp32" >/dev/null

# ---- auto -----------------------------------------------------------------------------------------------------------

auto=(train "${tiny[@]}" "${often[@]}" --out "$scratch/auto" --resume auto)
first=$("${auto[@]}" --steps 4)
[[ $("${auto[@]}" --steps 13) == "$first" ]] || die "--resume auto did not find the run"
same_end "$whole" "$first" "--resume auto"
[[ $("${auto[@]}" --steps 4 --seed 6) != "$first" ]] || die "--resume auto went on with a run of another seed"
ends 0 "starting a new one" train "${tiny[@]}" --progress plain --out "$scratch/none" --resume auto --steps 1
[[ $("${auto[@]}" --steps 13) == "$first" ]] || die "--resume auto did not find the finished run"

# Another run whose options cannot be read is no reason not to go on.
mkdir "$scratch/auto/00009-small-bce-b8"
echo '{"seed": ' >"$scratch/auto/00009-small-bce-b8/options.json"
ends 0 "00009-small-bce-b8/options.json: is not a JSON object.*ignores the run" "${auto[@]}" --steps 13 --progress plain
[[ $(cat "$scratch/stdout") == "$first" ]] || die "--resume auto did not find the run behind a damaged one"

# It does not matter where the images were found.
mkdir "$scratch/black"  # 48 black images in MNIST's format
for split in train t10k; do
  { printf '\x00\x00\x08\x03\x00\x00\x00\x30\x00\x00\x00\x1c\x00\x00\x00\x1c'; head -c $((48 * 784)) /dev/zero; } \
    >"$scratch/black/$split-images-idx3-ubyte"
  { printf '\x00\x00\x08\x01\x00\x00\x00\x30'; head -c 48 /dev/zero; } >"$scratch/black/$split-labels-idx1-ubyte"
done
black=(train "${tiny[@]}" --data auto --out "$scratch/found" --resume auto)
found=$(TINYGAN_MNIST=$scratch/black "${black[@]}" --steps 2)
[[ $(TINYGAN_MNIST=$scratch/black "${black[@]}" --steps 3) == "$found" ]] || die "--resume auto did not find the run"
(cd / && train --resume "$found" --steps 4 --progress none >/dev/null)
mv "$scratch/black" "$scratch/moved"
ends 1 "directory not found" train --resume "$found" --steps 5
train --resume "$found" --steps 5 --data "$scratch/moved" --progress none >/dev/null

# ---- nothing to do, a dry run, a checkpoint of choice ---------------------------------------------------------------

before=$(find "$first" -type f -exec md5sum {} + | sort)
ends 0 "nothing to do" train --resume "$first"
ends 0 "nothing to do" train --resume "$first" --steps 10
ends 0 "dry run" train --resume "$first" --steps 20 --dry-run
[[ $(find "$first" -type f -exec md5sum {} + | sort) == "$before" ]] || die "doing nothing has changed $first"

back=$(train "${tiny[@]}" "${often[@]}" --steps 13 --keep-last 0 --out "$scratch/back")
train --resume "$back/checkpoints/step_00000006" --progress none >/dev/null
same_end "$whole" "$back" "resumed from a checkpoint of choice"
[[ -d $back/checkpoints/abandoned_step_00000012 ]] || die "the later checkpoints were not put aside"

# ---- weights only ---------------------------------------------------------------------------------------------------

init=$(train "${tiny[@]}" --steps 1 --init-from "$whole" --out "$scratch/init")
[[ $(stats "$init" | head -1) != "$(stats "$whole" | head -1)" ]] || die "--init-from changed nothing"
same=$(train "${tiny[@]}" --steps 1 --init-from "$(checkpoint "$whole")/model.safetensors" --out "$scratch/init")
same_end "$init" "$same" "--init-from a run and its weights file"
ends 1 "weights of --model small, expected libtorch" train "${tiny[@]}" --model libtorch --init-from "$whole" --out "$scratch/x"

# ---- contradictions -------------------------------------------------------------------------------------------------

ends 1 "--seed 5.*--seed 6" train --resume "$whole" --seed 6
ends 1 "--batch-size 8.*--batch-size 16" train --resume "$whole" --batch-size 16
ends 1 "--model small.*--model dcgan" train --resume "$whole" --model dcgan
ends 1 "--learning-rate 0.001.*--learning-rate 0.002" train --resume "$whole" --learning-rate 0.002
ends 1 "is not a directory" train --resume "$scratch/nowhere"
ends 1 "neither a run directory .* nor a checkpoint" train --resume "$scratch"

# ---- damaged, cut, foreign and newer files --------------------------------------------------------------------------

damage() {  # damage FILE COMMAND...: a copy of the run whose FILE of its checkpoint went through COMMAND FILE
  rm -rf "$scratch/damaged"
  cp -r "$whole" "$scratch/damaged"
  local file=$scratch/damaged/$1
  [[ $1 == latest || $1 == options.json ]] || file=$(checkpoint "$scratch/damaged")/$1
  "${@:2}" "$file"
}
refused() {  # refused PATTERN FILE COMMAND...: the run does not go on
  damage "${@:2}"
  ends 1 "$1" train --resume "$scratch/damaged" --steps 14
  grep -q "$(basename "$2")" "$scratch/stderr" || die "the message does not name $2: $(cat "$scratch/stderr")"
}
goes_on_from() {  # goes_on_from STEP PATTERN: the damaged run goes on after STEP, says why, and ends like the whole one
  ends 0 "$2" train --resume "$scratch/damaged" --steps 13 --keep-last 0 --progress plain
  grep -q "using the newest intact checkpoint, of step $1\$" "$scratch/stderr" || die "step $1 expected: $(cat "$scratch/stderr")"
  (($1 == 13)) || grep -q "WARNING: using the newest intact checkpoint" "$scratch/damaged/log.txt" || die "the log does not say so"
  [[ $(ls "$scratch/damaged/checkpoints") == "$(ls "$whole/checkpoints")" ]] ||
    die "checkpoints were moved: $(ls "$scratch/damaged/checkpoints")"
  same_end "$whole" "$scratch/damaged" "after $2"
}
damaged() {  # damaged PATTERN FILE COMMAND...: the run goes on from the checkpoint before
  damage "${@:2}"
  goes_on_from 12 "$1"
  grep -q "$(basename "$2")" "$scratch/stderr" || die "the message does not name $2: $(cat "$scratch/stderr")"
}
flip() { overwrite "$2" "$1" '\x5a'; }
replace() { sed -i "$1" "$2"; }

for file in model.safetensors state.safetensors; do
  damaged "is damaged: it has 1000 bytes, expected [0-9]+" $file truncate -s 1000
  damaged "is damaged: its MD5 sum is .*, expected" $file flip 40
  damaged "is damaged: its MD5 sum is .*, expected" $file flip -2
  damaged "empty" $file truncate -s 0
  damaged "not found" $file rm
done
damaged "is not a JSON object" meta.json truncate -s 200
damaged "is damaged: its MD5 sum is" meta.json replace 's/"step": 13/"step": 12/'
damaged "checkpoint format 0, expected 1" meta.json replace 's/"format": 1/"format": 0/'
refused "checkpoint format 2, expected 1; a newer tinygan" meta.json replace 's/"format": 1/"format": 2/'
damaged "has no valid 'format'" meta.json replace 's/"format": 1/"form": 1/'
damaged "is not a JSON object" meta.json replace '1s/.*/[/'
refused "is not a JSON object" options.json truncate -s 20
refused "option seed is \"five\"" options.json replace 's/"seed": 5/"seed": "five"/'

# `latest` says nothing of use. The newest checkpoint is the last step's, and with `latest` put right there is nothing to do.
say() { printf "$1" >"$2"; }
as_folder() { rm "$1" && mkdir "$1"; }
as_link() { rm "$1" && ln -s checkpoints/step_00000012 "$1"; }
damage latest rm && goes_on_from 13 "latest: file not found"
damage latest say '' && goes_on_from 13 "latest: the file is empty"
damage latest say 'nonsense\n' && goes_on_from 13 "latest: names 'nonsense'"
damage latest say '\x00\x00\x00' && goes_on_from 13 "latest: names '\?\?\?'"
damage latest say 'checkpoints/step_00000011\n' && goes_on_from 13 "step_00000011: checkpoint not found"
damage latest as_folder && goes_on_from 13 "latest: is a directory"
damage latest as_link && goes_on_from 13 "latest: is a directory"
damage latest rm
rm -r "$scratch/damaged/checkpoints/step_00000013"
goes_on_from 12 "latest: file not found"
damage latest rm
sample=("$program" sample "$scratch/damaged" --count 1 --out "$scratch/one.png")
"${sample[@]}" 2>"$scratch/stderr" | grep -q "step 13" || die "sample does not take the newest checkpoint"
grep -q "using the newest intact checkpoint, of step 13" "$scratch/stderr" || die "sample does not say so: $(cat "$scratch/stderr")"

# Spaces and the line ends of other systems are no damage.
damage latest say ' checkpoints/step_00000013 \r\n'
ends 0 "nothing to do" train --resume "$scratch/damaged" --progress plain
! grep -q WARNING "$scratch/stderr" || die "$(cat "$scratch/stderr")"

# A later checkpoint than the one that `latest` names stays where it is.
damage latest say 'checkpoints/step_00000012\n'
ends 0 "using the checkpoint of step 12, which .latest. names; .*step_00000013 is later and is kept" train --resume "$scratch/damaged" --progress plain \
  --steps 13 --keep-last 0
grep -q "resumed after step 12" "$scratch/stderr" || die "'latest' does not count"
[[ $(ls "$scratch/damaged/checkpoints") == "$(ls "$whole/checkpoints")" ]] || die "checkpoints were moved"
same_end "$whole" "$scratch/damaged" "with an older 'latest'"

# Nothing is whole: an error, and everything as it was.
damage latest rm
truncate -s 100 "$scratch/damaged"/checkpoints/*/meta.json
before=$(find "$scratch/damaged" -type f -exec md5sum {} + | sort)
ends 1 "has no intact checkpoint: .*step_00000013.*step_00000012" train --resume "$scratch/damaged" --steps 14
rm -r "$scratch/damaged"/checkpoints/*
ends 0 "starting over from the first step" train --resume "$scratch/damaged" --steps 1 --progress plain
damage latest true
rm -r "$scratch/damaged"/checkpoints/*
ends 1 "has no intact checkpoint: .*step_00000013: checkpoint not found" train --resume "$scratch/damaged" --steps 14

# A line that is not the program's costs no other.
damage latest say 'checkpoints/step_00000012\n'
sed -i '3a what is this' "$scratch/damaged/stats.jsonl"
train --resume "$scratch/damaged" --steps 13 --progress none >/dev/null
same_end "$whole" "$scratch/damaged" "with a foreign line in stats.jsonl"

# A damaged one that is named is an error; the message names the checkpoint before it, and that one works.
rm -rf "$scratch/damaged"
cp -r "$whole" "$scratch/damaged"
flip 40 "$(checkpoint "$scratch/damaged")/model.safetensors"
ends 1 "older checkpoint .*step_00000012" train --resume "$scratch/damaged/checkpoints/step_00000013"
train --resume "$scratch/damaged/checkpoints/step_00000012" --progress none >/dev/null
same_end "$whole" "$scratch/damaged" "resumed from the checkpoint before a damaged one"

# A checkpoint that is gone, one of another run, and other images.
cp -r "$whole" "$scratch/foreign"
mv "$(checkpoint "$scratch/foreign")" "$scratch/gone"
cp -r "$(checkpoint "$whole_slow")" "$(checkpoint "$scratch/foreign")"
ends 1 "is of step 5, its folder is named step_00000013" train --resume "$(checkpoint "$scratch/foreign")"
ends 0 "is of step 5, its folder is named step_00000013" train --resume "$scratch/foreign" --steps 12 --progress plain
other=$(train "${tiny[@]}" --steps 13 --seed 6 --out "$scratch/other")
cp "$whole/latest" "$scratch/foreign"
rm -r "$(checkpoint "$scratch/foreign")"
cp -r "$(checkpoint "$other")" "$(checkpoint "$scratch/foreign")"
ends 1 "meta.json: is of a run with --seed 6, options.json of this run says 5" train --resume "$scratch/foreign"

# ---- names that are not UTF-8 ----------------------------------------------------------------------------------------

bytes=$scratch/$(printf 'sortie \xe9\\xe9 \xc3\xa9')
mkdir "$bytes"
cp -r "$scratch/moved" "$bytes/donn"$'\xe9'es
there=(train "${tiny[@]}" --data "$bytes/donn"$'\xe9'es --init-from "$bytes/w"$'\xff' --out "$bytes/runs"$'\x80')
cp "$(checkpoint "$whole")/model.safetensors" "$bytes/w"$'\xff'
run=$("${there[@]}" --steps 2)
[[ $run == "$bytes/runs"$'\x80'/00000-small-bce-b8 ]] || die "the run directory is $run"
[[ $("${there[@]}" --resume auto --steps 3) == "$run" ]] || die "--resume auto did not find the run"
train --resume "$run" --steps 4 --progress none >/dev/null
train --config "$run/options.json" --steps 1 --out "$bytes/again" --progress none >/dev/null
for file in options.json env.json log.txt stats.jsonl report.html "$(cat "$run/latest")/meta.json"; do
  iconv -f UTF-8 -t UTF-8 "$run/$file" >/dev/null || die "$file is not UTF-8"
done
grep -q 'donn\\xe9es' "$run/log.txt" || die "the log does not show the path"
(
  ulimit -f 1000
  ! "$program" train --resume "$run" --steps 5 --progress none >/dev/null 2>"$scratch/stderr" || die "there is no limit"
)
dcgan_mnist() { "$program" "$@"; }
eval "$(LC_ALL=C sed -n 's/.*go on with \(dcgan_mnist .*\)/\1 --steps 5 --progress none/p' "$scratch/stderr")" >"$scratch/stdout"
[[ $(cat "$scratch/stdout") == "$run" && $(cat "$run/latest") == checkpoints/step_00000005 ]] || die "the command does not go on"
"$program" info "$run" >/dev/null
"$program" sample "$run" --count 1 --out "$bytes/s"$'\xe9'.png --npz "$bytes/s"$'\xe9'.npz >/dev/null
"$program" interpolate "$run" --out "$bytes/i"$'\xe9'.png --gif "$bytes/i"$'\xe9'.gif >/dev/null
"$program" export "$run" --layout keras --out "$bytes/e"$'\xe9'.safetensors >/dev/null
"$program" report "$run" >/dev/null

ends 1 "MD5 sum .* was trained on built-in stroke digits with" train --resume "$whole" --steps 14 --data "$scratch/moved"
ends 1 "directory not found" train --resume "$whole" --steps 14 --data "$scratch/nowhere"
echo "$test_name: ok"
