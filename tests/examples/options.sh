#!/usr/bin/env bash
# options.sh DCGAN_MNIST
# The values of options: what is taken, in which one reading, and what is a usage error, on the command line, in configuration
# files and in the options.json of a run. The program's locale has no influence on any of it, nor on the files.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
run=$(train "${tiny[@]}" --steps 2 --out "$scratch/runs")
cd "$scratch"

# resolved PATTERN ARGUMENT...: the options that train prints hold PATTERN.
resolved() {
  "$program" train --smoke --dry-run --progress plain "${@:2}" >stdout 2>stderr || die "train ${*:2}: exit code $?: $(cat stderr)"
  grep '^options ' stderr | grep -qF -- "$1" || die "train ${*:2}: expected $1 in $(grep '^options ' stderr)"
}
# config FILE FORMAT ARGUMENT...: printf into a file.
config() { printf "${@:2}" >"$1"; }

[[ $("$program" --version) =~ ^dcgan_mnist\ [0-9]+\.[0-9]+\.[0-9]+$ ]] || die "--version prints '$("$program" --version)'"

# ---- numbers --------------------------------------------------------------------------------------------------------

not_whole=(nan inf -1 -0 +5 ' 5' '5 ' 0x10 1e3 1_000 1,000 1.0 5. five 9223372036854775808 99999999999999999999999 '٣')
not_real=(nan NAN -nan 'nan(0x1)' inf -inf Infinity 1e400 -1e400 1e-400 -0.1 1e7 +0.5 ' 0.5' '0.5 ' 0x1p-3 0,5 0_1 0.5f e5 .)
whole=(images warmup-steps penalty-every critic-steps epochs steps batch-size statistics-images threads snapshot-every checkpoint-every keep-last
  keep-every log-every)
real=(label-smoothing penalty-weight r2 learning-rate learning-rate-d learning-rate-decay beta1 beta2 ema augment-shift
  augment-rotation augment-scale instance-noise instance-noise-decay)
seeds=(18446744073709551616 -18446744073709551615)

for option in "${whole[@]}"; do
  for value in "${not_whole[@]}"; do ends 2 "--$option: '.*' is not a whole number from" train "--$option=$value"; done
  ends 2 "--$option: the value is empty" train "--$option="
  ends 2 "--$option" train "--$option" '' --dry-run
  ends 2 "--$option" train "--$option"
done
for option in "${real[@]}"; do
  for value in "${not_real[@]}"; do ends 2 "--$option: " train "--$option=$value"; done
  ends 2 "--$option: '' is not a number from 0 to" train "--$option" ''
done
for value in "${not_whole[@]}" "${seeds[@]}"; do
  [[ $value == 9223372036854775808 ]] && continue  # a seed
  ends 2 "--seed: " train "--seed=$value"
  ends 2 "--seed: " sample "$run" "--seed=$value"
  for option in from to; do ends 2 "--$option: " interpolate "$run" "--$option=$value"; done
  for option in count columns threads; do ends 2 "--$option: " sample "$run" "--$option=$value"; done
  for option in rows steps threads; do ends 2 "--$option: " interpolate "$run" "--$option=$value"; done
done
for value in "${not_real[@]}"; do
  for command in sample interpolate; do ends 2 "--truncation: " "$command" "$run" "--truncation=$value"; done
done
ends 2 "--seed: '-3' is not a whole number from 0 to 18446744073709551615" sample "$run" --seed -3
ends 2 "--seed: the value is empty" sample "$run" --seed= 8
ends 2 "--batch-size: '1' is not a whole number from 2 to 1048576" train --batch-size 1
ends 2 "--ema: '1' is not a number from 0 to 0.999999" train --ema 1
for option in data out resume; do ends 2 "--$option: the value is empty" train "--$option" ''; done
ends 2 "--schedule: 'exponential' is unknown; there are linear, cosine, step, constant" train --schedule exponential
ends 2 "--dry-run: 'maybe' is neither true nor false" train --dry-run=maybe
ends 2 "--device: 'cuda:-1' is unknown" train --device cuda:-1
for list in flip color,flip color, ,color color,none 'color, cutout' ''; do
  ends 2 "--diff-augment: '.*' is unknown; there are color, translation, cutout, separated by commas, or none" \
    train --diff-augment "$list"
