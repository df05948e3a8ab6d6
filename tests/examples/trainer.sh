#!/usr/bin/env bash
# trainer.sh DCGAN_MNIST
# The trainer from the outside: what a short run leaves behind, the same bits at any number of threads, the rules of its
# options and of what it prints where, and one readable line and the right exit code for what goes wrong.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

is_png() { [[ -s $1 && $(head -c 8 "$1" | od -An -tx1 | tr -d ' ') == 89504e470d0a1a0a ]] || die "$1 is no PNG file"; }

# ---- what a run leaves behind ---------------------------------------------------------------------------------------

run=$(train "${tiny[@]}" --steps 3 --snapshot-every 2 --threads 1 --out "$scratch/one")
[[ $run == "$scratch/one/00000-small-bce-b8" ]] || die "the run directory is $run"
for file in options.json env.json log.txt stats.jsonl report.html progress.gif "$(cat "$run/latest")"/{model,state}.safetensors; do
  [[ -s $run/$file ]] || die "no $file in $run"
done
ls "$run"/events.out.tfevents.* >/dev/null || die "no event file in $run"
for grid in reals fakes_init fakes_000002 fakes_000003; do is_png "$run/$grid.png"; done
[[ $(train "${tiny[@]}" --steps 1 --out "$scratch/one") == "$scratch/one/00001-small-bce-b8" ]] || die "runs are not numbered"

two=$(train "${tiny[@]}" --steps 3 --snapshot-every 2 --threads 2 --out "$scratch/two")
same_end "$run" "$two" "1 and 2 threads"
"$program" sample --weights "$run" --out "$scratch/grid.png" >/dev/null || die "sample ended with $?"
is_png "$scratch/grid.png"

# A run's options are a configuration file; the command line wins over it.
again=$(train --config "$run/options.json" --seed 6 --steps 1 --out "$scratch/again" --progress none)
grep -q '"seed": 6' "$again/options.json" || die "--config has overruled the command line"
grep -q '"batch-size": 8' "$again/options.json" || die "--config was not read"
printf '# a comment\nmodel = "small"\nbatch-size = 4\n' >"$scratch/run.toml"
ends 0 '"batch-size":4,' train --config "$scratch/run.toml" --smoke --dry-run

# One batch, over and over, is soon told apart from noise: D is sure of it after a few steps.
overfit=$(train "${tiny[@]}" --overfit-batch --steps 60 --log-every 60 --out "$scratch/overfit")
grep -q '"epoch":60,"step":60' "$overfit/stats.jsonl" || die "an epoch of --overfit-batch is not one step"

# ---- what goes where ------------------------------------------------------------------------------------------------

"$program" train "${tiny[@]}" --steps 1 --out "$scratch/three" >"$scratch/stdout" 2>"$scratch/stderr"
[[ $(cat "$scratch/stdout") == "$scratch/three/00000-small-bce-b8" ]] || die "standard output: $(cat "$scratch/stdout")"
[[ ! -s $scratch/stderr ]] || die "--progress none is not silent: $(cat "$scratch/stderr")"
"$program" train "${tiny[@]}" --progress auto --log-every 1 --steps 3 --out "$scratch/three" >/dev/null 2>"$scratch/stderr"
! grep -q $'[\r\x1b]' "$scratch/stderr" || die "control characters on a stream that is no terminal"
fields='^epoch 1/1  step 3/3  images 24  loss_D [0-9.]+  loss_G [0-9.]+  D\(x\) [01]\.[0-9]+  D\(G\(z\)\) [01]\.[0-9]+  '
fields+='\|gD\| [0-9.e+-]+  \|gG\| [0-9.e+-]+  sD [0-9.e+-]+  [0-9]+ img/s  eta 0:00  mem [0-9]+ MiB$'
grep -qE "$fields" "$scratch/stderr" || die "the status line has other fields: $(grep '^epoch' "$scratch/stderr")"
if command -v script >/dev/null; then
  for columns in 60 200; do
    TERM=xterm script -qec "stty cols $columns; '$program' train ${tiny[*]} --progress auto --steps 40 --out $scratch/tty" \
      "$scratch/typescript" >/dev/null
    grep -q $'\r\x1b\\[K' "$scratch/typescript" || die "no live line on a terminal"
    widest=$(tr '\r' '\n' <"$scratch/typescript" | sed 's/\x1b\[K//' | grep 'img/s' | wc -L)
    ((widest < columns)) || die "a live line of $widest characters on a terminal of $columns"
  done
else
  echo "NOT TESTED: the live line (no program 'script' to make a terminal)"
fi

for command in "" train sample interpolate export info; do
  "$program" $command --help >"$scratch/help"
  (($(wc -L <"$scratch/help") <= 80)) || die "$command --help is wider than 80 columns"
done

before=$(find "$scratch" -type d | wc -l)
ends 0 "dry run" train "${tiny[@]}" --progress plain --dry-run --out "$scratch/dry"
[[ $(find "$scratch" -type d | wc -l) == "$before" ]] || die "--dry-run has made a directory"

# ---- what goes wrong ------------------------------------------------------------------------------------------------

head -c 1000 "$(checkpoint "$run")/model.safetensors" >"$scratch/cut.safetensors"
ends 1 cut.safetensors sample --weights "$scratch/cut.safetensors" --out "$scratch/grid.png"
ends 1 nowhere.safetensors sample --weights "$scratch/nowhere.safetensors" --out "$scratch/grid.png"
ends 1 "$scratch/nothing" train --data "$scratch/nothing" --steps 1 --progress none --out "$scratch/four"
ends 1 null train "${tiny[@]}" --steps 1 --out /dev/null/runs
ends 1 cuda:99 train "${tiny[@]}" --device cuda:99 --steps 1 --out "$scratch/four"
ends 1 "bf16 .* on cpu" train "${tiny[@]}" --device cpu --precision bf16 --steps 1 --out "$scratch/four"
ends 1 "batch size 56, expected at most 48" train "${tiny[@]}" --critic-steps 7 --steps 1 --out "$scratch/four"
ends 1 "49 images, expected at most" train "${tiny[@]}" --batch-size 49 --overfit-batch --steps 1 --out "$scratch/four"
[[ ! -e $scratch/four ]] || die "a run that could not begin has left a directory"
ends 2 device train --device abacus
ends 2 model train --model resnet
ends 2 batch-size train --batch-size 0
ends 2 "batch-size.*eight" train --batch-size eight
ends 2 "unknown option --snapshot; did you mean --snapshot-every" train --snapshot 5
ends 2 "unknown option --batchsize; did you mean --batch-size" train --batchsize=4
ends 2 "unknown option --no-such-option-at-all$" train --no-such-option-at-all
ends 2 "unexpected 'trian'; did you mean train" trian
ends 2 "unknown option --weigths; did you mean --weights" sample --weigths x
ends 2 "config.*cannot read" train --config "$scratch/none.toml"
printf 'btach-size = 4\n' >"$scratch/run.toml"
ends 2 "unknown option --btach-size; did you mean --batch-size" train --config "$scratch/run.toml"
echo "$test_name: ok"
