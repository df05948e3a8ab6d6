#!/usr/bin/env bash
# signals.sh DCGAN_MNIST
# Ctrl-C once saves and says how to go on, twice ends at once; SIGUSR1 saves and goes on; two programs never share a run.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
long=("${tiny[@]}" --steps 1000000 --checkpoint-every 1000000 --snapshot-every 1000000 --log-every 1)

wait_until() {  # wait_until SECONDS COMMAND...
  local end=$((SECONDS + $1))
  until "${@:2}"; do
    ((SECONDS < end)) || die "waited $1 s for: ${*:2}"
    sleep 0.02
  done
}
has_steps() { [[ -s $run/stats.jsonl && $(wc -l <"$run/stats.jsonl") -ge $1 ]]; }

start() {  # start OUT ARGUMENT...: a long run in the background; sets `session` and `run`
  # Without a shell's job control, background processes ignore SIGINT unless the program asks for it, as ours does.
  "$program" train "${long[@]}" --progress plain --out "$1" "${@:2}" >"$1.path" 2>"$1.stderr" &
  session=$!
  wait_until 60 test -s "$1.path"
  run=$(cat "$1.path")
  wait_until 60 has_steps 3
}

ended() {  # ended CODE: the session ends with it
  local code=0
  wait "$session" || code=$?
  [[ $code == "$1" ]] || die "the session ended with $code, expected $1"
}

# Once: the step is finished, saved and drawn, and the command that goes on is printed and works.
for signal in INT TERM; do
  start "$scratch/$signal"
  kill -"$signal" "$session"
  ended 130
  last=$(tail -1 "$run/stats.jsonl" | sed 's/.*"step":\([0-9]*\).*/\1/')
  [[ $(cat "$run/latest") == "checkpoints/step_$(printf %08d "$last")" ]] ||
    die "$signal: step $last was the last, saved is $(cat "$run/latest")"
  [[ -s $run/fakes_$(printf %06d "$last").png ]] || die "$signal: no grid of the last step"
  grep -q "dcgan_mnist train --resume $run" "$scratch/$signal.stderr" || die "$signal: no resume command printed"
  train --resume "$run" --steps $((last + 2)) --progress none >/dev/null
  whole=$(train "${long[@]}" --steps $((last + 2)) --out "$scratch/whole_$signal")
  same_end "$whole" "$run" "interrupted by $signal"
done

# Save on request, and go on.
start "$scratch/usr1"
[[ ! -e $run/latest ]] || die "there is a checkpoint before it was asked for"
kill -USR1 "$session"
wait_until 60 test -s "$run/latest"
steps=$(wc -l <"$run/stats.jsonl")
wait_until 60 has_steps $((steps + 2))

# The run is taken.
ends 1 "another process is training" train --resume "$run"

# Twice: at once, while the program cannot get on with its step; what was saved is as it was.
saved=$(cat "$run/latest")
kill -STOP "$session"
kill -INT "$session"
kill -TERM "$session"  # two pending signals of one kind would be one
kill -CONT "$session"
ended 130
[[ $(cat "$run/latest") == "$saved" ]] || die "the second signal did not end the program at once"
train --resume "$run" --steps $((10#${saved##*_} + 1)) --progress none >/dev/null
echo "$test_name: ok"