done
ends 2 "weights: the value is empty" sample ''
ends 2 "path: the value is empty" info ''

# Decimal, whatever zeros lead; the last of several counts.
zeros=(--images 0100 --batch-size 016 --steps 0070 --critic-steps 02 --statistics-images 0064 --seed 010 --epochs 009
  --snapshot-every 08 --checkpoint-every 09 --keep-last 07 --keep-every 011 --log-every 012 --eval-every 013 --eval-samples 0256 --threads 01
  --penalty-weight 010 --r1 00.5 --r2 01 --penalty-every 016 --learning-rate 0001e-03 --learning-rate-d 04e-4
  --learning-rate-decay .25 --schedule cosine --warmup-steps 017 --beta1 00.5 --beta2 0.99 --ema .25)
resolved '"images":100,"model":"small",' "${zeros[@]}"
resolved '"penalty-weight":10.0,"r1":0.5,"r2":1.0,"penalty-every":16,"critic-steps":2,"epochs":9,"steps":70,"batch-size":16,"seed":10,' "${zeros[@]}"
resolved '"learning-rate":0.001,"learning-rate-d":0.0004,"learning-rate-decay":0.25,"schedule":"cosine","warmup-steps":17,"beta1":0.5,"beta2":0.99,"ema":0.25,"statistics-images":64,' "${zeros[@]}"
resolved '"threads":1,' "${zeros[@]}"
resolved '"snapshot-every":8,"checkpoint-every":9,"keep-last":7,"keep-every":11,"log-every":12,"eval-every":13,"eval-samples":256,' "${zeros[@]}"
resolved '"seed":18446744073709551615,' --seed 18446744073709551615
resolved '"seed":8,' --seed 7 --seed 08
resolved '"ema":0.0,' --ema=-0
"$program" sample "$run" --count 5 --seed 10 --columns 3 --out decimal.png >/dev/null
"$program" sample "$run" --count 05 --seed 0010 --columns 003 --out zeros.png | grep -q '5 images .*, seed 10$' ||
  die "sample --count 05"
cmp decimal.png zeros.png
"$program" interpolate "$run" --rows 010 --steps 02 --from 08 --to 09 --out zeros.png |
  grep -q ': 10 spherical ways of 2 steps from seed 8 to seed 9,' || die "interpolate --rows 010"

# ---- options that do not go together --------------------------------------------------------------------------------

ends 2 "label smoothing 0.1 with the loss hinge" train --smoke --dry-run --loss hinge --label-smoothing 0.1
for loss in bce-saturating wgan wgan-gp; do
  ends 2 "a relativistic $loss, expected bce, lsgan or hinge" train --smoke --dry-run --loss $loss --relativistic
done
ends 2 "label smoothing 0.1 of a relativistic loss" train --smoke --dry-run --relativistic --label-smoothing 0.1
for penalty in "--r1 1" "--r2 1" "--loss wgan-gp"; do
  ends 1 "the discriminator has batch norm, expected none with a gradient penalty" train --smoke --dry-run --model libtorch $penalty
done
# What is usual depends on the loss and on the networks; options.json has the numbers, the command to repeat only what differs.
resolved '"r1":1.0,"r2":0.0,"penalty-every":4,'
resolved '"r1":0.0,"r2":0.0,"penalty-every":4,' --loss wgan
resolved '"r1":0.0,"r2":0.0,"penalty-every":1,' --loss wgan-gp
resolved '"r1":0.0,"r2":0.0,"penalty-every":4,' --model libtorch
resolved '"r1":0.5,"r2":0.0,"penalty-every":2,' --loss wgan-gp --r1 0.5 --penalty-every 2
grep -q '"r1": 1.0' "$run/options.json" || die "options.json has not what R1 weighs"
! grep '"command"' "$run/env.json" | grep -qE -- '--(r1|penalty-every)' || die "the command names what is usual"
resolved '"hidden-layers":-1,' --hidden-layers -1
resolved '"hidden-layers":0,' --hidden-layers 0
for value in -2 -0 -01 17 1.0 x; do ends 2 "--hidden-layers: '$value' is not a whole number from -1 to 16" train "--hidden-layers=$value"; done
for value in nan inf -2 x ''; do ends 2 "--r1: '$value' is not a number from -1 to" train --r1 "$value"; done
resolved '"relativistic":true,' --loss hinge --relativistic --r1 0.1
resolved '"loss":"wgan",' --loss wgan --weight-clip 0.02 --model libtorch

