"""The networks of dcgan_mnist in PyTorch, for weights written by `dcgan_mnist export --layout torch`.

    generator, discriminator = load("dcgan_torch.safetensors")
    images = generator(torch.randn(64, 100))    # (64, 1, 28, 28), from -1 to 1 (article, linear: from 0 to 1)
"""
from collections import OrderedDict

from torch import nn


def sequential(*layers):
    """Layers by name; (name, layer) for those with weights, the others are numbered."""
    named = OrderedDict()
    for i, layer in enumerate(layers):
        name, layer = layer if isinstance(layer, tuple) else (f"_{i}", layer)
        named[name] = layer
    return nn.Sequential(named)


def crop(rows, columns):
    """Cuts rows off below and columns off on the right: what Keras' `same` has more of below than PyTorch can pad."""
    return nn.ZeroPad2d((0, -columns, 0, -rows))


def transposed(inputs, outputs, kernel, stride, padding, bias=False):
    return nn.ConvTranspose2d(inputs, outputs, kernel, stride, padding, bias=bias)


def dcgan():
    def norm(kind, channels):
        return kind(channels, eps=1e-3, momentum=0.01)

    generator = sequential(
        ("dense", nn.Linear(100, 12544, bias=False)),
        ("batch_norm", norm(nn.BatchNorm1d, 12544)), nn.LeakyReLU(0.3), nn.Unflatten(1, (256, 7, 7)),
        ("conv2d_transpose", transposed(256, 128, 5, 1, 2)),
        ("batch_norm_1", norm(nn.BatchNorm2d, 128)), nn.LeakyReLU(0.3),
        ("conv2d_transpose_1", transposed(128, 64, 5, 2, 1)), crop(1, 1),
        ("batch_norm_2", norm(nn.BatchNorm2d, 64)), nn.LeakyReLU(0.3),
        ("conv2d_transpose_2", transposed(64, 1, 5, 2, 1)), crop(1, 1), nn.Tanh())
    discriminator = sequential(
        nn.ZeroPad2d((1, 2, 1, 2)), ("conv2d", nn.Conv2d(1, 64, 5, 2)), nn.LeakyReLU(0.3), nn.Dropout(0.3),
        nn.ZeroPad2d((1, 2, 1, 2)), ("conv2d_1", nn.Conv2d(64, 128, 5, 2)), nn.LeakyReLU(0.3), nn.Dropout(0.3),
        nn.Flatten(), ("dense", nn.Linear(6272, 1)))
    return generator, discriminator


def article():
    generator = sequential(
        ("dense", nn.Linear(100, 6272)), nn.LeakyReLU(0.2),
        ("dense_1", nn.Linear(6272, 6272)), nn.LeakyReLU(0.2), nn.Unflatten(1, (128, 7, 7)),
        ("conv2d_transpose", transposed(128, 128, 5, 2, 1, bias=True)), crop(1, 1), nn.LeakyReLU(0.2),
        ("conv2d_transpose_1", transposed(128, 128, 5, 2, 1, bias=True)), crop(1, 1), nn.LeakyReLU(0.2),
        ("conv2d", nn.Conv2d(128, 1, 3, padding=1)), nn.Sigmoid())
    discriminator = sequential(
        nn.ZeroPad2d((0, 1, 0, 1)), ("conv2d", nn.Conv2d(1, 128, 3, 2)), nn.LeakyReLU(0.2),
        nn.ZeroPad2d((0, 1, 0, 1)), ("conv2d_1", nn.Conv2d(128, 128, 3, 2)), nn.LeakyReLU(0.2),
        nn.Flatten(), ("dense", nn.Linear(6272, 1)))
    return generator, discriminator


