#!/usr/bin/env bash
# format.sh
# Every C++ and CUDA file is as clang-format 14 leaves it. Exit code 77 where that version is not installed.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
formatter=$(require_14 clang-format)

cd "$root"
find include kernels examples tests bench cmake \( -name '*.hpp' -o -name '*.cpp' -o -name '*.cuh' -o -name '*.cu' \) -print0 |
  xargs -0 -n 40 -P "$(nproc)" "$formatter" --dry-run --Werror

# The check itself works.
printf 'int  main( ){return 0;}\n' >"$scratch/main.cpp"
cp .clang-format "$scratch"
if "$formatter" --dry-run --Werror "$scratch/main.cpp" 2>/dev/null; then
  echo "A file that is not formatted went unnoticed"
  exit 1
fi
echo "formatted: $(find include kernels examples tests bench cmake -name '*.[hc]pp' -o -name '*.cu*' | wc -l) files"
