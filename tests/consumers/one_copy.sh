#!/usr/bin/env bash
# one_copy.sh CMAKE CXX
# Projects to which tinygan comes by several ways at once configure without a word of CMake's, and build: they share the first copy.
# Two versions that do not go together are an error that names both.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cmake=$1 compiler=$2

configure() { "$cmake" -S "$1" -B "$2" -DCMAKE_CXX_COMPILER="$compiler" -DCMAKE_BUILD_TYPE=Debug "${@:3}"; }

# Another copy of the sources, one of a version that does not go with them, and installed packages of both.
copy() {  # copy FOLDER VERSION
  mkdir "$1"
  cp -r "$root/CMakeLists.txt" "$root/LICENSE" "$root/cmake" "$root/include" "$root/kernels" "$1"
  local major minor patch header=$1/include/tinygan/base/version.hpp
  IFS=. read -r major minor patch <<<"$2"
  sed -i -E "s/(define TINYGAN_VERSION_MAJOR) .*/\\1 $major/; s/(define TINYGAN_VERSION_MINOR) .*/\\1 $minor/
             s/(define TINYGAN_VERSION_PATCH) .*/\\1 $patch/" "$header"
  configure "$1" "$1.build" -DTINYGAN_BUILD_TESTS=OFF -DTINYGAN_BUILD_BENCH=OFF -DTINYGAN_BUILD_EXAMPLES=OFF >/dev/null
  "$cmake" --install "$1.build" --prefix "$1.prefix" >/dev/null
}
version=$(awk '/define TINYGAN_VERSION_(MAJOR|MINOR|PATCH) / { printf "%s%s", dot, $3; dot = "." }' \
  "$root/include/tinygan/base/version.hpp")
copy "$scratch/copy" "$version"
copy "$scratch/later" 99.1.0

# project NAME LINE...: a project of these lines and of a program.
project() {
  local folder=$scratch/$1
  mkdir "$folder"
  cat >"$folder/main.cpp" <<'CODE'
#include <tinygan/base/shape.hpp>
int main() { return tinygan::Shape{2, 3}.size() == 6 ? 0 : 1; }
CODE
  {
    echo 'cmake_minimum_required(VERSION 3.22)'
    echo 'project(consumer LANGUAGES CXX)'
    printf '%s\n' "${@:2}"
    echo 'add_executable(program main.cpp)'
    echo 'target_link_libraries(program PRIVATE tinygan::tinygan)'
    echo 'add_executable(emulated EXCLUDE_FROM_ALL main.cpp)'
    echo 'target_link_libraries(emulated PRIVATE tinygan::emulated)'
  } >"$folder/CMakeLists.txt"
}

works() {  # works NAME LINE...: with the package at hand
  project "$@"
  configure "$scratch/$1" "$scratch/$1/build" -DCMAKE_PREFIX_PATH="$scratch/copy.prefix" >"$scratch/log" 2>&1 ||
    die "$1: $(cat "$scratch/log")"
  ! grep -E '^CMake (Error|Warning)' "$scratch/log" || die "$1: $(cat "$scratch/log")"
  { "$cmake" --build "$scratch/$1/build" && find "$scratch/$1/build" -name program -type f -exec {} \; ; } >"$scratch/log" 2>&1 ||
    die "$1: $(cat "$scratch/log")"
  echo "ok: $1"
}

refused() {  # refused WORDS NAME LINE...: with the later version's package at hand
  project "${@:2}"
  ! configure "$scratch/$2" "$scratch/$2/build" -DCMAKE_PREFIX_PATH="$scratch/later.prefix" >"$scratch/log" 2>&1 ||
    die "$2 configured"
  tr -s ' \n' ' ' <"$scratch/log" | grep -qF "$1" || die "$2: expected '$1', got: $(cat "$scratch/log")"
  echo "ok: $2"
}

add="add_subdirectory($root" find='find_package(tinygan 0.1 REQUIRED)' copied="add_subdirectory($scratch/copy"
in_folder() {  # in_folder NAME LINE: that line in a folder of its own, so that what find_package() makes is seen there only
  mkdir -p "$scratch/folders/$1"
  echo "$2" >"$scratch/folders/$1/CMakeLists.txt"
  echo "add_subdirectory($scratch/folders/$1 $1)"
}
fetched() {  # fetched NAME [OPTION...]
  echo "include(FetchContent)"
  echo "FetchContent_Declare($1 SOURCE_DIR $root ${*:2})"
}

works subdirectory_twice "$add a)" "$add b)"
works subdirectories_of_folders "$(in_folder one "$add a)")" "$(in_folder two "$add b)")"
works two_copies "$add a)" "$copied b)"
works package_twice "$find" "$find"
works package_in_folders "$(in_folder three "$find")" "$(in_folder four "$find")" "$find"
works package_then_subdirectory "$find" "$add a)"
works subdirectory_then_package "$add a)" "$find"
works package_in_folder_then_subdirectory "$(in_folder five "$find")" "$add a)"
works subdirectory_in_folder_then_package "$(in_folder six "$add a)")" "$find"
works fetch_then_package "$(fetched tinygan)" 'FetchContent_MakeAvailable(tinygan)' "$find"
works package_then_fetch "$find" "$(fetched tinygan)" 'FetchContent_MakeAvailable(tinygan)'
works fetch_under_two_names "$(fetched tinygan)" "$(fetched other)" 'FetchContent_MakeAvailable(tinygan other)' "$add a)"
if "$cmake" --version | grep -qE 'version (3\.2[4-9]|3\.[3-9][0-9]|[4-9])'; then
  works fetch_instead_of_package "$(fetched tinygan OVERRIDE_FIND_PACKAGE)" "$find" "$find" "$add a)"
else
  echo "not tested: FetchContent's OVERRIDE_FIND_PACKAGE, which this CMake does not know"
fi

conflict="tinygan 99.1.0 of $scratch/later cannot be added: this build already has tinygan $version of $root"
refused "$conflict" two_versions "$add a)" "add_subdirectory($scratch/later b)"
refused "this build already has tinygan $version of $root" later_package "$add a)" 'find_package(tinygan 99.1 REQUIRED)'
refused "cannot be added: this build already has tinygan 99.1.0 of $scratch/later.prefix" later_package_first \
  'find_package(tinygan 99.1 REQUIRED)' "$add a)"
