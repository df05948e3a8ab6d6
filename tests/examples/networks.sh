#!/usr/bin/env bash
# networks.sh DCGAN_MNIST
# The options of the networks from the outside: every one trains, resumes bit for bit, and its weights files say what
# the networks were, so that samples need no options.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# variant NAME OPTION...: 4 steps at once, and 2 and 2 again, end with the same bits; samples and exports can be made.
variant() {
  local name=$1 all parts
  shift
  all=$(train "${tiny[@]}" "$@" --log-every 1 --steps 4 --out "$scratch/$name/all")
  parts=$(train "${tiny[@]}" "$@" --log-every 1 --steps 2 --out "$scratch/$name/parts")
  train --resume "$parts" --steps 4 --progress none >/dev/null
  same_end "$all" "$parts" "$name: resumed"
  for raw in "" --raw; do
    "$program" sample "$all" $raw --count 4 --npz "$scratch/$name.npz" --out "$scratch/$name.png" >/dev/null ||
      die "$name: sample $raw ended with $?"
  done
  "$program" interpolate "$all" --rows 2 --steps 3 --out "$scratch/$name.png" >/dev/null || die "$name: interpolate"
}

variant plain
variant spectral --spectral-norm
variant stddev --minibatch-stddev
variant pack --packing 2
variant dropout --dropout 0.5
variant width --discriminator-width 0.25
variant hidden --hidden-layers 1
variant virtual --norm virtual
variant linear --model linear --packing 2
variant conditional --conditional
variant all_conditional --conditional --norm virtual --spectral-norm --minibatch-stddev
variant every --norm virtual --spectral-norm --minibatch-stddev --packing 2 --dropout 0 --discriminator-width 0.5

run=$scratch/every/all/00000-small-bce-b8
for option in '"spectral-norm": true' '"minibatch-stddev": true' '"packing": 2' '"dropout": 0.0' \
  '"discriminator-width": 0.5'; do
  grep -q "$option" "$run/options.json" || die "options.json has no $option"
done
for entry in 'norm: virtual' 'spectral_norm: true' 'minibatch_stddev: 4' 'packing: 2' 'discriminator_width: 0.5'; do
  "$program" info "$(checkpoint "$run")/model.safetensors" | grep -q "^  $entry\$" || die "the weights file does not say $entry"
done
grep -q 'conv2d_1 *4x4, stride 2, leaky_relu 0.2, spectral norm  (4, 7, 7, 32) ' "$run/log.txt" || die "the log shows another network"

LC_ALL=C sed 's/"norm":"virtual"/"norm":"virtuax"/' "$(checkpoint "$run")/model.safetensors" >"$scratch/odd.safetensors"
ends 1 "odd.safetensors: has the metadata 'norm' 'virtuax', which is no value of it" sample "$scratch/odd.safetensors"

# A run without options leaves weights files as they were before there were any.
"$program" info "$(checkpoint "$scratch/plain/all/00000-small-bce-b8")/model.safetensors" >"$scratch/info"
keys=$(sed -nE 's/^  ([a-z_]+): .*/\1/p' "$scratch/info" | grep -v -e discriminator -e generator | tr '\n' ' ')
[[ $keys == "format model step " ]] || die "the metadata of a plain run are $keys"

# A kernel with spectral norm is exported as it is used; other networks than those of Python's files are exported all the same.
for layout in keras torch; do
  "$program" export "$scratch/spectral/all/00000-small-bce-b8" --layout $layout --out "$scratch/out.safetensors" >/dev/null ||
    die "export --layout $layout"
  ! "$program" info "$scratch/out.safetensors" | grep -q spectral_norm.u || die "u was exported"
  "$program" export "$scratch/width/all/00000-small-bce-b8" --layout $layout --out "$scratch/out.safetensors" >/dev/null ||
    die "export of a narrow discriminator"
  "$program" info "$scratch/out.safetensors" | grep -q '^  discriminator_width: 0.25$' || die "export drops the options"
