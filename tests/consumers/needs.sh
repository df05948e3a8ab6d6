#!/usr/bin/env bash
# needs.sh
# scripts/lib.sh installs what a bare machine lacks and nothing else, and what it believes to be there is what the build finds.
#
# The machine is a folder that starts empty, in which alone CMake looks for packages. Its apt-get writes down what it is asked and
# "installs" a package by links to the files that Debian's package of that name has on this machine, and those it depends on; so a
# wrong name, or a package that does not hold what CMake looks for, shows. Exit code 77 where no library is from a Debian package.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
machine=$scratch/machine
export asked=$scratch/asked machine

# ---- The machine -----------------------------------------------------------------------------------------------------

mkdir "$scratch/bin"
cat >"$scratch/toolchain.cmake" <<CMAKE
set(CMAKE_FIND_ROOT_PATH $machine)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
CMAKE
cat >"$scratch/bin/sudo" <<'SUDO'
#!/usr/bin/env bash
if [[ $1 == -n ]]; then shift; fi
exec "$@"
SUDO
cat >"$scratch/bin/apt-get" <<'APT'
#!/usr/bin/env bash
set -euo pipefail
declare -A linked=()
installed() { dpkg-query -W -f '${db:Status-Abbrev}' "$1" 2>/dev/null | grep -q '^ii'; }
unpack() {  # unpack PACKAGE: and the libraries that it depends on
  local path name
  [[ -z ${unpacked[$1]:-} ]] || return 0
  unpacked[$1]=yes
  while read -r path; do
    [[ $path =~ ^(/usr)?/(include|lib|share)/ && ! -d $path ]] || continue
    mkdir -p "$machine${path%/*}"
    ln -sfn "$path" "$machine$path"
    linked[$(readlink -f "$path")]=yes
  done < <(dpkg -L "$1")
  for name in $(dpkg-query -W -f '${Depends}' "$1" | tr ',|' '\n\n' | sed 's/^ *//; s/[ :(].*//' | grep -E '^z?lib' | grep -vE '^lib(c6|gcc|stdc)'); do
    if installed "$name"; then unpack "$name"; fi
  done
}
words=()
for word in "$@"; do [[ $word == -* ]] || words+=("$word"); done
[[ ${words[0]} == install ]] || exit 0
echo "${words[*]:1}" >>"$asked"
declare -A unpacked=()
for word in "${words[@]:1}"; do
  [[ $word != "${unavailable:-}" ]] || exit 100
  unpack "$word"
done
# Of files of several packages the system's links choose one.
while read -r link; do
  [[ -n ${linked[$(readlink -f "$link")]:-} ]] || continue
  mkdir -p "$machine${link%/*}"
  ln -sfn "$link" "$machine$link"