# ---- configuration files: the same checks, and errors that name file and line ---------------------------------------

config run.ini '%b' '# a comment\n; another\n\n  batch-size = 032  # behind a value\nseed=08\r\nmodel = "small"\r\n' \
  "overfit-batch\nout = 'a#b c'\n"
resolved '"batch-size":32,"seed":8,' --config run.ini
resolved '"overfit-batch":true,' --config run.ini
resolved '"out":"a#b c",' --config run.ini
resolved '"batch-size":4,' --config run.ini --batch-size 4
config run.ini '%b' 'diff-augment = color,cutout\ninstance-noise = 0.1\n'
resolved '"diff-augment":"color,cutout","instance-noise":0.1,' --config run.ini
resolved '"diff-augment":"none",' --config run.ini --diff-augment none
config run.json '{"batch-size": "032", "seed": 18446744073709551615, "ema": 5e-1, "init-from": "", "overfit-batch": false}'
resolved '"batch-size":32,"seed":18446744073709551615,' --config run.json
resolved '"ema":0.5,' --config run.json
resolved '"batch-size":8,' --config "$run/options.json"
"$program" train --smoke --dry-run --config <(echo batch-size = 032) 2>&1 | grep -q '"batch-size":32,' || die "--config of a pipe"
for mark in '' '\xef\xbb\xbf'; do
  for end in '\n' '\r\n' '\r'; do
    config run.ini "${mark}batch-size = 16${end}${end}seed = 3${end}"
    resolved '"batch-size":16,"seed":3,' --config run.ini
    config run.json "${mark}${end}{${end}\"batch-size\": 16,${end}\"seed\": 3}${end}"
    resolved '"batch-size":16,"seed":3,' --config run.json
  done
done
config run.ini 'seed = 1\nema = 0.5'
for encoding in UTF-16 UTF-16LE UTF-16BE UTF-32; do
  iconv -f UTF-8 -t $encoding run.ini >wide.ini
  ends 2 "--config: wide.ini: is UTF-16 or UTF-32 text; expected UTF-8" train --config wide.ini
done

for value in "${not_real[@]}"; do
  [[ $value == [-A-Za-z.]* ]] || continue
  config run.ini 'seed = 1\nema = %s\n' "$value"
  ends 2 "--config: run.ini: line 2: --ema: " train --config run.ini --ema 0.5
  config run.json '{"ema": "%s"}' "$value"
  ends 2 "--config: run.json: --ema: " train --config run.json
done
for value in 0x10 1e3 +5 1_000 -1 5.0 1e400 18446744073709551616 nan; do
  config run.ini 'seed = %s\n' "$value"
  ends 2 "--config: run.ini: line 1: --seed: '.*' is not a whole number" train --config run.ini
  config run.json '{"seed": "%s"}' "$value"
  ends 2 "--config: run.json: --seed: '.*' is not a whole number" train --config run.json
  config run.json '{"seed": %s}' "$value"
  ends 2 "--config: run.json: (--seed: '.*' is not a whole number|is not valid JSON: )" train --config run.json
done
config run.json '{"ema": 1e-400}'
ends 2 "--ema: '1e-400' is not a number" train --config run.json
for line in 'seed =' 'seed = ""' 'seed' 'seed = 1 2' 'seed = [1]'; do
  config run.ini '%s\n' "$line"
  ends 2 "run.ini: line 1: --seed: " train --config run.ini
done
config run.json '{"seed": ""}'
ends 2 "run.json: --seed: " train --config run.json
for value in null '[1]' '{"a": 1}'; do
  config run.json '{"seed": %s}' "$value"
  ends 2 "run.json: the value of 'seed' is not a" train --config run.json
