#!/usr/bin/env bash
# tutorial.sh TENSORS CLASSIFIER CLASSIFY
# The tutorial's first program prints what docs/tutorial.md shows; the second learns, and says which folder it cannot read; the third reads a
# digit with what that has learnt, and says which file it lacks.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tensors=$1 classifier=$2 classify=$3
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

"$classify" classifier.safetensors 7 >printed
awk '/^[0-9]  / { sum += $2; if ($2 > most) most = $2 } length == 28 { ++rows } /[oO@]/ { ++inked }
     END { exit !(rows == 28 && inked > 5 && sum > 99 && sum < 101 && most > 50) }' printed || die "classify prints: $(cat printed)"
said=$("$classify" missing.safetensors 2>&1) && die "missing weights: exit code 0"
[[ $said == *missing.safetensors* && $said != *$'\n'* ]] || die "missing weights: $said"
said=$("$classify" classifier.safetensors 1000 2>&1) && die "image 1000 of 1000: exit code 0"
[[ $said == *1000* && $said != *$'\n'* ]] || die "image 1000 of 1000: $said"
echo "tutorial: ok"
