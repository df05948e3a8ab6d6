"""ONNX files are valid, and onnxruntime computes from them what the library does. Called by python.sh with a folder:

  cases FOLDER     layers and networks that the unit tests wrote, NAME.onnx, beside their inputs and results, NAME.npz
  trainer FOLDER   exports of the trainer, NAME_generator.onnx and NAME_discriminator.onnx, beside its images, NAME.npz,
                   and where Keras' layout knows the layers, NAME.safetensors
"""
import glob
import os
import sys

import numpy as np
import onnx
import onnxruntime

import python_networks

tolerance = 1e-5  # of a pixel in the network's range: what the project promises; of larger results relative


def fail(*what):
    sys.exit("FAILED: " + " ".join(map(str, what)))


def load(path):
    """The session of a file that is valid, its shapes included."""
    onnx.checker.check_model(path, full_check=True)
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


def run(session, x, labels=None):
    """The output for the first input and, if the network reads any, the labels."""
    inputs = session.get_inputs()
    arrays = [x] if labels is None else [x, labels]
    if len(inputs) != len(arrays) or (labels is not None and inputs[1].name != "labels"):
        fail([i.name for i in inputs], "are the inputs, expected", len(arrays))
    return session.run(None, {i.name: a for i, a in zip(inputs, arrays)})[0]


def difference(what, theirs, ours):
    if theirs.shape != ours.shape:
        fail(what, "onnxruntime's result has the shape", theirs.shape, "ours", ours.shape)
    error = np.abs(theirs - ours).max()
    if not error <= tolerance * max(1, np.abs(ours).max()):
        fail(what, f"the largest difference is {error:.2g}, the largest value {np.abs(ours).max():.2g}")
    if ours.size > 1 and ours.std() == 0:
        fail(what, "all results are the same")
    return error


def check_case(path):
    session, arrays, worst = load(path), np.load(path[:-len("onnx")] + "npz"), 0
    for n in [name.split("_")[1] for name in arrays.files if name.startswith("input_")]:
        labels = arrays[f"labels_{n}"] if f"labels_{n}" in arrays.files else None
        theirs = run(session, arrays[f"input_{n}"], labels)
        worst = max(worst, difference(f"{path}, batch {n}:", theirs, arrays[f"output_{n}"]))
    return worst


def check_cases(folder):
    layers = {}
    for path in sorted(glob.glob(f"{folder}/*.onnx")):
        name, error = os.path.basename(path)[:-len(".onnx")], check_case(path)
        if name.startswith("layer_"):
            layers[name] = error
        else:
            print(f"onnx: {name}: largest difference {error:.2g}")
    if not layers:
        fail("there are no layers in", folder)
    worst = max(layers, key=layers.get)
    print(f"onnx: {len(layers)} layers: largest difference {layers[worst]:.2g}, of {worst}")


def check_export(path):
    """Generator and discriminator of one run; returns the images."""
    generator, discriminator = load(f"{path}_generator.onnx"), load(f"{path}_discriminator.onnx")
    about = generator.get_modelmeta().custom_metadata_map
    if about["generator"] != ("raw" if path.endswith("--raw") else "averaged") or about["step"] != "4":
        fail(path, "says of itself", about)
    ours = np.load(f"{path}.npz")
    labels = np.eye(10, dtype=np.float32)[ours["classes"]] if "classes" in ours.files else None
    images = run(generator, ours["latents"], labels)  # (N,C,H,W)
    expected = np.moveaxis(ours["images"], 3, 1) if ours["images"].ndim == 4 else ours["images"][:, None]
    error = difference(path, images, expected)
    if not (float(about["pixel_low"]) <= images.min() and images.max() <= float(about["pixel_high"])):
        fail(path, "draws pixels outside of", about["pixel_low"], about["pixel_high"])
    pack = int(about.get("packing", 1))
    logits = run(discriminator, expected[:8], None if labels is None else labels[:8])
    if logits.shape != (8 // pack, 1) or not np.isfinite(logits).all():
        fail(path, "the discriminator gives", logits)
    opinion = "finite"
    if os.path.exists(f"{path}.safetensors"):
        keras = python_networks.discriminate(f"{path}.safetensors", ours["images"][:8, ..., None])
        opinion = f"{difference(f'{path}, logits:', logits, keras):.2g}"
    print(f"onnx: {os.path.basename(path)}: largest difference of images {error:.2g}, of logits {opinion}")
    return images


def check_exports(folder):
    paths = [p[:-len(".npz")] for p in sorted(glob.glob(f"{folder}/*.npz")) if not p.endswith("--raw.npz")]
    if not paths:
        fail("there are no exports in", folder)
    for path in paths:
        if (check_export(path) == check_export(path + "--raw")).all():
            fail(path, "raw and averaged generators draw the same images")


{"cases": check_cases, "trainer": check_exports}[sys.argv[1]](sys.argv[2])
