#!/usr/bin/env bash
# tree.sh
# tests/ mirrors the tree: a folder of tests for each of include/tinygan, and no unit test in a folder that mirrors nothing.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$root"
bad=0
for folder in include/tinygan/*/; do
  name=$(basename "$folder")
  compgen -G "tests/$name/test_*.cpp" >/dev/null || { echo "$folder has no tests: expected tests/$name/test_*.cpp"; bad=1; }
done
others=(kernels bench examples docs support)
for test in tests/*/test_*.cpp; do
  name=$(basename "$(dirname "$test")")
  [[ -d include/tinygan/$name || " ${others[*]} " == *" $name "* ]] || { echo "$test mirrors no folder"; bad=1; }
done
((bad == 0)) && echo "tests/ mirrors the tree"
