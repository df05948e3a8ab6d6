#!/usr/bin/env bash
# conan.sh CMAKE CXX FOLDER
# docs/packaging.md: Conan's recipe, with a home of its own and without a network. Conan is the one of the PATH or, made by pip on first
# use, that of a virtual environment in FOLDER; exit code 77, and a line that says why, where neither is to be had.
set -euo pipefail
cmake=$1 compiler=$2 folder=$3
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
conan=$(command -v conan || true)
if [[ -z $conan ]] || ! "$conan" --version | grep -q ' version 2'; then
  python=$(bash "$root/tests/examples/python_environment.sh" conan "$folder") || exit $?
  conan=$(dirname "$python")/conan
  [[ -x $conan ]] || { echo "SKIPPED: no conan beside $python, which TINYGAN_PYTHON names"; exit 77; }
fi
. "$(dirname "${BASH_SOURCE[0]}")/page.sh"
export CONAN_HOME=$scratch/conan
conan() { "$conan" "$@"; }
conan profile detect >/dev/null 2>&1

# Conan builds the recipe's test in the recipe's folder, so that is a copy: of what the recipe needs, and no more.
project_with '# CMakeLists.txt: tinygan installed'
rm tinygan
mkdir tinygan
cp -r "$root"/{CMakeLists.txt,LICENSE,cmake,include,kernels,packaging} tinygan

run 'conan create tinygan/packaging/conan'
grep -qx "tinygan $(version_of_header): 42" "$scratch/log" || die "the recipe's test program did not run: $(cat "$scratch/log")"
snippet '# conanfile.txt' >conanfile.txt
run 'conan install . --output-folder=build/conan'
says build/conan/program

# A compiler that is too old is an error that says so.
! conan install --requires="tinygan/$(version_of_header)" -s compiler=gcc -s compiler.version=11 >"$scratch/log" 2>&1 &&
  grep -qF 'tinygan needs gcc 12 or later for C++20, not 11' "$scratch/log" || die "conan with gcc 11: $(cat "$scratch/log")"
