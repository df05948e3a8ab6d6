#!/usr/bin/env bash
# kill.sh DCGAN_MNIST [SEED]
# A run that is killed at 25 random moments, whatever it is doing then, and resumed each time, ends with the same bits as one
# that was left alone.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
RANDOM=${2:-$$}
echo "seed $((${2:-$$}))"
run=("${tiny[@]}" --steps 240 --checkpoint-every 3 --snapshot-every 7 --log-every 1 --keep-last 2 --keep-every 100)

begun=$(date +%s%N)
whole=$(train "${run[@]}" --out "$scratch/whole")
milliseconds=$((($(date +%s%N) - begun) / 1000000))

# Sessions of a random length around a twelfth of the whole run, so that many are needed. A machine that is faster now than it
# was in the first run may be done before 25 kills; then another run begins.
kills=0
runs=0
while ((kills < 25)); do
  runs=$((runs + 1))
  while :; do
    "$program" train "${run[@]}" --resume auto --out "$scratch/killed$runs" >"$scratch/path" 2>"$scratch/stderr" &
    session=$!
    sleep "$(printf '%d.%03d' 0 $((20 + RANDOM % (20 + milliseconds / 6) % 900)))"
    if kill -KILL "$session" 2>/dev/null; then
      code=0
      wait "$session" 2>/dev/null || code=$?
      ((code == 137)) && kills=$((kills + 1))
      ((code == 137 || code == 0)) || die "a session ended with $code: $(cat "$scratch/stderr")"
    else
      code=0
      wait "$session" || code=$?
      ((code == 0)) || die "a session ended with $code: $(cat "$scratch/stderr")"
    fi
    ((code != 0)) || break
    ((kills < 25)) || { train "${run[@]}" --resume auto --out "$scratch/killed$runs" >"$scratch/path"; break; }
  done
  same_end "$whole" "$(cat "$scratch/path")" "killed $kills times"
  for grid in "$whole"/*.png; do
    cmp "$grid" "$(cat "$scratch/path")/$(basename "$grid")" || die "the grid $(basename "$grid") differs"
  done
  find "$(cat "$scratch/path")" -name '.tmp-*' -o -name '*.tmp-*' | grep . && die "half-written files were left behind"
done
echo "$test_name: ok, $kills kills in $runs runs of $milliseconds ms"
