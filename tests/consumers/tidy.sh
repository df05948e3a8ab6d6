#!/usr/bin/env bash
# tidy.sh
# clang-tidy 14 has nothing to say about include/ and examples/dcgan_mnist under .clang-tidy. Exit code 77 where that version is not
# installed: others know other checks. Few sources include many files, as parsing the umbrella takes seconds.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
tidy=$(require_14 clang-tidy)

check() {  # check SOURCE [OPTION...]
  "$tidy" --quiet --config-file="$root/.clang-tidy" --checks=-bugprone-suspicious-include "$scratch/$1" -- -std=c++20 \
    -I "$root/include" -I "$root/examples/dcgan_mnist" 2>"$scratch/$1.errors" || { cat "$scratch/$1.errors"; return 1; }
}
all_of() {  # all_of SOURCE FILE...: a source that includes the files
  printf '#include "%s"\n' "${@:2}" >"$scratch/$1"
}
# Without the two that the build gives definitions of their own.
sources() { find "${@/#/$root/examples/dcgan_mnist/}" -name '*.cpp' ! -name build_info.cpp ! -name shipped_classifier.cpp | sort; }

# Every header, with the templates and kernels of float instantiated.
all_of library.cpp "$root/include/tinygan/tinygan.hpp" "$root"/cmake/compiled/*_float.cpp
jobs=(library.cpp)

# Names within two of the trainer's files differ if these folders stay apart.
printf '#include <%s>\n' CLI/CLI.hpp nlohmann/json.hpp png.h gif_lib.h >"$scratch/libraries.cpp"
if check libraries.cpp >/dev/null; then
  mapfile -t files < <(sources base cli report weights)
  all_of trainer.cpp "${files[@]}"
  mapfile -t files < <(sources media evaluate run)
  all_of run.cpp "${files[@]}"
  jobs=(trainer.cpp run.cpp library.cpp)
else
  echo "NOT checking examples/dcgan_mnist: its libraries are missing"
fi
export -f check
export tidy root scratch
printf '%s\0' "${jobs[@]}" | xargs -0 -n 1 -P "$(nproc)" bash -c 'check "$0"'

# The check itself works, in a header too.
mkdir -p "$scratch/include/tinygan"
echo 'inline int* fault() { return 0; }' >"$scratch/include/tinygan/fault.hpp"
all_of fault.cpp "$scratch/include/tinygan/fault.hpp"
if check fault.cpp >"$scratch/fault.txt" || ! grep -q modernize-use-nullptr "$scratch/fault.txt"; then
  echo "A null pointer written 0 went unnoticed"
  exit 1
fi
echo "tidy: ${jobs[*]}"
