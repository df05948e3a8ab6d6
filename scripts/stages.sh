# shellcheck shell=bash
# Sourced after lib.sh by scripts/test: runs stages in their order, times them, and ends with a summary.
#
#   run_stages "NAME [AFTER...]"...   runs the functions NAME; one whose AFTER did not end well is not run. Does not return
#   step NAME                         inside a stage: what begins now, for its time in the summary
#   note HEADING                      inside a stage: its standard input becomes part of the summary, under that heading

notes=$(mktemp -d)
trap 'rm -rf "$notes"' EXIT

step() { echo "$SECONDS $*" >>"$notes/steps"; }
note() { cat >>"$notes/note.$1"; }

# ---- Running -------------------------------------------------------------------------------------------------------

planned=()
current='' running='' outcome=ok exit_code=0
declare -A cause=()  # of a stage that did not end well: the stage that failed, itself or one that it comes after
lines=()             # of the summary

# The steps of the current stage with their times: "configure 4 s, build 80 s".
steps_until_now() {
  local at name previous='' text=''
  [[ -e $notes/steps ]] || return 0
  while read -r at name; do
    [[ -z $previous ]] || text+=" $((at - since)) s, "
    text+=$name previous=$name since=$at
  done <"$notes/steps"
  echo "$text $((SECONDS - since)) s"
}

conclude() {  # conclude VERDICT START: of the current stage
  local line
  line=$(printf '%-14s %-12s %5d s   %s' "$current" "$1" $((SECONDS - $2)) "$(steps_until_now)")
  lines+=("${line%"${line##*[! ]}"}")
  rm -f "$notes/steps"
}

# run_stage NAME [AFTER...]. Not to be called in a condition: bash would then run the stage on past its errors.
run_stage() {
  local after start=$SECONDS code
  current=$1
  for after in "${@:2}"; do
    [[ -n ${cause[$after]:-} ]] || continue
    cause[$current]=${cause[$after]}
    lines+=("$(printf '%-14s not run: %s failed' "$current" "${cause[$after]}")")
    return
  done
  say "$current"
  stage_start=$start
  set +e
  if [[ -t 0 ]]; then
    (set -e; "$current")  # in the foreground: sudo may ask for a password, and Ctrl-C ends all of it
    code=$?
  else
    set -m  # a process group of its own, which a signal to this script can end
    (set -e; "$current") <&0 &
    running=$!
    set +m
    wait "$running"
    code=$?
    running=''
  fi
  set -e
  if ((code == 0)); then
    conclude ok "$start"
  else
    cause[$current]=$current outcome=FAILED exit_code=1
    conclude FAILED "$start"
  fi
}

run_stages() {
  local words
  planned=("$@")
  trap 'interrupted 1' HUP
  trap 'interrupted 2' INT
  trap 'interrupted 15' TERM
  while ((${#planned[@]} > 0)); do
    read -ra words <<<"${planned[0]}"
    planned=("${planned[@]:1}")
    run_stage "${words[@]}"
  done
  finish
}

interrupted() {  # interrupted SIGNAL
  trap - HUP INT TERM
  if [[ -n $running ]]; then
    kill -TERM -- "-$running" 2>/dev/null
    wait "$running" 2>/dev/null
  fi
  conclude interrupted "$stage_start"
  local words
  for words in "${planned[@]}"; do lines+=("$(printf '%-14s not run: interrupted' "${words%% *}")"); done
  outcome=interrupted exit_code=$((128 + $1))
  finish
}

# ---- The summary ---------------------------------------------------------------------------------------------------

finish() {
  local file
  for file in "$notes"/note.*; do
    [[ -s $file ]] || continue
    say "${file##*/note.}"
    cat "$file"
  done
  say "scripts/${0##*/}: summary"
  printf '%s\n' "${lines[@]}" "$(printf '%-14s %-12s %5d s' all "$outcome" "$SECONDS")"
  exit "$exit_code"
}
