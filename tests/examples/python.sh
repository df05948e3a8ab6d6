#!/usr/bin/env bash
# python.sh DCGAN_MNIST pip|torch FOLDER
# What the trainer writes, read by others' libraries in Python. `pip`: NumPy, safetensors, TensorBoard and Keras (on JAX, the
# lightest of its backends) in a virtual environment in FOLDER, made on first use, about 200 MB to fetch. `torch`: PyTorch where
# some python3 has it, as with Debian's python3-torch; PyPI's takes gigabytes. TINYGAN_PYTHON names an interpreter that has
# them all, for both. Exit code 77, and a line that says why, where neither is to be had.
. "$(dirname "$0")/common.sh"
part=$2 folder=$3
here=$(cd "$(dirname "$0")" && pwd)
models=$here/../../examples/dcgan_mnist/python

skip() { echo "SKIPPED: $*"; exit 77; }

imports() {  # imports PYTHON MODULE...
  local python=$1 module
  for module in "${@:2}"; do "$python" -c "import $module" >/dev/null 2>&1 || return 1; done
}

# install PYTHON PACKAGE...: with pip; a network that is not there is no failure of ours.
install() {
  local log=$scratch/pip.log
  "$1" -m pip install --quiet --disable-pip-version-check "${@:2}" >"$log" 2>&1 && return
  ! grep -qiE 'connection|resolution|timed out|proxy|could not fetch|no matching distribution' "$log" ||
    skip "pip could not fetch ${*:2}: $(tail -n 1 "$log")"
  die "pip install ${*:2}: $(cat "$log")"
}

# environment NAME PYTHON OPTION...: makes the virtual environment FOLDER/NAME unless it is there.
environment() {
  [[ -x $folder/$1/bin/python ]] && return
  rm -rf "${folder:?}/$1"
  mkdir -p "$folder"
  "$2" -m venv "${@:3}" "$folder/$1" >"$scratch/venv.log" 2>&1 ||
    { rm -rf "${folder:?}/$1"; skip "$2 cannot make virtual environments: $(tail -n 1 "$scratch/venv.log")"; }
}

find_pip_python() {
  local needs=(numpy safetensors tensorboard keras jax)
  command -v python3 >/dev/null || skip "there is no python3"
  environment pip python3
  python=$folder/pip/bin/python
  imports "$python" "${needs[@]}" || install "$python" "${needs[@]}"
}

find_torch_python() {
  local candidate base=
  for candidate in python3 /usr/bin/python3; do
    if command -v "$candidate" >/dev/null && imports "$candidate" torch numpy; then base=$candidate; fi
  done
  [[ -n $base ]] || skip "no python3 here has PyTorch (Debian, Ubuntu: apt-get install python3-torch python3-venv)"
  python=$base
  imports "$python" safetensors && return
  environment torch "$base" --system-site-packages
  python=$folder/torch/bin/python
  imports "$python" safetensors || install "$python" safetensors
}

case $part in pip | torch) ;; *) die "python.sh: what is '$part'?" ;; esac
if [[ -n ${TINYGAN_PYTHON:-} ]]; then python=$TINYGAN_PYTHON; else "find_${part}_python"; fi

# ---- What is read ----------------------------------------------------------------------------------------------------

for model in dcgan article libtorch small; do
  run=$(train "${tiny[@]}" --model $model --steps 4 --snapshot-every 2 --log-every 1 --out "$scratch/$model")
  ln -s "$run" "$scratch/$model/run"
  for raw in "" --raw; do
    "$program" sample "$run" --count 9 --seed 3 --npz "$scratch/$model/float$raw.npz" --float $raw >/dev/null
    for layout in keras torch; do
      "$program" export "$run" --layout $layout --out "$scratch/$model/$layout$raw.safetensors" $raw >/dev/null
    done
  done
  "$program" sample "$run" --count 9 --seed 3 --npz "$scratch/$model/bytes.npz" >/dev/null
  "$program" sample "$run" --count 9 --seed 3 --npz "$scratch/$model/truncated.npz" --truncation 1 >/dev/null
done

export PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$models KERAS_HOME=$scratch/keras KERAS_BACKEND=${KERAS_BACKEND:-jax}
export TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=
if [[ $part == pip ]]; then "$python" "$here/python_files.py" "$scratch"; fi
framework=$part
[[ $part == torch ]] || framework=keras
"$python" "$here/python_weights.py" "$framework" "$scratch"
echo "python.sh $part: ok"
