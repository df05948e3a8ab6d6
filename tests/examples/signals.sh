#!/usr/bin/env bash
# signals.sh DCGAN_MNIST
# Ctrl-C once saves and says how to go on, twice ends at once, and so do the signals of a closed terminal and of a limit of CPU
# time, and a standard output that is closed; SIGUSR1 saves and goes on; two programs never share a run.
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

saved_at_the_end() {  # saved_at_the_end WHAT: the last step that was logged is what `latest` names
  local last
  last=$(tail -1 "$run/stats.jsonl" | sed 's/.*"step":\([0-9]*\).*/\1/')
  [[ $(cat "$run/latest") == "checkpoints/step_$(printf %08d "$last")" ]] ||
    die "$1: step $last was the last, saved is $(cat "$run/latest")"
}

# The signals that the system sends, often more than once: every one of them asks for the same end.
for signal in HUP XCPU PIPE; do
  start "$scratch/$signal"
  kill -"$signal" "$session"
  sleep 0.05
  kill -"$signal" "$session" 2>/dev/null || true
  ended 130
  saved_at_the_end "$signal"
  grep -q "dcgan_mnist train --resume $run" "$scratch/$signal.stderr" || die "$signal: no resume command printed"
done
code=0
run=$scratch/limit/00000-small-bce-b8
(ulimit -S -t 1; "$program" train "${long[@]}" --out "$scratch/limit" >/dev/null) || code=$?
[[ $code == 130 ]] || die "a limit of CPU time ended the program with $code, expected 130"
saved_at_the_end "a limit of CPU time"
# timeout(1) signals the program and then its whole group.
code=0
run=$scratch/timeout/00000-small-bce-b8
timeout 1 "$program" train "${long[@]}" --out "$scratch/timeout" >/dev/null || code=$?
[[ $code == 124 && -s $run/latest ]] || die "under timeout, exit code $code, latest $(cat "$run/latest")"
saved_at_the_end timeout

# Under nohup a closed terminal changes nothing.
trap '' HUP
start "$scratch/nohup"
trap - HUP
kill -HUP "$session"
steps=$(wc -l <"$run/stats.jsonl")
wait_until 60 has_steps $((steps + 2))
kill -TERM "$session"
ended 130

# Before there is a step: nothing is written, or there is a checkpoint to go on from.
for delay in 0.002 0.01 0.03 0.1; do
  "$program" train "${long[@]}" --progress plain --out "$scratch/early$delay" >/dev/null 2>"$scratch/stderr" &
  session=$!
  # Until then it is this shell still, whose way of ending is to remove the scratch folder.
  until [[ /proc/$session/exe -ef $program ]] || ! kill -0 "$session" 2>/dev/null; do :; done
  sleep "$delay"
  kill -TERM "$session"
  code=0
  wait "$session" || code=$?
  [[ $code == 130 || $code == 143 ]] || die "SIGTERM after $delay s: exit code $code"
  [[ ! -e $scratch/early$delay || -s $(echo "$scratch/early$delay"/*/latest) ]] || die "SIGTERM after $delay s left half a run"
done

# A reader of standard output that goes away, and one of standard error.
run=$scratch/head/00000-small-bce-b8
code=0
"$program" train "${long[@]}" --progress plain --out "$scratch/head" 2>"$scratch/stderr" | head -1 >"$scratch/stdout" || code=$?
[[ $code == 130 && $(cat "$scratch/stdout") == "$run" && -s $run/latest ]] || die "closed standard output: exit code $code"
grep -q "standard output was closed" "$run/log.txt" || die "the log does not say that standard output was closed"
run=$scratch/head2/00000-small-bce-b8
code=0
"$program" train "${long[@]}" --progress plain --out "$scratch/head2" 2>&1 >/dev/null | sed -n '/step 2/q' || code=$?
[[ $code == 130 ]] || die "closed standard error: exit code $code"
saved_at_the_end "closed standard error"

# One of standard error that does not read: a full pipe stops the training, and not its end.
mkfifo "$scratch/pipe"
exec 3<>"$scratch/pipe"
"$program" train "${long[@]}" --progress plain --out "$scratch/full" >/dev/null 2>"$scratch/pipe" 3<&- &
session=$!
run=$scratch/full/00000-small-bce-b8
wait_until 60 has_steps 3
head -c 65536 /dev/zero >&3 2>/dev/null &
filler=$!
is_stuck() {
  steps=$(wc -l <"$run/stats.jsonl")
  sleep 0.3
  [[ $(wc -l <"$run/stats.jsonl") == "$steps" ]]
}
wait_until 60 is_stuck
kill -TERM "$session"
ended 130
saved_at_the_end "a full pipe"
kill "$filler" 2>/dev/null || true
exec 3>&-

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
