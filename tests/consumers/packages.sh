#!/usr/bin/env bash
# packages.sh CMAKE CXX
# What is installed and packed: a program built by plain compiler with the flags of tinygan's pkg-config file, from a prefix
# that was moved; one built by CMake's FetchContent from a local path; the Debian package's files.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cmake=$1 compiler=$2
die() { printf '%s\n' "$@"; exit 1; }
version=$(sed -n 's/^#define TINYGAN_VERSION_\(MAJOR\|MINOR\|PATCH\) //p' "$root/include/tinygan/base/version.hpp" | paste -sd .)
[[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+$ ]] || die "include/tinygan/base/version.hpp gives the version '$version'"

grep -qx "version: $version" "$root/CITATION.cff" || die "CITATION.cff has another version than $version"

cat >"$scratch/program.cpp" <<'TEXT'
#include <tinygan/tensor/tensor.hpp>
#include <tinygan/base/version.hpp>
#include <cstdio>
int main() { std::printf("%s %g\n", tinygan::version_text, double(tinygan::Tensor<float>::full({2}, 3).to_vector()[1])); }
TEXT
expect_run() { [[ $("$1") == "$version 3" ]] || die "$1 printed '$("$1")', expected '$version 3'"; }

# ---- pkg-config -----------------------------------------------------------------------------------------------------

"$cmake" -S "$root" -B "$scratch/tinygan" -DCMAKE_CXX_COMPILER="$compiler" -DTINYGAN_BUILD_TESTS=OFF -DTINYGAN_BUILD_BENCH=OFF \
  -DTINYGAN_BUILD_EXAMPLES=OFF >/dev/null
"$cmake" --install "$scratch/tinygan" --prefix "$scratch/prefix" >/dev/null
mv "$scratch/prefix" "$scratch/moved"
if command -v pkg-config >/dev/null; then
  export PKG_CONFIG_PATH=$scratch/moved/share/pkgconfig
  [[ $(pkg-config --modversion tinygan) == "$version" ]] || die "pkg-config: version $(pkg-config --modversion tinygan)"
  read -ra flags <<<"$(pkg-config --cflags --libs tinygan)"
else
  echo "no pkg-config: its variables are replaced by sed"
  file=$scratch/moved/share/pkgconfig/tinygan.pc
  grep -qx "Version: $version" "$file" || die "$file:" "$(cat "$file")"
  read -ra flags <<<"$(sed -n 's/^\(Cflags\|Libs\): //p' "$file" | paste -sd ' ' | sed "s|\${includedir}|${file%/*}/../../include|g")"
fi
"$compiler" -std=c++20 -O0 "$scratch/program.cpp" "${flags[@]}" -o "$scratch/by_pkg_config"
expect_run "$scratch/by_pkg_config"

# ---- Components of find_package -------------------------------------------------------------------------------------

mkdir "$scratch/components"
finds() {  # finds COMPONENT
  printf '%s\n' 'cmake_minimum_required(VERSION 3.22)' 'project(components LANGUAGES CXX)' \
    "find_package(tinygan REQUIRED COMPONENTS $1)" >"$scratch/components/CMakeLists.txt"
  "$cmake" -S "$scratch/components" -B "$scratch/components/$1" -DCMAKE_CXX_COMPILER="$compiler" \
    -DCMAKE_PREFIX_PATH="$scratch/moved" >"$scratch/components/log" 2>&1
}
refuses() {  # refuses COMPONENT WORDS
  ! finds "$1" || die "find_package found the component $1"
  tr -s '\n ' ' ' <"$scratch/components/log" | grep -qF "$2" || die "$(cat "$scratch/components/log")"
}
finds compiled || die "$(cat "$scratch/components/log")"
finds emulated || die "$(cat "$scratch/components/log")"
refuses cuda 'tinygan::cuda needs the language CUDA, which this project does not enable'
refuses opencl "tinygan has no component 'opencl', only compiled, cuda and emulated"

# ---- FetchContent ---------------------------------------------------------------------------------------------------

mkdir "$scratch/fetching"
cat >"$scratch/fetching/CMakeLists.txt" <<TEXT
cmake_minimum_required(VERSION 3.22)
project(fetching LANGUAGES CXX)
include(FetchContent)
FetchContent_Declare(tinygan SOURCE_DIR "$root")
FetchContent_MakeAvailable(tinygan)
add_executable(fetched ../program.cpp)
target_link_libraries(fetched PRIVATE tinygan::tinygan)
TEXT
"$cmake" -S "$scratch/fetching" -B "$scratch/fetched" -DCMAKE_CXX_COMPILER="$compiler" >/dev/null
"$cmake" --build "$scratch/fetched" >/dev/null
expect_run "$scratch/fetched/fetched"

# ---- The Debian package ---------------------------------------------------------------------------------------------

if command -v dpkg-deb >/dev/null; then
  (cd "$scratch/tinygan" && "${cmake%cmake}cpack" -G DEB >"$scratch/cpack" 2>&1) || die "$(cat "$scratch/cpack")"
  packages=("$scratch"/tinygan/*.deb)
  [[ ${packages[0]##*/} == "libtinygan-dev_${version}"*_all.deb ]] || die "cpack made ${packages[*]##*/}"
  dpkg-deb --contents "${packages[0]}" >"$scratch/contents"
  for file in include/tinygan/tinygan.hpp share/cmake/tinygan/tinyganConfig.cmake share/pkgconfig/tinygan.pc \
    share/tinygan/kernels/tinygan_cuda.cu share/doc/tinygan/LICENSE; do
    grep -q " ./usr/$file\$" "$scratch/contents" || die "the package lacks /usr/$file"
  done
else
  echo "no dpkg-deb: the Debian package is not made"
fi
