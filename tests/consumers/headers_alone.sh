#!/usr/bin/env bash
# headers_alone.sh CXX [OPTION...]
# Every public header compiles as the first and only include of a file, twice over, under the strict warnings; and the source of
# tinygan::compiled includes each that has functions for it.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
export compile_header="$* ${strict_flags[*]} -fsyntax-only -I ."

cd "$root/include"
find tinygan -name '*.hpp' | LC_ALL=C sort >"$scratch/headers"
[[ -s $scratch/headers ]] || { echo "no header found under $root/include"; exit 1; }
while read -r header; do
  printf '#include <%s>\n#include <%s>\n' "$header" "$header" >"$scratch/$(echo "$header" | tr / _).cpp"
done <"$scratch/headers"

find "$scratch" -name '*.cpp' -print0 |
  xargs -0 -n 1 -P "$(nproc)" bash -c '$compile_header "$0" || { echo "does not compile alone: $0" >&2; exit 1; }'
echo "$(wc -l <"$scratch/headers") headers compile alone"

# What that source does not include, files that define TINYGAN_COMPILED would not link.
"$1" -std=c++20 -DTINYGAN_COMPILED -MM -I . "$root/cmake/compiled/functions.cpp" | tr -s ' \\' '\n' | LC_ALL=C sort -u >"$scratch/included"
grep -rl '^#ifdef TINYGAN_FUNC' tinygan | LC_ALL=C sort | comm -23 - "$scratch/included" >"$scratch/lacking"
[[ ! -s $scratch/lacking ]] || { echo "cmake/compiled/functions.cpp does not include"; cat "$scratch/lacking"; exit 1; }
