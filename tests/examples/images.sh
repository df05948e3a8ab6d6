#!/usr/bin/env bash
# images.sh DCGAN_MNIST
# What a run is trained on and what its discriminator sees: every option trains and resumes bit for bit, also in a captured
# step and with bfloat16; images of three channels go through grids, samples, animations and back into a data set.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# resumes NAME STEPS OPTION...: STEPS at once, and 2 fewer and the rest, end with the same bits. Sets `run`.
resumes() {
  local name=$1 steps=$2 part
  shift 2
  run=$(train "${tiny[@]}" "$@" --log-every 1 --steps "$steps" --out "$scratch/$name/all")
  part=$(train "${tiny[@]}" "$@" --log-every 1 --steps $((steps - 2)) --out "$scratch/$name/parts")
  train --resume "$part" --steps "$steps" --progress none >/dev/null
  same_end "$run" "$part" "$name: resumed"
}
weights() { sha256sum <"$(checkpoint "$run")/model.safetensors"; }

# ---- every option changes the result, and resumes -------------------------------------------------------------------

resumes plain 9  # an epoch of 6 steps, and into the next
plain=$(weights)
declare -A seen=(["$plain"]=plain)
option() {  # option NAME OPTION...
  resumes "$1" 9 "${@:2}"
  local sum
  sum=$(weights)
  [[ -z ${seen[$sum]:-} ]] || die "$1: the weights of ${seen[$sum]}"
  seen[$sum]=$1
}
option shift --augment-shift 2
option rotation --augment-rotation 10
option scale --augment-scale 0.1
option color --diff-augment color
option translation --diff-augment translation
option cutout --diff-augment cutout
option noise --instance-noise 0.2
option all --augment-shift 1 --augment-rotation 5 --augment-scale 0.05 --diff-augment color,translation,cutout --instance-noise 0.1 \
  --loss wgan-gp --critic-steps 2
whole=$(train "${tiny[@]}" --instance-noise 0.2 --instance-noise-decay 1 --log-every 1 --steps 9 --out "$scratch/decay")
part=$(train "${tiny[@]}" --instance-noise 0.2 --instance-noise-decay 1 --checkpoint-every 4 --keep-last 0 --log-every 1 --steps 9 \
  --out "$scratch/decay")
train --resume "$part/checkpoints/step_00000004" --progress none >/dev/null
same_end "$whole" "$part" "noise that falls: resumed"
! cmp -s "$(checkpoint "$whole")/model.safetensors" "$(checkpoint "$scratch/noise/all/00000-small-bce-b8")/model.safetensors" ||
  die "--instance-noise-decay changes nothing"
ends 1 "the run has --instance-noise-decay, which spreads over all of its steps" train --resume "$whole" --steps 12
for named in '"augment-shift": 1.0' '"augment-rotation": 5.0' '"augment-scale": 0.05' '"instance-noise": 0.1' \
  '"diff-augment": "color,translation,cutout"'; do
  grep -q -- "$named" "$run/options.json" || die "options.json has no $named"
done
ends 1 "would change its result" train --resume "$run" --diff-augment none
resumes off 9 --diff-augment none --instance-noise 0 --augment-shift 0 --instance-noise-decay 0.5
[[ $(weights) == "$plain" ]] || die "options that are off change the result"

# The CUDA kernels, run on the CPU, in a captured step.
for precision in fp32 bf16; do
  resumes "emulated_$precision" 5 --device emulated --precision "$precision" --images 8 --batch-size 2 --statistics-images 2 \
    --augment-shift 2 --diff-augment color,translation,cutout --instance-noise 0.1
done

# ---- three channels ---------------------------------------------------------------------------------------------------

color_type() { od -An -tu1 -j 25 -N 1 "$1" | tr -d ' '; }  # of a PNG file: 0 grey, 2 RGB
resumes stacked 9 --data stacked:strokes --diff-augment color,translation,cutout --augment-shift 1 --snapshot-every 3
grep -q '^data stacked built-in stroke digits: 48 images of 28x28x3, md5' "$run/log.txt" || die "the log does not say 28x28x3"
for picture in reals fakes_init fakes_000009; do
  [[ $(color_type "$run/$picture.png") == 2 ]] || die "$picture.png is not RGB"
done
[[ $(head -c 6 "$run/progress.gif") == GIF89a ]] || die "no progress.gif"
"$program" sample "$run" --count 40 --pngs "$scratch/rgb" --npz "$scratch/rgb.npz" --out "$scratch/rgb.png" >/dev/null
[[ $(color_type "$scratch/rgb/sample_000039.png") == 2 && $(color_type "$scratch/rgb.png") == 2 ]] || die "samples are not RGB"
"$program" interpolate "$run" --rows 2 --steps 3 --gif "$scratch/rgb.gif" --out "$scratch/way.png" >/dev/null
[[ $(color_type "$scratch/way.png") == 2 ]] || die "interpolations are not RGB"
"$program" info "$(checkpoint "$run")/model.safetensors" | grep -q '^  channels: 3$' || die "the weights file does not say 3 channels"
ends 0 "^data $scratch/rgb: 40 images of 28x28x3" train "${tiny[@]}" --images 0 --data "$scratch/rgb" --progress plain --dry-run
"$program" sample "$scratch/plain/all/00000-small-bce-b8" --count 1 --out "$scratch/grey.png" >/dev/null
[[ $(color_type "$scratch/grey.png") == 0 ]] || die "samples of one channel are not grey"
cp "$scratch/grey.png" "$scratch/rgb/zzz.png"
ends 1 "$scratch/rgb/zzz.png: is 30x30x1, expected 28x28x3 like" train "${tiny[@]}" --data "$scratch/rgb"
echo "$test_name: ok"
