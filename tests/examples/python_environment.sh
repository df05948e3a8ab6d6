#!/usr/bin/env bash
# python_environment.sh files|onnx|keras|torch|conan FOLDER
# Prints a Python interpreter for that part of python.sh, or of tests/consumers/conan.sh; what it installs for it goes into virtual environments in FOLDER.
#
#   files        a virtual environment with NumPy, safetensors and TensorBoard, made on first use (40 MB to fetch)
#   onnx         a virtual environment with NumPy, safetensors, onnx and onnxruntime, made on first use (53 MB to fetch)
#   conan        a virtual environment with Conan, made on first use (5 MB to fetch)
#   keras torch  a python3 of this machine that has NumPy and Keras or PyTorch; these are never installed, since they are hundreds of
#                packages and gigabytes. Where safetensors alone is missing, a virtual environment adds it
#
# TINYGAN_PYTHON names an interpreter that has it all. Exit code 77, and a line that says why, where there is none to be had.
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib.sh"
part=$1 folder=$2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

skip() { echo "SKIPPED: $*" >&2; exit 77; }

imports() {  # imports PYTHON MODULE...; Keras is not imported, which needs to be told its backend
  local module
  for module in "${@:2}"; do
    if [[ $module == keras ]]; then module='importlib.util; assert importlib.util.find_spec("keras")'; fi
    "$1" -c "import $module" >/dev/null 2>&1 || return 1
  done
}

# environment NAME PYTHON OPTION... -- PACKAGE...: makes the virtual environment FOLDER/NAME, whole or not at all, unless it is there,
# and prints its interpreter. A network that is not there is no failure of ours.
environment() {
  local name=$1 base=$2 options=() made log=$scratch/log
  shift 2
  while [[ $1 != -- ]]; do options+=("$1"); shift; done
  shift
  made=$folder/$name
  if [[ $(cat "$made/made_of" 2>/dev/null) != "$base $*" || ! -x $made/bin/python ]]; then
    rm -rf "${made:?}"
    mkdir -p "$folder"
    "$base" -m venv "${options[@]}" "$made" >"$log" 2>&1 || skip "$base cannot make virtual environments: $(tail -n 1 "$log")"
    if ! "$made/bin/python" -m pip install --quiet --disable-pip-version-check --retries 1 "$@" >"$log" 2>&1; then
      rm -rf "${made:?}"
      ! grep -qiE 'connection|resolution|timed out|proxy|could not fetch|no matching distribution' "$log" ||
        skip "pip could not fetch $*: $(tail -n 1 "$log")"
      die "pip install $*: $(cat "$log")"
    fi
    echo "$base $*" >"$made/made_of"
    echo "Installed by pip in $made:" "$("$made/bin/python" -m pip list --format=freeze --disable-pip-version-check |
      paste -sd ' ')" >&2
  fi
  echo "$made/bin/python"
}

# installed MODULE WORDS: a python3 of this machine with NumPy and that module.
installed() {
  local candidate
  for candidate in python3 /usr/bin/python3; do
    imports "$candidate" "$1" numpy || continue
    if imports "$candidate" safetensors; then echo "$candidate"; else
      environment "$1" "$candidate" --system-site-packages -- safetensors
    fi
    return
  done
  skip "no python3 here has $2, which is used only where it is installed already"
}

if [[ -n ${TINYGAN_PYTHON:-} ]]; then
  echo "$TINYGAN_PYTHON"
  exit
fi
case $part in
  files)
    base=$(find_venv_python) || skip "no python3 here makes virtual environments (Debian, Ubuntu: python3-venv)"
    environment files "$base" -- numpy safetensors tensorboard ;;
  onnx)
    base=$(find_venv_python) || skip "no python3 here makes virtual environments (Debian, Ubuntu: python3-venv)"
    environment onnx "$base" -- numpy safetensors onnx onnxruntime ;;
  conan)
    base=$(find_venv_python) || skip "no python3 here makes virtual environments (Debian, Ubuntu: python3-venv)"
    environment conan "$base" -- 'conan>=2' ;;
  keras) installed keras Keras ;;
  torch) installed torch PyTorch ;;
  *) die "python_environment.sh: what is '$part'?" ;;
esac