done
config run.json '{"seed": 1'
ends 2 "run.json: is not valid JSON: " train --config run.json
config run.ini '\n[train]\nseed = 1\n'
ends 2 "run.ini: line 2: found '\[train\]', expected name = value" train --config run.ini
config run.ini 'model = "small\n'
ends 2 "run.ini: line 1: the quote .* is not closed" train --config run.ini
config run.ini '= 5\n'
ends 2 "run.ini: line 1: found '= 5', expected name = value" train --config run.ini
config run.ini 'overfit-batch = maybe\n'
ends 2 "run.ini: line 1: --overfit-batch: 'maybe' is neither" train --config run.ini
config run.ini 'config = other.ini\n'
ends 2 "run.ini: line 1: --config belongs on the command line" train --config run.ini
config run.ini '\nmodle = small\n'
ends 2 "run.ini: line 2: unknown option --modle; did you mean --model" train --config run.ini

# What is no configuration file.
mkfifo pipe
: >empty.ini
head -c 2000000 /dev/zero | tr '\0' '#' >large.ini
ends 2 "--config: $run: is a directory" train --config "$run"
ends 2 "--config: none.ini: cannot read: No such file" train --config none.ini
ends 2 "--config: empty.ini: is empty" train --config empty.ini
code=0
timeout 60 "$program" train --config pipe 2>stderr || code=$?
[[ $code == 2 ]] && grep -q 'pipe: is empty' stderr || die "a pipe that nobody writes to: exit code $code, $(cat stderr)"
ends 2 "--config: /dev/zero: is neither a file nor a pipe" train --config /dev/zero
ends 2 "--config: large.ini: is larger than 1 MiB" train --config large.ini
ends 2 "is not a text file" train --config "$run/reals.png"
ends 2 "--config: the value is empty" train --config=
ends 2 "--config: the value is empty" train --config ''
ends 2 "--config" train --config
ends 2 "unknown option --config" sample "$run" --config run.ini
config unreadable.ini 'seed = 1\n'
chmod 0 unreadable.ini
[[ -r unreadable.ini ]] || ends 2 "--config: unreadable.ini: cannot read: Permission denied" train --config unreadable.ini

# ---- the options of a run -------------------------------------------------------------------------------------------

damage() {  # damage SED PATTERN: an options.json that no command line could have made
  rm -rf damaged
  cp -r "$run" damaged
  sed -i "$1" damaged/options.json
  ends 1 "damaged/options.json: option $2" train --resume damaged --steps 4
}
damage 's/"ema": [0-9.]*/"ema": 1.5/' "ema: '1.5' is not a number from 0 to 0.999999"
damage 's/"ema": [0-9.]*/"ema": null/' "ema is null, a value of the wrong type"
damage 's/"batch-size": [0-9]*/"batch-size": -8/' "batch-size: '-8' is not a whole number"
damage 's/"batch-size": [0-9]*/"batch-size": 8.0/' "batch-size: '8.0' is not a whole number"
damage 's/"critic-steps": [0-9]*/"critic-steps": 4294967297/' "critic-steps: '4294967297' is not a whole number from 1 to 100"
damage 's/"seed": [0-9]*/"seed": "5"/' 'seed is "5", a value of the wrong type'
damage 's/"device": "[a-z:0-9]*"/"device": "abacus"/' "device: 'abacus' is unknown"
damage 's/"model": "small"/"model": "resnet"/' "model: 'resnet' is unknown"

# ---- grids that no PNG file holds, before the weights are read -------------------------------------------------------

ends 2 "a grid of 40000 images in 1 columns has 30x1160001 pixels, a PNG file at most 1000000 a side" \
  sample nowhere --count 40000 --columns 1 --out grid.png
ends 2 "a grid of 1000000 images, at most 250000" sample nowhere --count 1000000
ends 2 "a grid of 100000 images in 2 columns" sample nowhere --count 100000 --columns 2 --npz x.npz --out grid.png
ends 1 "nowhere" sample nowhere --count 40000 --columns 1 --npz x.npz
ends 1 "nowhere" sample nowhere --count 34482 --columns 1
ends 2 "--float requires --npz" sample nowhere --float

# ---- another locale: the same bytes ----------------------------------------------------------------------------------

