#!/usr/bin/env bash
# plain.sh CXX
# Without CMake: two translation units and two shared libraries by `CXX -I include`, under the strict warnings, linked and run. The
# libraries hide their symbols, as many projects do: what has to exist once in a program is visible all the same.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
compile=("$1" "${strict_flags[@]}" -O1 -I "$root/include" -pthread)
program=$here/program

"${compile[@]}" -c "$program/main.cpp" -o "$scratch/main.o"
"${compile[@]}" -c "$program/second.cpp" -o "$scratch/second.o"
hidden=(-shared -fPIC -fvisibility=hidden -fvisibility-inlines-hidden)
"${compile[@]}" "${hidden[@]}" "$program/library.cpp" -o "$scratch/libpart.so"
"${compile[@]}" "${hidden[@]}" "$program/other_library.cpp" -o "$scratch/libother_part.so"
"${compile[@]}" "$scratch/main.o" "$scratch/second.o" -L "$scratch" -lpart -lother_part -Wl,-rpath,"$scratch" -o "$scratch/program"
"$scratch/program"

# What can change is visible: a variable of tinygan's that is local to the library would be a second copy of it.
own=$(objdump -tC "$scratch/libpart.so" | grep -E '^[0-9a-f]+ l .* \.(bss|data|tbss|tdata)[[:space:]].*tinygan::' |
  grep -v 'guard variable' || true)
[[ -z $own ]] || { echo "hidden in a shared library that is compiled with -fvisibility=hidden:"; echo "$own"; exit 1; }

# A program that loads such a library itself, and exports its symbols.
cat >"$scratch/plugin.cpp" <<'TEXT'
#include <tinygan/backend/device_backend.hpp>
extern "C" [[gnu::visibility("default")]] const void* devices() { return &tinygan::detail::backends(); }
TEXT
cat >"$scratch/loader.cpp" <<'TEXT'
#include <dlfcn.h>
#include <tinygan/backend/device_backend.hpp>
int main(int, char** argv) {
  void* const library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
  if (!library) return 2;
  const auto devices = reinterpret_cast<const void* (*)()>(dlsym(library, "devices"));
  return devices && devices() == &tinygan::detail::backends() ? 0 : 1;
}
TEXT
"${compile[@]}" "${hidden[@]}" "$scratch/plugin.cpp" -o "$scratch/plugin.so"
"${compile[@]}" "$scratch/loader.cpp" -rdynamic -ldl -o "$scratch/loader"
"$scratch/loader" "$scratch/plugin.so" || { echo "a plugin has a registry of devices of its own"; exit 1; }
