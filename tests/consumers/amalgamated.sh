#!/usr/bin/env bash
# amalgamated.sh CXX
# The single header of docs/packaging.md: two files that include it, and nothing else of tinygan, compile without a warning, link and
# run; its version is that of CMake's project.
set -euo pipefail
cmake=cmake compiler=$1
. "$(dirname "${BASH_SOURCE[0]}")/page.sh"
command -v python3 >/dev/null || { echo "SKIPPED: no python3, which scripts/amalgamate is written in"; exit 77; }
project_with ''
run 'tinygan/scripts/amalgamate tinygan.hpp'
rm tinygan program.cpp
sed 's|#include <tinygan/.*>|#include "tinygan.hpp"|' "$root/examples/first_program.cpp" >first_program.cpp
cat >second.cpp <<'TEXT'
#include "tinygan.hpp"
static_assert(TINYGAN_VERSION_MAJOR * 10000 + TINYGAN_VERSION_MINOR * 100 + TINYGAN_VERSION_PATCH == TINYGAN_VERSION);
float second() { return tinygan::ops::gelu(tinygan::Variable<float>(tinygan::Tensor<float>::scalar(1))).item(); }
TEXT
for file in first_program second; do
  "$compiler" "${strict_flags[@]}" -O0 -pthread -c $file.cpp -o $file.o
done
"$compiler" -pthread first_program.o second.o -o program
./program