# A library that makes the locale of C and C++ a foreign one before the program begins.
cat >foreign.cpp <<'C++'
#include <clocale>
#include <cstdio>
#include <cstdlib>
#include <locale>
#include <string>
struct Grouped : std::numpunct<char> {
  char do_decimal_point() const override { return ','; }
  char do_thousands_sep() const override { return '.'; }
  std::string do_grouping() const override { return "\3"; }
};
[[gnu::constructor]] static void begin() {
  std::setlocale(LC_ALL, "de_DE.UTF-8");
  std::locale::global(std::locale(std::locale::classic(), new Grouped));
  if (std::FILE* file = std::fopen(std::getenv("FOREIGN_MARK"), "w")) {
    std::fprintf(file, "%.1f\n", 0.5);
    std::fclose(file);
  }
}
C++
foreign() { LOCPATH=$scratch/locales FOREIGN_MARK=$scratch/mark LD_PRELOAD=$scratch/foreign.so "$program" "$@"; }
mkdir locales
if ! "${CXX:-c++}" -std=c++17 -shared -fPIC foreign.cpp -o foreign.so; then
  echo "NOT TESTED: another locale (no C++ compiler)"
elif ! foreign --help >help 2>stderr || [[ ! -e mark ]]; then
  echo "NOT TESTED: another locale (the program does not start with a library before it: $(head -n 1 stderr))"
else
  localedef -i de_DE -f UTF-8 locales/de_DE.UTF-8 2>stderr && [[ $(foreign --help >help; cat mark) == 0,5 ]] ||
    echo "NOT TESTED: a C locale with a decimal comma (localedef cannot make one: $(head -n 1 stderr))"
  for command in "" train sample interpolate export info; do
    cmp <("$program" $command --help) <(foreign $command --help) || die "$command --help depends on the locale"
  done
  resolves=(train --smoke --dry-run --images 2000 --learning-rate 0.0005 --ema 0.5)
  cmp <("$program" "${resolves[@]}" 2>&1) <(foreign "${resolves[@]}" 2>&1) || die "a dry run depends on the locale"
  config run.json '{"ema": 0.25, "images": 2000}'
  cmp <("$program" "${resolves[@]}" --config run.json 2>&1) <(foreign "${resolves[@]}" --config run.json 2>&1) ||
    die "a configuration file is read by the locale"

  mkdir -p here/00999-x there/00999-x  # the next run's number has four digits
  long=("${tiny[@]}" --images 2000 --steps 130 --snapshot-every 65 --ema 0.5 --out)
  first=$(train "${long[@]}" here)
  second=$(foreign train "${long[@]}" there) || die "train ended with exit code $? in another locale"
  [[ $first == here/01000-small-bce-b8 && $second == there/01000-small-bce-b8 ]] || die "the runs are $first and $second"
  same_end "$first" "$second" "another locale"
  # log RUN: without its folder, clock and speed.
  log() {
    sed -E 's/\b(here|there)\b/PLACE/g; s/[0-9]+ img\/s  eta [0-9:]+  mem [0-9]+/SPEED/; s/[0-9]+\.[0-9]+/x.x/g' "$1/log.txt"
  }
  cmp <(log "$first") <(log "$second") || die "log.txt depends on the locale: $(diff <(log "$first") <(log "$second"))"
  for file in reals.png fakes_init.png fakes_000065.png fakes_000130.png progress.gif "$(cat "$first/latest")/meta.json"; do
    cmp "$first/$file" "$second/$file" || die "$file depends on the locale"
  done
  cmp <(sed 's/"here"/"there"/' "$first/options.json") "$second/options.json" || die "options.json depends on the locale"
  cp "$second/report.html" report.html
  "$program" report "$second" >/dev/null
  cmp report.html "$second/report.html" || die "report.html depends on the locale"

  for command in "sample $first --count 1100 --truncation 0.5 --seed 1234567 --out" "interpolate $first --from 1000 --out" \
    "sample $first --count 1100 --npz" "interpolate $first --gif" "export $first --layout keras --out" "info $first"; do
    target=${command##* --}
    mkdir -p same
    rm -f same/*
    arguments=$command
    [[ $command == info* ]] || arguments+=" same/$target"
    "$program" $arguments >stdout || die "$arguments ended with exit code $?"
    rm -rf other
    cp -r same other
    foreign $arguments >stdout2 || die "$arguments ended with exit code $? in another locale"
    cmp stdout stdout2 || die "what $command prints depends on the locale"
    diff -r same other || die "what $command writes depends on the locale"
  done
  foreign train --resume "$first" --steps 132 --progress none >/dev/null || die "a run does not go on in another locale"
fi
echo "$test_name: ok"
