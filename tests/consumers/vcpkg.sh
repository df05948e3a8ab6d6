#!/usr/bin/env bash
# vcpkg.sh CMAKE CXX
# docs/packaging.md: the overlay port of vcpkg. vcpkg itself is not run: in its place the portfile runs with functions that do what vcpkg's
# do for it (vcpkg/functions.cmake), and really configures and installs; a program is then built against what that leaves.
set -euo pipefail
cmake=$1 compiler=$2
. "$(dirname "${BASH_SOURCE[0]}")/page.sh"
port=$root/packaging/vcpkg/ports/tinygan

manifest=$(tr -d ' \n' <"$port/vcpkg.json")
[[ $manifest =~ \"version\":\"([^\"]*)\" && ${BASH_REMATCH[1]} == "$(version_of_header)" ]] ||
  die "packaging/vcpkg/ports/tinygan/vcpkg.json has the version '${BASH_REMATCH[1]:-}', include/tinygan/base/version.hpp $(version_of_header)"
for words in '"name":"tinygan"' '{"name":"vcpkg-cmake","host":true}' '{"name":"vcpkg-cmake-config","host":true}'; do
  [[ $manifest == *"$words"* ]] || die "vcpkg.json lacks $words"
done
if command -v python3 >/dev/null; then python3 -m json.tool "$port/vcpkg.json" >/dev/null || die "vcpkg.json is not JSON"; fi

export VCPKG_ROOT=$scratch/vcpkg
packaged=$scratch/packaged
run_port() {  # run_port FOLDER OF THE PORT
  cmake -DPORT=tinygan -DVERSION="$(version_of_header)" -DPORT_DIR="$1" -DCURRENT_PACKAGES_DIR="$packaged" \
    -DBUILD_DIR="$scratch/port_build" -P "$here/vcpkg/functions.cmake"
}
vcpkg() {  # vcpkg install tinygan --overlay-ports=FOLDER
  [[ $# == 3 && "$1 $2" == 'install tinygan' && $3 == --overlay-ports=* ]] || die "vcpkg $*"
  run_port "$(cd "${3#*=}/tinygan" && pwd)" && mv "$packaged" "$VCPKG_ROOT/installed"
}
mkdir -p "$VCPKG_ROOT/scripts/buildsystems"
echo "list(APPEND CMAKE_PREFIX_PATH \"$VCPKG_ROOT/installed\")" >"$VCPKG_ROOT/scripts/buildsystems/vcpkg.cmake"

project_with '# CMakeLists.txt: tinygan installed'
run 'vcpkg install tinygan --overlay-ports=tinygan/packaging/vcpkg/ports'
says build/vcpkg/program
# What vcpkg prints after the installation names targets and packages that are there.
grep -q 'find_package(tinygan CONFIG REQUIRED)' "$VCPKG_ROOT/installed/share/tinygan/usage" || die "usage: $(cat "$port/usage")"

# A port that was copied out of the checkout says what is wrong.
cp -r "$port" "$scratch/copied"
! run_port "$scratch/copied" >"$scratch/log" 2>&1 || die "a copied port was installed"
tr -s ' \n' ' ' <"$scratch/log" | grep -qF 'pass its folder as --overlay-ports instead of a copy' || die "$(cat "$scratch/log")"
