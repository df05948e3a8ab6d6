# shellcheck shell=bash
# Sourced by the scripts: messages, elapsed time, and the installation of what is missing.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

bold='' plain=''
if [[ -t 1 && -z ${NO_COLOR:-} ]]; then bold=$'\e[1m' plain=$'\e[0m'; fi

say() { printf '%s== %s%s\n' "$bold" "$*" "$plain"; }
die() { printf '%s\n' "$@" >&2; exit 1; }

# ---- What a machine has --------------------------------------------------------------------------------------------

have_command() { command -v "$1" >/dev/null 2>&1; }

# CMake of version 3.22 or later.
have_cmake() {
  local version
  version=$(cmake --version 2>/dev/null | sed -n 's/^cmake version \([0-9]*\.[0-9]*\).*/\1/p') && [[ -n $version ]] || return 1
  ((${version%.*} > 3 || (${version%.*} == 3 && ${version#*.} >= 22)))
}

# find_compiler MINIMUM NAME...: the first of the names that is a compiler of at least that major version.
find_compiler() {
  local name minimum=$1 version
  for name in "${@:2}"; do
    version=$("$name" -dumpversion 2>/dev/null) || continue
    if ((${version%%.*} >= minimum)); then
      echo "$name"
      return
    fi
  done
  return 1
}

find_gxx() { find_compiler 12 g++ g++-15 g++-14 g++-13 g++-12; }
find_clangxx() { find_compiler 14 clang++ clang++-20 clang++-19 clang++-18 clang++-17 clang++-16 clang++-15 clang++-14; }

# A python3 that can make virtual environments; Debian has that in a package of its own.
find_venv_python() {
  local python
  for python in python3 /usr/bin/python3; do
    if "$python" -c 'import venv, ensurepip' 2>/dev/null; then
      echo "$python"
      return
    fi
  done
  return 1
}

# The sanitizers' run-time libraries are a package of their own beside clang.
clang_sanitizes() {
  echo 'int main() {}' | "$(find_clangxx)" -x c++ -fsanitize=address - -o /dev/null 2>/dev/null
}

# ---- Installing what it lacks --------------------------------------------------------------------------------------

# Libraries by the name of a need: what cmake/packages.cmake calls them, and the Debian package that holds them.
declare -A library=([catch2]=Catch2 [zlib]=ZLIB [png]=PNG [gif]=GIF [cli11]=CLI11 [json]=nlohmann_json [benchmark]=benchmark
  [openblas]=OpenBLAS [jpeg]=JPEG)
declare -A library_package=([Catch2]=catch2 [ZLIB]=zlib1g-dev [PNG]=libpng-dev [GIF]=libgif-dev [CLI11]=libcli11-dev
  [nlohmann_json]=nlohmann-json3-dev [benchmark]=libbenchmark-dev [OpenBLAS]=libopenblas-dev
  [JPEG]=libjpeg-dev)

# missing_libraries PACKAGE...: those that the build would not find, one a line; all of them before there is a CMake to ask.
missing_libraries() {
  local compiler folder
  if ! have_cmake || ! have_command ninja || ! compiler=$(find_gxx || find_clangxx); then
    printf '%s\n' "$@"
    return
  fi
  folder=$(mktemp -d)
  cmake -S "$root/cmake/probe" -B "$folder" -G Ninja -DCMAKE_CXX_COMPILER="$compiler" -DPACKAGES="$(IFS=';'; echo "$*")" \
    >"$folder/log" 2>&1 || die "CMake cannot look for $*:" "$(cat "$folder/log"; rm -rf "$folder")"
  grep . "$folder/missing" || true
  rm -rf "$folder"
}

# missing_packages NEED...: the Debian packages still to install, one a line. Where a compiler is there but too old, or clang
# without its sanitizers, the next answer names what mends that; so ask again after installing.
missing_packages() {
  local need clang missing libraries=()
  for need in "$@"; do
    case $need in
      cmake) have_cmake || echo cmake ;;
      ninja) have_command ninja || echo ninja-build ;;
      g++) find_gxx >/dev/null || if have_command g++; then echo g++-12; else echo g++; fi ;;
      clang)
        if ! clang=$(find_clangxx); then
          echo clang
        elif ! clang_sanitizes; then
          clang=$("$clang" -dumpversion)
          echo "libclang-rt-${clang%%.*}-dev"
        fi ;;
      venv) find_venv_python >/dev/null || echo python3-venv ;;
      format) have_command clang-format || echo clang-format ;;
      tidy) have_command clang-tidy || echo clang-tidy ;;
      doxygen) have_command doxygen || echo doxygen ;;
      arm)
        have_command aarch64-linux-gnu-g++ || echo g++-aarch64-linux-gnu
        have_command qemu-aarch64 || have_command qemu-aarch64-static || echo qemu-user ;;
      download)
        have_command curl || have_command wget || echo curl
        [[ -d /etc/ssl/certs && -n $(ls -A /etc/ssl/certs) ]] || echo ca-certificates ;;
      *)
        [[ -n ${library[$need]:-} ]] || die "missing_packages: what is '$need'?"
        libraries+=("${library[$need]}") ;;
    esac
  done
  ((${#libraries[@]} > 0)) || return 0
  missing=$(missing_libraries "${libraries[@]}") || return
  for need in $missing; do echo "${library_package[$need]}"; done
}

# The command that makes us root: nothing, sudo, or failure.
become_root() {
  if ((EUID == 0)); then
    return
  elif have_command sudo && { [[ -t 0 ]] || sudo -n true 2>/dev/null; }; then
    echo sudo
  else
    return 1
  fi
}

# need NEED...: installs, with apt, the packages that are missing and nothing else; where it may not, says what to install. What it
# installed goes into the file $installed, if a script names one.
need() {
  local packages sudo attempt
  for attempt in 1 2 3; do
    packages=$(missing_packages "$@") || exit
    [[ -n $packages ]] || return 0
    packages=${packages//$'\n'/ }
    if ! have_command apt-get; then
      die "Missing, and this is no Debian or Ubuntu; please install what these Debian packages hold: $packages"
    elif ! sudo=$(become_root); then
      die "Missing, and neither root nor sudo to install it. Please run this as root, then try again:" \
        "  apt-get update && apt-get install $packages"
    fi
    say "Installing: $packages"
    ((attempt > 1)) || $sudo apt-get update -q </dev/null || echo "apt-get update failed; trying with the lists at hand" >&2
    # shellcheck disable=SC2086  # a list of words
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $packages </dev/null ||
      die "apt-get could not install $packages"
    [[ -z ${installed:-} ]] || echo "$packages" >>"$installed"
  done
  packages=$(missing_packages "$@") || exit
  [[ -z $packages ]] || die "Installed, but still not found:" "$packages"
}

# want NEED...: the same, but what cannot be installed is done without.
want() { (need "$@") || say "Going on without: $*"; }

# ---- Building ------------------------------------------------------------------------------------------------------

# configure NAME OPTION...: CMake's configuration of build/NAME. The options are those of the preset NAME, spelled out because
# CMake before 3.25 cannot read CMakePresets.json.
configure() {
  local name=$1
  shift
  if have_command ccache; then
    export CCACHE_BASEDIR=$root CCACHE_NOHASHDIR=1
    set -- -DCMAKE_CXX_COMPILER_LAUNCHER=ccache "$@"
  fi
  cmake -S "$root" -B "$root/build/$name" -G Ninja "$@"
}

build() { cmake --build "$root/build/$1" -j "$(nproc)" "${@:2}"; }
