#!/usr/bin/env bash
# stages.sh
# The stages of scripts/test: a failed one keeps those from running that need it, and is not taken for theirs; times, notes and the
# summary of an interrupted run.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

cat >"$scratch/try" <<TRY
. "$root/scripts/lib.sh"
. "$root/scripts/stages.sh"
TRY
cat >>"$scratch/try" <<'TRY'
prerequisites() { ((${broken:-0} != 1)); }
release() { step configure; step build; if ((${broken:-0} == 2)); then false; echo 'PAST AN ERROR'; fi; }
consumers() { echo CONSUMERS; echo 'a test: its reason' | note 'tests that were skipped'; }
asan() { step build; sleep "${nap:-0}"; }
run_stages prerequisites 'release prerequisites' 'consumers release' 'asan prerequisites'
TRY

# summary: of the run in the file output, without its times.
summary() { sed -n '/^== scripts\/try: summary$/,$p' "$scratch/output" | tail -n +2 | sed 's/ *[0-9]* s\b//g; s/  */ /g; s/ *$//'; }

# ends CODE SUMMARY: the script, with the variables of the environment.
ends() {
  local code=0
  bash "$scratch/try" </dev/null >"$scratch/output" 2>&1 || code=$?
  [[ $code == "$1" && $(summary) == "$2" ]] || die "exit code $code, expected $1 and $2, got: $(cat "$scratch/output")"
  ! grep -q 'PAST AN ERROR' "$scratch/output" || die "a stage went on past its error"
}

ends 0 'prerequisites ok
release ok configure, build
consumers ok
asan ok build
all ok'
grep -qE '^release +ok +[0-9]+ s +configure [0-9]+ s, build [0-9]+ s$' "$scratch/output" || die "times: $(cat "$scratch/output")"
grep -A 1 '^== tests that were skipped$' "$scratch/output" | grep -qx 'a test: its reason' || die "notes: $(cat "$scratch/output")"

broken=2 ends 1 'prerequisites ok
release FAILED configure, build
consumers not run: release failed
asan ok build
all FAILED'
! grep -q CONSUMERS "$scratch/output" || die "a stage ran without the one that it needs"

broken=1 ends 1 'prerequisites FAILED
release not run: prerequisites failed
consumers not run: prerequisites failed
asan not run: prerequisites failed
all FAILED'

# A signal ends the stage with all that it started, and the summary comes all the same.
nap=600 bash "$scratch/try" </dev/null >"$scratch/output" 2>&1 &
script=$!
for ((i = 0; i < 100; ++i)); do
  ! grep -q '^== asan' "$scratch/output" || break
  sleep 0.1
done
sleep 0.3
kill -TERM "$script"
code=0
wait "$script" || code=$?
[[ $code == 143 ]] || die "exit code $code after SIGTERM: $(cat "$scratch/output")"
[[ $(summary) == 'prerequisites ok
release ok configure, build
consumers ok
asan interrupted build
all interrupted' ]] || die "after SIGTERM: $(cat "$scratch/output")"

code=0
bash "$root/scripts/test" --what >"$scratch/output" 2>&1 </dev/null || code=$?
[[ $code == 1 ]] && grep -q "unknown option '--what'" "$scratch/output" || die "an unknown option: $code, $(cat "$scratch/output")"
echo "stages: ok"
