#!/usr/bin/env bash
# compile_time.sh CXX
# Prints how long a first program takes to compile at -O2; goal: 4 s on one core. A measurement, not a test.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
TIMEFORMAT=%U
compile() { "$1" -std=c++20 -O2 -I "$root/include" -c "$root/examples/first_program.cpp" -o "$scratch/first.o" 2>&3; }
seconds=$({ time compile "$1"; } 3>&2 2>&1)
echo "examples/first_program.cpp by $(basename "$1") -O2: $seconds s of processor time (goal 4 s)"
