#!/usr/bin/env bash
# tutorial.sh TENSORS CLASSIFIER
# The tutorial's first program prints what docs/tutorial.md shows; the second learns, and says which folder it cannot read.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tensors=$1 classifier=$2
die() { echo "FAILED: $*" >&2; exit 1; }
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"

"$tensors" >printed
awk '/The whole program prints/ { wanted = 1 } wanted && /^```/ { ++fences; next } fences == 1' "$here/../../docs/tutorial.md" >shown
cmp printed shown || die "docs/tutorial.md shows another output of tensors:" "$(diff printed shown)"

said=$("$classifier" 1 missing 2>&1) && die "a missing folder: exit code 0"
[[ $said == *missing* && $said != *$'\n'* ]] || die "a missing folder: $said"
"$classifier" 2 >printed
accuracy=$(sed -n 's/^epoch 2  test accuracy 0\.\([0-9]\{4\}\)$/\1/p' printed)
[[ $accuracy ]] || die "it prints: $(cat printed)"
((10#$accuracy > 9000)) || die "0.$accuracy of the built-in digits are read after two epochs, expected more than 0.9"
grep -aq dense_1.kernel classifier.safetensors || die "classifier.safetensors has no dense_1.kernel"
echo "tutorial: ok"
