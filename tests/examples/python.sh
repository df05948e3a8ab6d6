#!/usr/bin/env bash
# python.sh DCGAN_MNIST files|keras|torch FOLDER
# What the trainer writes, read by others' libraries in Python. `files`: NumPy, safetensors and TensorBoard, and the exported weights
# by networks of NumPy. `keras`, `torch`: the exported weights, where that library is installed. python_environment.sh says where the
# interpreters come from; exit code 77, and a line that says why, where there is none.
. "$(dirname "$0")/common.sh"
part=$2 folder=$3
here=$(cd "$(dirname "$0")" && pwd)
models=$here/../../examples/dcgan_mnist/python
python=$(bash "$here/python_environment.sh" "$part" "$folder")

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
