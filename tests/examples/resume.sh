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

# The CUDA kernels, run on the CPU.
slow=(--data strokes --images 8 --model small --batch-size 2 --statistics-images 2 --device emulated --progress none)
for precision in fp32 bf16; do
  there=("${slow[@]}" --precision "$precision" --log-every 1)
  whole_slow=$(train "${there[@]}" --steps 5 --out "$scratch/slow_$precision")
  part=$(train "${there[@]}" --steps 3 --out "$scratch/slow_part_$precision")
  train --resume "$part" --steps 5 --progress none >/dev/null
  same_end "$whole_slow" "$part" "resumed on the emulated device in $precision"
done

# ---- auto -----------------------------------------------------------------------------------------------------------

auto=(train "${tiny[@]}" "${often[@]}" --out "$scratch/auto" --resume auto)
first=$("${auto[@]}" --steps 4)
[[ $("${auto[@]}" --steps 13) == "$first" ]] || die "--resume auto did not find the run"
same_end "$whole" "$first" "--resume auto"
[[ $("${auto[@]}" --steps 4 --seed 6) != "$first" ]] || die "--resume auto went on with a run of another seed"
ends 0 "starting a new one" train "${tiny[@]}" --progress plain --out "$scratch/none" --resume auto --steps 1
[[ $("${auto[@]}" --steps 13) == "$first" ]] || die "--resume auto did not find the finished run"

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
ends 1 "there is no directory" train --resume "$found" --steps 5
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
ends 1 "weights of --model small.*train libtorch" train "${tiny[@]}" --model libtorch --init-from "$whole" --out "$scratch/x"

# ---- contradictions -------------------------------------------------------------------------------------------------

ends 1 "--seed 5.*--seed 6" train --resume "$whole" --seed 6
ends 1 "--batch-size 8.*--batch-size 16" train --resume "$whole" --batch-size 16
ends 1 "--model small.*--model dcgan" train --resume "$whole" --model dcgan
ends 1 "--learning-rate 0.0002.*--learning-rate 0.001" train --resume "$whole" --learning-rate 0.001
ends 1 "no directory" train --resume "$scratch/nowhere"
ends 1 "neither a run directory .* nor a checkpoint" train --resume "$scratch"

# ---- damaged, cut, foreign and newer files --------------------------------------------------------------------------

damaged() {  # damaged PATTERN FILE COMMAND...: a copy of the run whose FILE of its checkpoint went through COMMAND FILE
  rm -rf "$scratch/damaged"
  cp -r "$whole" "$scratch/damaged"
  local file=$scratch/damaged/$2
  [[ $2 == latest || $2 == options.json ]] || file=$(checkpoint "$scratch/damaged")/$2
  "${@:3}" "$file"
  ends 1 "$1" train --resume "$scratch/damaged" --steps 14
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
damaged "is no JSON object" meta.json truncate -s 200
damaged "is damaged: its MD5 sum is" meta.json replace 's/"step": 13/"step": 12/'
damaged "has the checkpoint format 2, this program knows 1; a newer tinygan" meta.json replace 's/"format": 1/"format": 2/'
damaged "has no usable 'format'" meta.json replace 's/"format": 1/"form": 1/'
damaged "names 'nonsense'" latest replace 's/.*/nonsense/'
damaged "is no JSON object" options.json truncate -s 20
damaged "option seed is \"five\"" options.json replace 's/"seed": 5/"seed": "five"/'
# The message names the checkpoint before it, and that one works.
rm -rf "$scratch/damaged"
cp -r "$whole" "$scratch/damaged"
flip 40 "$(checkpoint "$scratch/damaged")/model.safetensors"
ends 1 "older checkpoint .*step_00000012" train --resume "$scratch/damaged"
train --resume "$scratch/damaged/checkpoints/step_00000012" --progress none >/dev/null
same_end "$whole" "$scratch/damaged" "resumed from the checkpoint before a damaged one"

# A checkpoint that is gone, one of another run, and other images.
cp -r "$whole" "$scratch/foreign"
mv "$(checkpoint "$scratch/foreign")" "$scratch/gone"
ends 1 "step_00000013: there is no such checkpoint" train --resume "$scratch/foreign"
cp -r "$(checkpoint "$whole_slow")" "$(checkpoint "$scratch/foreign")"
ends 1 "is of step 5, its folder is named step_00000013" train --resume "$scratch/foreign"
other=$(train "${tiny[@]}" --steps 13 --seed 6 --out "$scratch/other")
rm -r "$(checkpoint "$scratch/foreign")"
cp -r "$(checkpoint "$other")" "$(checkpoint "$scratch/foreign")"
ends 1 "meta.json: is of a run with --seed 6, options.json of this run says 5" train --resume "$scratch/foreign"

ends 1 "MD5 sum .* was trained on built-in stroke digits with" train --resume "$whole" --steps 14 --data "$scratch/moved"
ends 1 "no directory" train --resume "$whole" --steps 14 --data "$scratch/nowhere"
echo "$test_name: ok"
