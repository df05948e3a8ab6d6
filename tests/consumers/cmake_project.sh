#!/usr/bin/env bash
# cmake_project.sh find_package|add_subdirectory CMAKE CXX
# Builds and runs the consumer project of that name; for find_package tinygan is first installed into a scratch prefix.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
kind=$1 cmake=$2 compiler=$3

configure() { "$cmake" -S "$1" -B "$2" -DCMAKE_CXX_COMPILER="$compiler" -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_FLAGS_RELEASE=-O0 "${@:3}"; }

prefix=()
if [[ $kind == find_package ]]; then
  # Only the headers and the package are installed, so nothing of it needs the libraries of tests or examples.
  configure "$root" "$scratch/tinygan" -DTINYGAN_BUILD_TESTS=OFF -DTINYGAN_BUILD_BENCH=OFF -DTINYGAN_BUILD_EXAMPLES=OFF
  "$cmake" --install "$scratch/tinygan" --prefix "$scratch/prefix"
  prefix=(-DCMAKE_PREFIX_PATH="$scratch/prefix")
fi

configure "$here/$kind" "$scratch/build" "${prefix[@]}"
"$cmake" --build "$scratch/build"
for program in program compiled_program mixed_program; do "$scratch/build/$program"; done

# With tinygan::compiled a file takes the common templates from the library.
tanh='tinygan::ops::tanh<float>'
object() { find "$scratch/build" -path "*/$1.dir/*second.cpp.o" | head -n 1; }
nm -C "$(object compiled_program)" | grep " U .*$tanh" >/dev/null || { echo "compiled_program: $tanh is not the library's"; exit 1; }

if [[ $kind == find_package ]] && grep -rqF "$root" "$scratch/prefix"; then
  echo "The installed package refers to the source tree:"
  grep -rF "$root" "$scratch/prefix"
  exit 1
fi