def libtorch():
    generator = sequential(
        nn.Unflatten(1, (100, 1, 1)),
        ("conv2d_transpose", transposed(100, 256, 4, 1, 0)), ("batch_norm", nn.BatchNorm2d(256)), nn.ReLU(),
        ("conv2d_transpose_1", transposed(256, 128, 3, 2, 1)), ("batch_norm_1", nn.BatchNorm2d(128)), nn.ReLU(),
        ("conv2d_transpose_2", transposed(128, 64, 4, 2, 1)), ("batch_norm_2", nn.BatchNorm2d(64)), nn.ReLU(),
        ("conv2d_transpose_3", transposed(64, 1, 4, 2, 1)), nn.Tanh())
    discriminator = sequential(
        ("conv2d", nn.Conv2d(1, 64, 4, 2, 1, bias=False)), nn.LeakyReLU(0.2),
        ("conv2d_1", nn.Conv2d(64, 128, 4, 2, 1, bias=False)), ("batch_norm", nn.BatchNorm2d(128)), nn.LeakyReLU(0.2),
        ("conv2d_2", nn.Conv2d(128, 256, 4, 2, 1, bias=False)), ("batch_norm_1", nn.BatchNorm2d(256)), nn.LeakyReLU(0.2),
        ("conv2d_3", nn.Conv2d(256, 1, 3, bias=False)), nn.Flatten())
    return generator, discriminator


def ours(hidden, channels, *filters):
    def norm(kind, channels):
        return kind(channels, eps=1e-3)

    def dense(name, inputs, outputs):
        return [(f"dense{name}", nn.Linear(inputs, outputs, bias=False)),
                (f"batch_norm{name}", norm(nn.BatchNorm1d, outputs)), nn.LeakyReLU(0.2)]

    generator = sequential(
        *dense("", 100, hidden), *dense("_1", hidden, hidden), *dense("_2", hidden, hidden),
        *dense("_3", hidden, 49 * channels), nn.Unflatten(1, (channels, 7, 7)),
        ("conv2d_transpose", transposed(channels, 64, 4, 2, 1)),
        ("batch_norm_4", norm(nn.BatchNorm2d, 64)), nn.LeakyReLU(0.2),
        ("conv2d_transpose_1", transposed(64, 1, 4, 2, 1)), nn.Tanh())
    first, second, third = filters
    discriminator = sequential(
        ("conv2d", nn.Conv2d(1, first, 4, 2, 1)), nn.LeakyReLU(0.2),
        ("conv2d_1", nn.Conv2d(first, second, 4, 2, 1)), nn.LeakyReLU(0.2),
        nn.ZeroPad2d((1, 2, 1, 2)), ("conv2d_2", nn.Conv2d(second, third, 4, 2)), nn.LeakyReLU(0.2),
        nn.Flatten(), ("dense", nn.Linear(16 * third, 1)))
    return generator, discriminator


def tinygan():
    return ours(512, 128, 64, 128, 256)


def small():
    return ours(256, 64, 64, 64, 128)


def linear():
    generator = sequential(("dense", nn.Linear(100, 784)), nn.Unflatten(1, (1, 28, 28)), nn.Sigmoid())
    discriminator = sequential(nn.Flatten(), ("dense", nn.Linear(784, 1)))
    return generator, discriminator


MODELS = {"tinygan": tinygan, "small": small, "dcgan": dcgan, "article": article, "libtorch": libtorch,
          "linear": linear}


def check_options(path, metadata):
    """Raises ValueError on networks that options of the trainer have given other shapes."""
    varied = {"channels", "size", "hidden_layers", "minibatch_stddev", "packing", "discriminator_width"} & set(metadata)
    if varied:
        raise ValueError(f"{path}: networks with another {', '.join(sorted(varied))} than those of this file")


def load(path):
    """Generator and discriminator with the weights of a file, in inference mode."""
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        check_options(path, file.metadata())
        networks = MODELS[file.metadata()["model"]]()
        for prefix, network in zip(("generator.", "discriminator."), networks):
            own = {k[len(prefix):]: file.get_tensor(k) for k in file.keys() if k.startswith(prefix)}
            network.load_state_dict(own)
            network.eval()
    return networks
