#!/usr/bin/env bash
# python.sh DCGAN_MNIST files|onnx|keras|torch FOLDER [TINYGAN_TESTS]
# What the trainer writes, read by others' libraries in Python. `files`: NumPy, safetensors and TensorBoard, and the exported weights
# by networks of NumPy. `onnx`: the exported networks by onnxruntime, and the layers and networks that TINYGAN_TESTS writes. `keras`,
# `torch`: the exported weights, where that library is installed. python_environment.sh says where the interpreters come from; exit code
# 77, and a line that says why, where there is none.
. "$(dirname "$0")/common.sh"
part=$2 folder=$3 unit_tests=${4:-}
here=$(cd "$(dirname "$0")" && pwd)
models=$here/../../examples/dcgan_mnist/python
python=$(bash "$here/python_environment.sh" "$part" "$folder")

# ---- ONNX: the trainer's exports beside the images that it draws -----------------------------------------------------

# exported NAME OPTION...: of a run with these options, the files and the images of both generators.
exported() {
  local name=$1 run raw
  run=$(train "${tiny[@]}" --steps 4 --log-every 1 --out "$scratch/runs/$name" "${@:2}")
  for raw in "" --raw; do
    "$program" sample "$run" --count 9 --seed 3 --npz "$scratch/onnx/$name$raw.npz" --float $raw >/dev/null
    "$program" export "$run" --layout onnx --out "$scratch/onnx/$name$raw.onnx" $raw >/dev/null
    if [[ $# == 3 ]]; then  # a network without options, which the networks in NumPy know
      "$program" export "$run" --layout keras --out "$scratch/onnx/$name$raw.safetensors" $raw >/dev/null
    fi
  done
}

if [[ $part == onnx ]]; then
  export PYTHONDONTWRITEBYTECODE=1
  mkdir "$scratch/onnx" "$scratch/cases"
  for model in tinygan small dcgan article libtorch linear; do
    exported $model --model $model
    exported ${model}_conditional --model $model --conditional
    "$python" "$here/python_onnx.py" trainer "$scratch/onnx"
    rm -r "$scratch/runs" "$scratch/onnx"/*  # article's are 160 MB each
  done
  exported virtual --norm virtual --spectral-norm --minibatch-stddev --packing 2
  exported virtual_conditional --norm virtual --spectral-norm --minibatch-stddev --conditional
  exported stacked --data stacked:strokes --packing 2
  "$python" "$here/python_onnx.py" trainer "$scratch/onnx"
  if [[ -n $unit_tests ]]; then
    TINYGAN_ONNX_FOLDER=$scratch/cases "$unit_tests" "[onnx_files]" >"$scratch/log" || die "the layers' files: $(cat "$scratch/log")"
    "$python" "$here/python_onnx.py" cases "$scratch/cases"
  fi
  echo "python.sh $part: ok"
  exit
fi

# ---- What is read ----------------------------------------------------------------------------------------------------

for model in tinygan small dcgan article libtorch linear; do
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

export PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$models TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES='' KERAS_HOME=$scratch/keras
if [[ $part == keras && -z ${KERAS_BACKEND:-} ]]; then
  for KERAS_BACKEND in jax torch tensorflow; do
    export KERAS_BACKEND
    if "$python" -c 'import keras' >/dev/null 2>&1; then break; fi
  done
fi
if [[ $part == files ]]; then
  "$python" "$here/python_files.py" "$scratch"
else
  "$python" "$here/python_weights.py" "$part" "$scratch"
fi
echo "python.sh $part: ok"
