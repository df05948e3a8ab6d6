# shellcheck shell=bash
# Sourced by the tests of docs/packaging.md, whose commands and projects they run as they stand there. The caller has set `cmake` and
# `compiler`, which stand in for those of the page.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

page=$root/docs/packaging.md

export CXX=$compiler HOME=$scratch/home
mkdir "$HOME"
cmake() { command "$cmake" "$@"; }
cpack() { command "${cmake%cmake}cpack" "$@"; }
g++() { command "$compiler" "$@"; }

# snippet LINE: the code block of the page that begins with that line, or with words of it.
snippet() {
  local text
  text=$(awk -v first="$1" '
    /^```/ { if (inside) { inside = 0; if (found) exit } else inside = begins = 1; next }
    inside && begins { begins = 0; found = index($0, first) == 1 }
    inside && found' "$page")
  [[ -n $text ]] || die "docs/packaging.md has no code that begins with '$1'" >&2
  echo "$text"
}

# project_with LINE: a folder, the current one from then on, as the page has it: tinygan, program.cpp and the CMakeLists.txt of the page
# that begins with that line, if any.
project_with() {
  local folder
  folder=$(mktemp -d "$scratch/project.XXXX")
  cd "$folder"
  ln -s "$root" tinygan
  cp "$here/routes/program.cpp" .
  [[ -z $1 ]] || snippet "$1" >CMakeLists.txt
}

# run LINE: the page's block of commands that begins with that line, in the current folder, up to the first that fails. What it prints is
# shown then.
run() {
  local commands
  commands=$(snippet "$1") || exit 1
  eval "${commands//$'\n'/ && }" >"$scratch/log" 2>&1 || die "docs/packaging.md: '$commands' failed: $(cat "$scratch/log")"
}

# says PROGRAM [ARGUMENT]: program.cpp was compiled, against this tinygan.
says() {
  local said
  said=$("$@" 2>&1) || true
  [[ $said == "tinygan $(version_of_header) on cpu: 6" ]] || die "$* printed '$said'"
}
