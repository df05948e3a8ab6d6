#!/usr/bin/env bash
# headers_alone.sh CXX
# Every public header compiles as the first and only include of a file, twice over, under the strict warnings.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
export compile_header="$1 ${strict_flags[*]} -fsyntax-only -I ."

cd "$root/include"
find tinygan -name '*.hpp' | LC_ALL=C sort >"$scratch/headers"
[[ -s $scratch/headers ]] || { echo "no header found under $root/include"; exit 1; }
while read -r header; do
  printf '#include <%s>\n#include <%s>\n' "$header" "$header" >"$scratch/$(echo "$header" | tr / _).cpp"
done <"$scratch/headers"

find "$scratch" -name '*.cpp' -print0 |
  xargs -0 -n 1 -P "$(nproc)" bash -c '$compile_header "$0" || { echo "does not compile alone: $0" >&2; exit 1; }'
echo "$(wc -l <"$scratch/headers") headers compile alone"
