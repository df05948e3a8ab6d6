#!/usr/bin/env bash
# api_reference.sh
# The API reference has no warning: every public class, function, enumeration and alias has a sentence, and what it refers to exists.
# Exit code 77 where Doxygen is not installed.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
command -v doxygen >/dev/null || { echo "SKIPPED: no doxygen is installed"; exit 77; }

"$root/scripts/api-reference" "$scratch/reference"
for page in index classtinygan_1_1Tensor namespacetinygan_1_1ops classtinygan_1_1nn_1_1Sequential; do
  [[ -s $scratch/reference/html/$page.html ]] || { echo "the reference lacks $page.html"; exit 1; }
done

# The check itself works.
tree=$scratch/tree
mkdir -p "$tree/docs" "$tree/include/tinygan/base"
cp -r "$root/scripts" "$tree"
cp -r "$root/docs/reference" "$tree/docs"
cp "$root/include/tinygan/base/version.hpp" "$tree/include/tinygan/base"
finds() {  # finds TEXT CODE: the lines of a header make the script print TEXT
  printf '%s\n' '#pragma once' "namespace tinygan::ops {" "$2" '}' >"$tree/include/tinygan/base/fault.hpp"
  if "$tree/scripts/api-reference" "$scratch/faults" >"$scratch/out" 2>&1; then echo "went unnoticed: $2"; exit 1; fi
  grep -q "fault.hpp:[0-9]*: .*$1" "$scratch/out" || { cat "$scratch/out"; exit 1; }
}
finds 'Member lost(int x).*is not documented' 'int lost(int x);'
finds 'Compound tinygan::ops::Lost is not documented' 'struct Lost { int x; };'
finds 'Member Lost (enumeration).*is not documented' 'enum class Lost { a };'
finds 'unable to resolve reference' $'/// See \\ref nowhere.\nint found(int x);'
finds 'nknown command' $'/// A \\nosuchcommand.\nint found(int x);'
echo "every public name has its sentence"