done < <(find /usr/include /usr/lib -maxdepth 2 -lname '/etc/alternatives/*')
APT
chmod +x "$scratch/bin"/*

bare() { rm -rf "$machine" "$asked"; mkdir "$machine"; : >"$asked"; }

# lib FUNCTION ARGUMENT...: a function of scripts/lib.sh on that machine.
lib() {
  PATH=$scratch/bin:$PATH CMAKE_TOOLCHAIN_FILE=$scratch/toolchain.cmake NO_COLOR=1 \
    bash -c '. "$0/scripts/lib.sh"; "$@"' "$root" "$@" </dev/null
}

missing() { lib missing_packages "$@" | paste -sd ' '; }

expect() {  # expect WHAT FOUND EXPECTED
  [[ $2 == "$3" ]] || die "$1: '$2', expected '$3'"
  echo "ok: $1"
}

# What can be tried here: the libraries that came from Debian's packages.
needs=() packages=()
while read -r need package; do
  if dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null | grep -q '^ii'; then
    needs+=("$need") packages+=("$package")
  else
    echo "NOT TESTED: need $need, since Debian's package $package is not installed here"
  fi
done < <(lib eval 'for need in "${!library[@]}"; do echo "$need ${library_package[${library[$need]}]}"; done' | LC_ALL=C sort)
((${#needs[@]} > 0)) || { echo "SKIPPED: no library here is from a Debian package"; exit 77; }

# ---- Each need from nothing ----------------------------------------------------------------------------------------------

bare
expect "all libraries are missing on a bare machine" "$(missing "${needs[@]}")" "${packages[*]}"
for i in "${!needs[@]}"; do
  bare
  "$scratch/bin/apt-get" install "${packages[i]}"
  expect "with ${packages[i]} installed need ${needs[i]} is content" "$(missing "${needs[i]}")" ""
done

bare
lib need "${needs[@]}" >"$scratch/log" 2>&1 || die "need ${needs[*]}: $(cat "$scratch/log")"
expect "all needs at once install" "$(cat "$asked")" "${packages[*]}"
: >"$asked"
lib need "${needs[@]}"
expect "what is there is not installed again" "$(cat "$asked")" ""

# Without CMake, Ninja and compilers there is nothing that could find a library.
mkdir "$scratch/few"
for tool in bash dirname sed grep mktemp rm cat ls paste env; do ln -s "$(command -v "$tool")" "$scratch/few/$tool"; done
found=$(PATH=$scratch/few bash -c '. "$0/scripts/lib.sh"; missing_packages "$@"' "$root" cmake ninja g++ clang "${needs[@]}" | paste -sd ' ')
expect "without tools all is missing" "$found" "cmake ninja-build g++ clang ${packages[*]}"
said=$(PATH=$scratch/few bash -c '. "$0/scripts/lib.sh"; need cmake zlib' "$root" 2>&1) && die "need without apt-get went on"
[[ $said == *'no Debian or Ubuntu'*'cmake zlib1g-dev' ]] || die "need without apt-get says: $said"

# ---- Halves of a library --------------------------------------------------------------------------------------------------

bare
mkdir -p "$machine/usr/include"/{CLI,nlohmann,benchmark,catch2}
touch "$machine/usr/include"/{zlib,png,cblas,jpeglib}.h
echo '#define GIFLIB_MAJOR 5' >"$machine/usr/include/gif_lib.h"
touch "$machine/usr/include"/{CLI/CLI.hpp,nlohmann/json.hpp,benchmark/benchmark.h,catch2/catch.hpp,catch2/catch_all.hpp}
expect "headers alone are no library" "$(missing "${needs[@]}")" "${packages[*]}"

# ---- The build agrees ---------------------------------------------------------------------------------------------------

configure() {  # configure OPTION...: the project on that machine
  rm -rf "$scratch/build"
  cmake -S "$root" -B "$scratch/build" -G Ninja -DCMAKE_TOOLCHAIN_FILE="$scratch/toolchain.cmake" -DTINYGAN_ENABLE_CUDA=OFF \
    -DCMAKE_CXX_COMPILER="$(lib find_gxx)" "$@" >"$scratch/log" 2>&1
}
builds() { grep -q "^build bench/$1: " "$scratch/build/build.ninja"; }

if [[ " ${needs[*]} " == *' openblas '* && ${#needs[@]} == 9 ]]; then
  all_but_openblas=("${needs[@]/openblas/}")
  bare
  # shellcheck disable=SC2068  # without the empty word
  lib need ${all_but_openblas[@]} >/dev/null 2>&1
  configure -DTINYGAN_BUILD_BENCH=ON -DTINYGAN_BUILD_EXAMPLES=ON || die "without OpenBLAS: $(cat "$scratch/log")"
  expect "what the build leaves out" "$(grep 'NOT building' "$scratch/log")" "-- NOT building bench_gemm: not found: OpenBLAS"
  for program in conv pointwise step; do builds "bench_$program" || die "without OpenBLAS bench_$program is not built"; done
  ! builds bench_gemm || die "bench_gemm is built without OpenBLAS"

  # The library of one BLAS beside the header of another would not do for it either.
  said=$(unavailable=libopenblas-dev lib need openblas 2>&1) && die "need openblas went on without"
  [[ $said == *'apt-get could not install libopenblas-dev'* ]] || die "need openblas says: $said"
  said=$(unavailable=libopenblas-dev lib want openblas 2>&1) || die "want openblas failed: $said"
  [[ $said == *'Going on without: openblas'* ]] || die "want openblas says: $said"

  lib need openblas >/dev/null 2>&1
  configure -DTINYGAN_BUILD_BENCH=ON -DTINYGAN_BUILD_EXAMPLES=ON || die "with everything: $(cat "$scratch/log")"
  builds bench_gemm || die "bench_gemm is not built with OpenBLAS: $(cat "$scratch/log")"
  ! grep 'NOT building' "$scratch/log" || die "with everything something is left out"
  find "$machine" -name 'cblas*.h' -delete
  expect "a library without its header" "$(missing openblas)" libopenblas-dev
fi

bare
! configure || die "the tests configure without any library"
grep -q 'The tests need Catch2 and ZLIB' "$scratch/log" || die "a bare machine's build says: $(cat "$scratch/log")"
echo "ok: the build and the scripts agree"
