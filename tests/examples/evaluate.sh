#!/usr/bin/env bash
# evaluate.sh DCGAN_MNIST
# The evaluation of images: of a run, of its weights and of a NumPy file the same figures; in passing while a run trains; and one
# clear line about what cannot be evaluated.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
unset TINYGAN_MNIST

# figures FILE: the figures of an evaluation, a line each; "floors" for those of real images.
figures() {
  sed -n "/\"${2:-metrics}\": {/,/}/p" "$1" | sed '1d;$d' | tr -d ' ,'
}

# ---- in passing -----------------------------------------------------------------------------------------------------

run=$(train "${tiny[@]}" --steps 5 --eval-every 2 --eval-samples 256 --checkpoint-every 2 --keep-last 0 --out "$scratch/runs")
steps=$(grep -oE '^\{"step":[0-9]+' "$run/metrics.jsonl" | cut -d: -f2 | paste -sd ' ')
[[ $steps == "2 4 5" ]] || die "metrics.jsonl has the steps '$steps', expected 2 4 5"
grep -qE '^step 4: rho [0-9.]+ \(real images 1\), coverage' "$run/log.txt" || die "log.txt does not say what was found"
grep -qE '^the lowest rho was [0-9.]+, at step [245]: .*/checkpoints/step_0000000[245]' "$run/log.txt" ||
  die "log.txt does not name the best checkpoint: $(cat "$run/log.txt")"
best=$(grep -oE '"rho": [0-9.]+' "$(checkpoint "$run")/meta.json")
lowest=$(grep -oE '"rho":[0-9.]+' "$run/metrics.jsonl" | cut -d: -f2 | sort -g | head -1)
[[ ${best#*: } == "$lowest" ]] || die "meta.json says $best, the lowest rho was $lowest"

# The result is that of a run without evaluations, and a resumed run finds the same figures.
plain=$(train "${tiny[@]}" --steps 5 --checkpoint-every 2 --out "$scratch/plain")
[[ ! -e $plain/metrics.jsonl ]] || die "a run without evaluations has a metrics.jsonl"
same_end "$run" "$plain" "a run with evaluations"
cp "$run/metrics.jsonl" "$scratch/whole.jsonl"
train --resume "$run/checkpoints/step_00000002" --progress none >/dev/null
cmp "$run/metrics.jsonl" "$scratch/whole.jsonl" || die "a resumed run has other figures"

# ---- afterwards -----------------------------------------------------------------------------------------------------

few=(--samples 256 --seed 9)
"$program" evaluate "$run" "${few[@]}" --json "$scratch/run.json" >"$scratch/table" || die "evaluate ended with $?"
for word in rho 'MNIST score' coverage precision 'kernel distance' 'KL of the classes'; do
  grep -qE "^$word +[0-9.-]+ +[0-9.-]+ " "$scratch/table" || die "the table has no line '$word': $(cat "$scratch/table")"
done
(($(figures "$scratch/run.json" | wc -l) >= 15)) || die "too few figures: $(cat "$scratch/run.json")"
grep -q '^"rho":1.0$' <(figures "$scratch/run.json" floors) || die "the floor of rho is not 1"
for file in evaluation.json generated.png real.png classes.png neighbours.png; do
  [[ -s $run/evaluation/$file ]] || die "evaluation/$file is missing"
done

# The weights alone, and the same images in a NumPy file.
"$program" evaluate "$(checkpoint "$run")/model.safetensors" "${few[@]}" --json "$scratch/weights.json" >/dev/null
cmp <(figures "$scratch/run.json") <(figures "$scratch/weights.json") || die "weights and run have other figures"
"$program" sample "$run" --count 300 --seed 9 --npz "$scratch/images.npz" >/dev/null
"$program" evaluate "$scratch/images.npz" --data strokes --samples 256 --json "$scratch/npz.json" --pictures "$scratch/shown" >/dev/null
cmp <(figures "$scratch/run.json") <(figures "$scratch/npz.json") || die "images and run have other figures"
[[ -s $scratch/shown/neighbours.png ]] || die "--pictures left none"

# ---- of classes, and of several channels -----------------------------------------------------------------------------

classes=$(train "${tiny[@]}" --conditional --steps 2 --eval-every 2 --eval-samples 256 --out "$scratch/classes")
grep -qE '^step 2: rho .*class accuracy [0-9.]+' "$classes/log.txt" || die "log.txt has no class accuracy: $(cat "$classes/log.txt")"
"$program" evaluate "$classes" "${few[@]}" >"$scratch/table"
grep -qE '^class accuracy +[0-9.]+ +[0-9.]+ ' "$scratch/table" || die "the table has no class accuracy: $(cat "$scratch/table")"

stacked=$(train "${tiny[@]}" --data stacked:strokes --steps 2 --out "$scratch/stacked")
"$program" evaluate "$stacked" "${few[@]}" --json "$scratch/stacked.json" >"$scratch/table"
grep -qE '^modes +[0-9]+ +[0-9]+ ' "$scratch/table" || die "the table has no modes: $(cat "$scratch/table")"
"$program" sample "$stacked" --count 256 --seed 9 --npz "$scratch/colours.npz" >/dev/null
"$program" evaluate "$scratch/colours.npz" --data stacked:strokes --samples 256 --json "$scratch/colours.json" >/dev/null
cmp <(figures "$scratch/stacked.json") <(figures "$scratch/colours.json") || die "colours and run have other figures"

# ---- what cannot be evaluated ---------------------------------------------------------------------------------------

refuses() { ends 1 "$1" evaluate "${@:2}"; }
ends 2 "'100' is not a whole number from 256" evaluate "$run" --samples 100
refuses 'images.npz: holds 300 images, fewer than the 10000 samples' "$scratch/images.npz" --data strokes
"$program" sample "$run" --count 256 --npz "$scratch/floats.npz" --float >/dev/null
refuses "floats.npz.*dtype is <f4, expected" "$scratch/floats.npz" --data strokes --samples 256
head -c 1000 "$scratch/images.npz" >"$scratch/short.npz"
refuses 'short.npz' "$scratch/short.npz" --data strokes --samples 256
refuses 'none: file not found' "$scratch/none"
refuses 'missing.safetensors: file not found' "$run" "${few[@]}" --classifier "$scratch/missing.safetensors"
refuses "has no metadata 'classes'" "$run" "${few[@]}" --classifier "$(checkpoint "$run")/model.safetensors"
mkdir "$scratch/unlabelled"
{ printf '\x00\x00\x08\x03\x00\x00\x02\x00\x00\x00\x00\x1c\x00\x00\x00\x1c'; head -c $((784 * 512)) "$program"; } \
  >"$scratch/unlabelled/train-images-idx3-ubyte"
refuses "unlabelled.*labels" "$run" "${few[@]}" --data "$scratch/unlabelled"