done
# ONNX has operators for all that the options change.
for name in every all_conditional; do
  "$program" export "$scratch/$name/all/00000-small-bce-b8" --layout onnx --out "$scratch/$name" >/dev/null || die "$name: export to ONNX"
done
ends 1 "no rule for a layer of type add_reference" export "$run" --layout keras --out "$scratch/out.safetensors"

# Classes of samples: one for all, or a row for each; the same z of another class is another image.
conditional=$scratch/conditional/all/00000-small-bce-b8
"$program" info "$(checkpoint "$conditional")/model.safetensors" | grep -q '^  classes: 10$' || die "no classes in the weights file"
for class in 3 7; do
  "$program" sample "$conditional" --count 4 --class $class --pngs "$scratch/class$class" >/dev/null || die "sample --class $class"
done
! cmp -s "$scratch/class3/sample_000000.png" "$scratch/class7/sample_000000.png" || die "classes 3 and 7 are drawn alike"
"$program" sample "$conditional" --count 40 --out "$scratch/rows.png" >/dev/null || die "a grid with a row a class"
[[ $(head -c 24 "$scratch/rows.png" | tail -c 8 | od -An -tu1 | awk '{print $3 * 256 + $4, $7 * 256 + $8}') == "117 291" ]] ||
  die "a grid of 40 images of 10 classes has not 4 columns and 10 rows"
"$program" interpolate "$conditional" --class 5 --rows 2 --steps 2 --gif "$scratch/way.gif" >/dev/null || die "interpolate --class"
ends 1 "--class: .* holds no conditional generator" sample "$run" --class 3 --out "$scratch/none.png"
ends 1 "--class: 10, expected 0 to 9" sample "$conditional" --class 10 --out "$scratch/none.png"
ends 2 "--class: 'x'" sample "$conditional" --class x
ends 1 "no rule for a layer of type projection" export "$conditional" --layout torch --out "$scratch/none.safetensors"
mkdir "$scratch/unlabelled"
{ printf '\x00\x00\x08\x03\x00\x00\x00\x10\x00\x00\x00\x1c\x00\x00\x00\x1c'; head -c $((16 * 784)) /dev/zero; } \
  >"$scratch/unlabelled/train-images-idx3-ubyte"
ends 1 "no train-labels in .*unlabelled" train "${tiny[@]}" --images 0 --data "$scratch/unlabelled" --conditional \
  --steps 1 --out "$scratch/none"

ends 1 "minibatch_stddev: a batch of 6, expected at most 4 or a multiple of it" \
  train "${tiny[@]}" --batch-size 6 --minibatch-stddev --steps 1 --out "$scratch/none"
ends 1 "pack: a batch of 8 images, expected a multiple of 3" train "${tiny[@]}" --packing 3 --steps 1 --out "$scratch/none"
ends 1 "packs of 2 images in conditional networks" train "${tiny[@]}" --conditional --packing 2 --out "$scratch/none"
ends 1 "article: virtual batch norm, expected none" train "${tiny[@]}" --model article --norm virtual --out "$scratch/none"
ends 1 "article: 1 hidden layers in the generator, expected the network's own" train "${tiny[@]}" --model article --hidden-layers 1 --out "$scratch/none"
ends 1 "linear: dropout 0.5, expected none" train "${tiny[@]}" --model linear --dropout 0.5 --out "$scratch/none"
[[ ! -e $scratch/none ]] || die "a run that could not begin has left a directory"
ends 2 "norm: 'layer' is unknown" train --norm layer
ends 2 "packing" train --packing 0
ends 2 "hidden-layers" train --hidden-layers -2
ends 2 "dropout" train --dropout 1
ends 2 "discriminator-width" train --discriminator-width 0
ends 1 "would change its result" train --resume "$run" --packing 4
echo "$test_name: ok"
