"""The trainer's files, read by NumPy, by safetensors and by TensorBoard; the exported weights draw the same images in NumPy. Called
by python.sh with the folder of the runs."""
import glob
import json
import math
import os
import sys

import numpy as np
from safetensors import safe_open
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import python_networks

scratch = sys.argv[1]


def check(condition, *what):
    if not condition:
        sys.exit("FAILED: " + " ".join(map(str, what)))


def check_npz(model):
    floats, bytes_ = np.load(f"{scratch}/{model}/float.npz"), np.load(f"{scratch}/{model}/bytes.npz")
    check(sorted(floats.files) == ["images", "latents"], model, "npz holds", floats.files)
    check(floats["images"].shape == (9, 28, 28) and floats["images"].dtype == np.float32, model, floats["images"].shape)
    check(bytes_["images"].shape == (9, 28, 28) and bytes_["images"].dtype == np.uint8, model, bytes_["images"].dtype)
    check(floats["latents"].shape == (9, 100) and (floats["latents"] == bytes_["latents"]).all(), model, "latents differ")
    low = 0.0 if model in ("article", "linear") else -1.0
    grey = (floats["images"].astype(np.float64) - low) / (1 - low) * 255
    # Rounded to the nearest: half a shade, and what single precision may add to it.
    check(np.abs(grey - bytes_["images"]).max() <= 0.5 + 1e-4, model, "bytes are not the rounded pixels")
    check(floats["images"].std() > 0, model, "all pixels are the same")


def check_truncation(model):
    """z' of --truncation 1: erf(z'/sqrt 2) = erf(z/sqrt 2) erf(1/sqrt 2)."""
    free, cut = (np.load(f"{scratch}/{model}/{name}.npz")["latents"].ravel() for name in ("bytes", "truncated"))
    check(np.abs(free).max() > 1 and np.abs(cut).max() <= 1, model, "truncation at 1 leaves", np.abs(cut).max())
    share = math.erf(1 / math.sqrt(2))
    error = max(abs(math.erf(c / math.sqrt(2)) - share * math.erf(f / math.sqrt(2))) for f, c in zip(free, cut))
    check(error <= 1e-6, model, "truncated latents miss the formula by", error)  # single precision, and erf's slope below 1


def check_weights(model):
    run = os.path.realpath(f"{scratch}/{model}/run")
    with open(f"{run}/latest") as latest:
        path = f"{run}/{latest.read().strip()}/model.safetensors"
    with safe_open(path, framework="np") as file:
        names = set(file.keys())
        check(file.metadata()["model"] == model, path, file.metadata())
        check({n.split(".")[0] for n in names} == {"generator", "generator_ema", "discriminator"}, path, sorted(names))
        check(all(np.isfinite(file.get_tensor(n)).all() for n in names), path, "holds NaN or infinity")
        # Keras' layout is ours but for names.
        with safe_open(f"{scratch}/{model}/keras.safetensors", framework="np") as keras:
            for name in keras.keys():
                ours = name.replace("batch_normalization", "batch_norm").replace("generator.", "generator_ema.")
                check((file.get_tensor(ours) == keras.get_tensor(name)).all(), model, name)


def check_exports(model):
    """Both layouts mean the same networks: our images, to what single precision allows, and one opinion of them."""
    for raw in ("", "--raw"):
        ours = np.load(f"{scratch}/{model}/float{raw}.npz")
        logits = []
        for layout in ("keras", "torch"):
            path = f"{scratch}/{model}/{layout}{raw}.safetensors"
            error = np.abs(python_networks.generate(path, ours["latents"])[..., 0] - ours["images"]).max()
            check(error <= 1e-5, path, "draws other images: largest difference", error)
            logits.append(python_networks.discriminate(path, ours["images"][..., None]))
        check(logits[0].shape == (9, 1) and np.isfinite(logits[0]).all(), model, "logits", logits[0])
        check(np.abs(logits[0] - logits[1]).max() <= 1e-12 * (1 + np.abs(logits[0]).max()), model, "logits differ by layout", *logits)


def check_events(model):
    run = f"{scratch}/{model}/run"
    check(glob.glob(f"{run}/events.out.tfevents.*"), model, "left no event file")
    events = EventAccumulator(run, size_guidance={"scalars": 0, "images": 0})
    events.Reload()
    with open(f"{run}/stats.jsonl") as lines:
        stats = [json.loads(line) for line in lines]
    names = {"loss/discriminator": "loss_d", "loss/generator": "loss_g", "output/real": "d_real",
             "output/generated": "d_fake", "gradient/generator": "grad_norm_g"}
    for tag, key in names.items():
        scalars = events.Scalars(tag)
        check([s.step for s in scalars] == [s["step"] for s in stats], model, tag, "steps", [s.step for s in scalars])
        check(all(s.value == np.float32(t[key]) for s, t in zip(scalars, stats)), model, tag, "values differ from stats.jsonl")
    pictures = {tag: events.Images(tag) for tag in events.Tags()["images"]}
    check(pictures, model, "holds no pictures")
    grids = [i for tag in pictures for i in pictures[tag] if i.step == 4]
    with open(f"{run}/fakes_000004.png", "rb") as png:
        check(png.read() in [g.encoded_image_string for g in grids], model, "the last grid is not among the pictures")
    check(all(g.width == 233 and g.height == 233 for g in grids), model, "grids have another size than 233x233")


for model in ("tinygan", "small", "dcgan", "article", "libtorch", "linear"):
    check_npz(model)
    check_truncation(model)
    check_weights(model)
    check_exports(model)
    check_events(model)
print("files: ok")
