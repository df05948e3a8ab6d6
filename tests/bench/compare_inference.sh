#!/usr/bin/env bash
# compare_inference.sh SOURCE
# scripts/compare-inference against stub programs (compare_inference.py). Skipped, exit code 77, without Python 3.8.
set -euo pipefail
if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 8))' 2>/dev/null; then
  echo "SKIPPED: no python3 of version 3.8 or later, so nothing shows that compare-inference reports what it runs"
  exit 77
fi
exec python3 "$(dirname "${BASH_SOURCE[0]}")/compare_inference.py" "$1"
