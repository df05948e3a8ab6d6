"""Exported weights give the same images elsewhere. Called by python.sh: keras|torch and the folder of the runs."""
import sys

import numpy as np

framework, scratch = sys.argv[1:]
tolerance = 1e-5  # of a pixel in the network's range, over all pixels: what the project promises

if framework == "keras":
    import keras_models as models

    def run(network, x):
        return network.predict(x, verbose=0)

    def to_images(x):
        return x[..., 0]

    def from_images(x):
        return x[..., None]
else:
    import torch
    import torch_models as models

    def run(network, x):
        with torch.no_grad():
            return network(torch.from_numpy(x)).numpy()

    def to_images(x):
        return x[:, 0]

    def from_images(x):
        return x[:, None]


def check_torch_discriminator(model, network):
    """Its convolutions are Keras' kernels with the axes turned; its dense layer takes what Keras' would, channels last."""
    from safetensors import safe_open

    with safe_open(f"{scratch}/{model}/keras.safetensors", framework="pt") as file:
        keras = {name: file.get_tensor(name) for name in file.keys()}
    for name, layer in network.named_children():
        if isinstance(layer, torch.nn.Conv2d):
            kernel = keras[f"discriminator.{name}.kernel"]
            if not (layer.weight == kernel.permute(3, 2, 0, 1)).all():
                sys.exit(f"FAILED: {model}: discriminator.{name} is not Keras' kernel turned")
        if isinstance(layer, torch.nn.Linear):
            with torch.no_grad():
                features = network[:-2](torch.randn(5, 1, 28, 28))
                flat = features.permute(0, 2, 3, 1).flatten(1)
                expected = flat @ keras[f"discriminator.{name}.kernel"] + keras[f"discriminator.{name}.bias"]
                bound = 6272 * 1e-7 * (flat.abs() @ keras[f"discriminator.{name}.kernel"].abs())
                if not ((layer(features.flatten(1)) - expected).abs() <= bound).all():
                    sys.exit(f"FAILED: {model}: discriminator.{name} takes its features in another order than Keras'")


for model in ("tinygan", "small", "dcgan", "article", "libtorch", "linear"):
    images = []
    for raw in ("", "--raw"):
        ours = np.load(f"{scratch}/{model}/float{raw}.npz")
        generator, discriminator = models.load(f"{scratch}/{model}/{framework}{raw}.safetensors")
        theirs = to_images(run(generator, ours["latents"]))
        error = np.abs(theirs - ours["images"]).max()
        print(f"{framework}: {model}{raw}: largest difference {error:.2g}")
        if not error <= tolerance:
            sys.exit(f"FAILED: {model}{raw} draws other images in {framework}")
        logits = run(discriminator, from_images(ours["images"]))
        if logits.shape != (9, 1) or not np.isfinite(logits).all():
            sys.exit(f"FAILED: {model}'s discriminator gives {logits}")
        if framework == "torch" and not raw:
            check_torch_discriminator(model, discriminator)
        images.append(ours["images"])
    if (images[0] == images[1]).all():
        sys.exit(f"FAILED: {model}'s raw and averaged generators draw the same images")
