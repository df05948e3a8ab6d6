#!/usr/bin/env bash
# select_kernels.sh SOURCE
# scripts/select-kernels against made-up races (select_kernels.py). Skipped, exit code 77, without Python 3.8.
set -euo pipefail
if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 8))' 2>/dev/null; then
  echo "SKIPPED: no python3 of version 3.8 or later, so nothing shows that select-kernels finds the best limits"
  exit 77
fi
exec python3 "$(dirname "${BASH_SOURCE[0]}")/select_kernels.py" "$1"
