"""The networks of dcgan_mnist in Keras 3, for weights written by `dcgan_mnist export --layout keras`.

    generator, discriminator = load("dcgan_keras.safetensors")
    images = generator.predict(latents)    # latents (N, 100); images (N, 28, 28, 1), from -1 to 1 (article, linear: from 0 to 1)

Channels come last, on whatever backend Keras runs.
"""
import keras
from keras import layers


def conv(filters, kernel, stride=1, padding="same", bias=True, **more):
    return layers.Conv2D(filters, kernel, stride, padding, use_bias=bias, **more)


def transposed(filters, kernel, stride, padding="same", bias=False, **more):
    return layers.Conv2DTranspose(filters, kernel, stride, padding, use_bias=bias, **more)


def dcgan():
    generator = keras.Sequential([
        keras.Input((100,)),
        layers.Dense(12544, use_bias=False), layers.BatchNormalization(), layers.LeakyReLU(negative_slope=0.3),
        layers.Reshape((7, 7, 256)),
        transposed(128, 5, 1), layers.BatchNormalization(), layers.LeakyReLU(negative_slope=0.3),
        transposed(64, 5, 2), layers.BatchNormalization(), layers.LeakyReLU(negative_slope=0.3),
        transposed(1, 5, 2, activation="tanh")])
    discriminator = keras.Sequential([
        keras.Input((28, 28, 1)),
        conv(64, 5, 2), layers.LeakyReLU(negative_slope=0.3), layers.Dropout(0.3),
        conv(128, 5, 2), layers.LeakyReLU(negative_slope=0.3), layers.Dropout(0.3),
        layers.Flatten(), layers.Dense(1)])
    return generator, discriminator


def article():
    def leaky():
        return layers.LeakyReLU(negative_slope=0.2)

    generator = keras.Sequential([
        keras.Input((100,)),
        layers.Dense(6272), leaky(), layers.Dense(6272), leaky(), layers.Reshape((7, 7, 128)),
        transposed(128, 5, 2, bias=True), leaky(), transposed(128, 5, 2, bias=True), leaky(),
        conv(1, 3, activation="sigmoid")])
    discriminator = keras.Sequential([
        keras.Input((28, 28, 1)),
        conv(128, 3, 2), leaky(), conv(128, 3, 2), leaky(), layers.Flatten(), layers.Dense(1)])
    return generator, discriminator


def libtorch():
    """PyTorch pads by one on all sides; where `same` would not, the padding is a layer of its own."""
    def norm():
        return layers.BatchNormalization(momentum=0.9, epsilon=1e-5)

    def leaky():
        return layers.LeakyReLU(negative_slope=0.2)

    generator = keras.Sequential([
        keras.Input((100,)), layers.Reshape((1, 1, 100)),
        transposed(256, 4, 1, "valid"), norm(), layers.ReLU(),
        transposed(128, 3, 2, "valid"), layers.Cropping2D(1), norm(), layers.ReLU(),
        transposed(64, 4, 2), norm(), layers.ReLU(),
        transposed(1, 4, 2, activation="tanh")])
    discriminator = keras.Sequential([
        keras.Input((28, 28, 1)),
        conv(64, 4, 2, bias=False), leaky(),
        conv(128, 4, 2, bias=False), norm(), leaky(),
        layers.ZeroPadding2D(1), conv(256, 4, 2, "valid", bias=False), norm(), leaky(),
        conv(1, 3, 1, "valid", bias=False), layers.Flatten()])
    return generator, discriminator


def ours(hidden, channels, *filters):
    def leaky():
        return layers.LeakyReLU(negative_slope=0.2)

    def norm():
        return layers.BatchNormalization(momentum=0.9)

    generator = keras.Sequential([keras.Input((100,))])
    for units in (hidden, hidden, hidden, 49 * channels):
        for layer in (layers.Dense(units, use_bias=False), norm(), leaky()):
            generator.add(layer)
    for layer in (layers.Reshape((7, 7, channels)), transposed(64, 4, 2), norm(), leaky(),
                  transposed(1, 4, 2, activation="tanh")):
        generator.add(layer)
    discriminator = keras.Sequential([keras.Input((28, 28, 1))])
    for n in filters:
        discriminator.add(conv(n, 4, 2))
        discriminator.add(leaky())
    discriminator.add(layers.Flatten())
    discriminator.add(layers.Dense(1))
    return generator, discriminator


def tinygan():
    return ours(512, 128, 64, 128, 256)


def small():
    return ours(256, 64, 64, 64, 128)


def linear():
    generator = keras.Sequential([
        keras.Input((100,)), layers.Dense(784, activation="sigmoid"), layers.Reshape((28, 28, 1))])
    discriminator = keras.Sequential([keras.Input((28, 28, 1)), layers.Flatten(), layers.Dense(1)])
    return generator, discriminator


MODELS = {"tinygan": tinygan, "small": small, "dcgan": dcgan, "article": article, "libtorch": libtorch,
          "linear": linear}
KINDS = {layers.Dense: "dense", layers.Conv2D: "conv2d", layers.Conv2DTranspose: "conv2d_transpose",
         layers.BatchNormalization: "batch_normalization"}


def check_options(path, metadata):
    """Raises ValueError on networks that options of the trainer have given other shapes."""
    varied = {"channels", "size", "hidden_layers", "minibatch_stddev", "packing", "discriminator_width"} & set(metadata)
    if varied:
        raise ValueError(f"{path}: networks with another {', '.join(sorted(varied))} than those of this file")


def load(path):
    """Generator and discriminator with the weights of a file."""
    from safetensors import safe_open

    with safe_open(path, framework="np") as file:
        check_options(path, file.metadata())
        networks = MODELS[file.metadata()["model"]]()
        for prefix, network in zip(("generator", "discriminator"), networks):
            count = {}
            for layer in network.layers:
                kind = KINDS.get(type(layer))
                if kind is None:
                    continue
                number = count.get(kind, 0)
                count[kind] = number + 1
                name = kind if number == 0 else f"{kind}_{number}"
                for weight in layer.weights:
                    weight.assign(file.get_tensor(f"{prefix}.{name}.{weight.name}"))
    return networks
