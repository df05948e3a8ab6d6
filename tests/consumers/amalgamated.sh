#!/usr/bin/env bash
# amalgamated.sh CXX
# The single header: two files that include it, and nothing else of tinygan, compile without a warning, link and run; its
# version is that of CMake's project.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
command -v python3 >/dev/null || { echo "SKIPPED: no python3, which scripts/amalgamate is written in"; exit 77; }
"$root/scripts/amalgamate" "$scratch/tinygan.hpp"
sed 's|#include <tinygan/.*>|#include "tinygan.hpp"|' "$root/examples/first_program.cpp" >"$scratch/first_program.cpp"
cat >"$scratch/second.cpp" <<'TEXT'
#include "tinygan.hpp"
static_assert(TINYGAN_VERSION_MAJOR * 10000 + TINYGAN_VERSION_MINOR * 100 + TINYGAN_VERSION_PATCH == TINYGAN_VERSION);
float second() { return tinygan::ops::gelu(tinygan::Variable<float>(tinygan::Tensor<float>::scalar(1))).item(); }
TEXT
for file in first_program second; do
  "$1" "${strict_flags[@]}" -O0 -pthread -c "$scratch/$file.cpp" -o "$scratch/$file.o"
done
"$1" -pthread "$scratch/first_program.o" "$scratch/second.o" -o "$scratch/program"
(cd "$scratch" && ./program)
