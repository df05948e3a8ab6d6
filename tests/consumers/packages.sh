#!/usr/bin/env bash
# packages.sh CMAKE CXX
# docs/packaging.md: a program gets tinygan by the compiler alone, as a subfolder, by FetchContent, by find_package and pkg-config from
# a prefix that was moved, and from the Debian package. No command or project of the page is without a test.
set -euo pipefail
cmake=$1 compiler=$2
. "$(dirname "${BASH_SOURCE[0]}")/page.sh"
version=$(version_of_header)
[[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+$ ]] || die "include/tinygan/base/version.hpp gives the version '$version'"
grep -qx "version: $version" "$root/CITATION.cff" || die "CITATION.cff has another version than $version"

build_page() {  # build_page FOLDER: the project in the current folder
  { cmake -S . -B "$1" && cmake --build "$1"; } >"$scratch/log" 2>&1 || die "$(cat "$scratch/log")"
}

# ---- Every block of the page has a test -----------------------------------------------------------------------------

mapfile -t tried < <(grep -ohE "(run|snippet|project_with) '[^']+'" "$here"/*.sh | sed "s/^[^']*'//; s/'\$//")
while IFS= read -r first; do
  found=no
  for words in "${tried[@]}"; do [[ $first != "$words"* ]] || found=yes; done
  [[ $found == yes ]] || die "docs/packaging.md: no test runs the code that begins with '$first'"
done < <(awk '/^```/ { if (inside) { inside = 0; next } inside = begins = 1; next } begins { begins = 0; print }' "$page")

# ---- The compiler, CMake --------------------------------------------------------------------------------------------

project_with ''
run 'g++ -std=c++20 -O2 -I tinygan/include program.cpp -pthread -o program'
says ./program
says ./program cpu
[[ $(./program cuda 2>&1) == 'device cuda:0: this program was built without the cuda:0 backend; link tinygan::cuda (CMake), or compile'* ]] ||
  die "without the CUDA kernels: $(./program cuda 2>&1)"

project_with '# CMakeLists.txt: tinygan in a subfolder'
build_page build
says build/program

project_with '# CMakeLists.txt: FetchContent'
build_page build
says build/program

project_with '# CMakeLists.txt: tinygan installed'
run 'cmake -S tinygan -B build/tinygan -DTINYGAN_BUILD_TESTS=OFF'
mkdir "$HOME/moved"
mv "$HOME/.local" "$HOME/moved"
export HOME=$HOME/moved
run 'cmake -S . -B build/program -DCMAKE_PREFIX_PATH=~/.local'
says build/program/program

# ---- pkg-config -----------------------------------------------------------------------------------------------------

if command -v pkg-config >/dev/null; then
  run 'export PKG_CONFIG_PATH=~/.local/share/pkgconfig'
  says ./program
  [[ $(pkg-config --modversion tinygan) == "$version" ]] || die "pkg-config: version $(pkg-config --modversion tinygan)"
  [[ -e $(pkg-config --variable=kernels tinygan)/tinygan_cuda.cu ]] || die "kernels of pkg-config: $(cat "$HOME/.local/share/pkgconfig/tinygan.pc")"
else
  echo "no pkg-config: its variables are replaced by sed"
  file=$HOME/.local/share/pkgconfig/tinygan.pc
  grep -qx "Version: $version" "$file" || die "$file: $(cat "$file")"
  read -ra flags <<<"$(sed -n 's/^\(Cflags\|Libs\): //p' "$file" | paste -sd ' ' | sed "s|\${includedir}|${file%/*}/../../include|g")"
  g++ -std=c++20 -O0 program.cpp "${flags[@]}" -o program
  says ./program
fi

# ---- Components of find_package -------------------------------------------------------------------------------------

finds() {  # finds COMPONENT
  mkdir -p "$scratch/components"
  printf '%s\n' 'cmake_minimum_required(VERSION 3.22)' 'project(components LANGUAGES CXX)' \
    "find_package(tinygan REQUIRED COMPONENTS $1)" >"$scratch/components/CMakeLists.txt"
  cmake -S "$scratch/components" -B "$scratch/components/$1" -DCMAKE_PREFIX_PATH="$HOME/.local" >"$scratch/components/log" 2>&1
}
refuses() {  # refuses COMPONENT WORDS
  ! finds "$1" || die "find_package found the component $1"
  tr -s '\n ' ' ' <"$scratch/components/log" | grep -qF "$2" || die "$(cat "$scratch/components/log")"
}
finds emulated || die "$(cat "$scratch/components/log")"
refuses cuda 'tinygan::cuda needs the language CUDA, which this project does not enable'
refuses opencl "tinygan has no component 'opencl', only compiled, cuda and emulated"

# ---- The Debian package ---------------------------------------------------------------------------------------------

if command -v dpkg-deb >/dev/null; then
  sudo() {  # apt-get install FILE: unpacks it
    [[ $# == 3 && "$1 $2" == 'apt-get install' && ${3##*/} == "libtinygan-dev_$version"*_all.deb ]] || die "sudo $*"
    dpkg-deb -x "$3" "$scratch/root"
  }
  run 'cmake -S tinygan -B build/debian -DTINYGAN_BUILD_TESTS=OFF'
  for file in include/tinygan/tinygan.hpp share/cmake/tinygan/tinyganConfig.cmake share/pkgconfig/tinygan.pc \
    share/tinygan/kernels/tinygan_cuda.cu share/doc/tinygan/LICENSE; do
    [[ -e $scratch/root/usr/$file ]] || die "the Debian package lacks /usr/$file"
  done
else
  echo "no dpkg-deb: the Debian package is not made"
fi
