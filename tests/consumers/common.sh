# shellcheck shell=bash
# Sourced by the consumer tests: strict bash, a scratch folder that goes away, where things are.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# require_14 TOOL: prints the command that is TOOL of LLVM 14, as others format and check otherwise. Without it the test ends, skipped.
require_14() {
  local name
  for name in "$1-14" "$1"; do
    if "$name" --version 2>/dev/null | grep -q 'version 14\.'; then echo "$name"; return; fi
  done
  echo "SKIPPED: no $1 14 is installed" >&2
  exit 77
}

strict_flags=(-std=c++20 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror)

die() { echo "FAILED: $*"; exit 1; }

version_of_header() { sed -n 's/^#define TINYGAN_VERSION_\(MAJOR\|MINOR\|PATCH\) //p' "$root/include/tinygan/base/version.hpp" | paste -sd .; }
