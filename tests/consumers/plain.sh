#!/usr/bin/env bash
# plain.sh CXX
# Without CMake: two translation units and a shared library by `CXX -I include`, under the strict warnings, linked and run.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
compile=("$1" "${strict_flags[@]}" -O1 -I "$root/include" -pthread)
program=$here/program

"${compile[@]}" -c "$program/main.cpp" -o "$scratch/main.o"
"${compile[@]}" -c "$program/second.cpp" -o "$scratch/second.o"
"${compile[@]}" -shared -fPIC "$program/library.cpp" -o "$scratch/libpart.so"
"${compile[@]}" "$scratch/main.o" "$scratch/second.o" -L "$scratch" -lpart -Wl,-rpath,"$scratch" -o "$scratch/program"
"$scratch/program"
