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
variant every --spectral-norm --minibatch-stddev --packing 2 --dropout 0 --discriminator-width 0.5

run=$scratch/every/all/00000-small-bce-b8
for option in '"spectral-norm": true' '"minibatch-stddev": true' '"packing": 2' '"dropout": 0.0' \
  '"discriminator-width": 0.5'; do
  grep -q "$option" "$run/options.json" || die "options.json has no $option"
done
for entry in 'spectral_norm: 1' 'minibatch_stddev: 4' 'packing: 2' 'discriminator_width: 0.5'; do
  "$program" info "$(checkpoint "$run")/model.safetensors" | grep -q "^  $entry\$" || die "the weights file does not say $entry"
done
grep -q 'conv2d_1 *4x4, stride 2, leaky_relu 0.2, spectral norm  (4, 7, 7, 32) ' "$run/log.txt" || die "the log shows another network"

# A run without options leaves weights files as they were before there were any.
"$program" info "$(checkpoint "$scratch/plain/all/00000-small-bce-b8")/model.safetensors" >"$scratch/info"
keys=$(sed -nE 's/^  ([a-z_]+): .*/\1/p' "$scratch/info" | grep -v -e discriminator -e generator | tr '\n' ' ')
[[ $keys == "format model step " ]] || die "the metadata of a plain run are $keys"

# A kernel with spectral norm is exported as it is used; other networks than those of Python's files are exported all the same.
for layout in keras torch; do
  "$program" export "$scratch/spectral/all/00000-small-bce-b8" --layout $layout --out "$scratch/out.safetensors" >/dev/null ||
    die "export --layout $layout"
  ! "$program" info "$scratch/out.safetensors" | grep -q spectral_norm.u || die "u was exported"
  "$program" export "$run" --layout $layout --out "$scratch/out.safetensors" >/dev/null || die "export of all options"
done

ends 1 "minibatch_stddev: a batch of 6, expected at most 4 or a multiple of it" \
  train "${tiny[@]}" --batch-size 6 --minibatch-stddev --steps 1 --out "$scratch/none"
ends 1 "pack: a batch of 8 images, expected a multiple of 3" train "${tiny[@]}" --packing 3 --steps 1 --out "$scratch/none"
[[ ! -e $scratch/none ]] || die "a run that could not begin has left a directory"
ends 2 "packing" train --packing 0
ends 2 "dropout" train --dropout 1
ends 2 "discriminator-width" train --discriminator-width 0
ends 1 "would change its result" train --resume "$run" --packing 4
echo "$test_name: ok"
