#!/usr/bin/env bash
# lto_odr.sh G++
# All parts in one link-time optimised program: the compiler sees every type twice and must have nothing to say.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
compile=("$1" "${strict_flags[@]}" -O2 -flto=auto -Wodr -Wlto-type-mismatch -pthread)
program=$here/program

build() {  # build OUTPUT SOURCE...: different flags per file are what hides violations, so each is compiled by itself
  local output=$1 objects=() source
  for source in "${@:2}"; do
    objects+=("$scratch/$(basename "$source").o")
    "${compile[@]}" -I "$root/include" -c "$source" -o "${objects[-1]}"
  done
  "${compile[@]}" "${objects[@]}" -o "$output"
}

sources=("$program/main.cpp" "$program/second.cpp" "$program/library.cpp" "$program/other_library.cpp")
if ! build "$scratch/program" "${sources[@]}" >"$scratch/messages" 2>&1 || [[ -s $scratch/messages ]]; then
  echo "The link-time optimised build failed or was not silent:"
  cat "$scratch/messages"
  exit 1
fi
"$scratch/program"

# The check itself works: two structs of one name that differ are found.
echo 'struct Config { int a; }; int f(Config*); int main() { Config c{}; return f(&c); }' >"$scratch/one.cpp"
echo 'struct Config { float b[2]; }; int f(Config* c) { return c->b[1] > 0; }' >"$scratch/two.cpp"
if build "$scratch/violation" "$scratch/one.cpp" "$scratch/two.cpp" >/dev/null 2>&1; then
  echo "A violation of the one-definition rule went unnoticed"
  exit 1
fi
