#!/usr/bin/env bash
# compile_time.sh CXX
# Prints how long a first program takes to compile at -O2, header-only and with tinygan::compiled. A measurement, not a test.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
TIMEFORMAT=%U
compile() { "$1" -std=c++20 -O2 "${@:2}" -I "$root/include" -c "$root/examples/first_program.cpp" -o "$scratch/first.o" 2>&3; }
header_only=$({ time compile "$1"; } 3>&2 2>&1)
compiled=$({ time compile "$1" -DTINYGAN_COMPILED; } 3>&2 2>&1)
echo "examples/first_program.cpp by $(basename "$1") -O2, seconds of processor time: $header_only header-only (goal 4), \
$compiled with tinygan::compiled (goal 2.5)"
