"""The trainer's networks in NumPy and double precision, for weights in either layout that `dcgan_mnist export` writes: what an
exported file means, checked where neither Keras nor PyTorch is installed. Images are (N, H, W, C)."""
import numpy as np
from safetensors import safe_open

SAME = "same"


def leaky(slope):
    return lambda x: np.where(x > 0, x, slope * x)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def pads(size, kernel, stride, padding):
    """Zeros in front and outputs of a convolution along one axis."""
    if padding == SAME:
        outputs = -(-size // stride)
        return max((outputs - 1) * stride + kernel - size, 0) // 2, outputs
    return padding, (size + 2 * padding - kernel) // stride + 1


def conv(x, w, stride, padding):
    """x (N,H,W,C), w (R,S,C,K)."""
    n, size = x.shape[:2]
    front, outputs = pads(size, w.shape[0], stride, padding)
    padded = np.zeros((n, outputs * stride + w.shape[0], outputs * stride + w.shape[1], x.shape[3]))
    padded[:, front:front + size, front:front + size] = x[:, :padded.shape[1] - front, :padded.shape[2] - front]
    y = np.zeros((n, outputs, outputs, w.shape[3]))
    for r in range(w.shape[0]):
        for s in range(w.shape[1]):
            y += padded[:, r:r + outputs * stride:stride, s:s + outputs * stride:stride] @ w[r, s]
    return y


def transposed(x, w, stride, padding):
    """The adjoint of conv(): x (N,P,Q,K), w (R,S,C,K)."""
    n, size = x.shape[:2]
    outputs = size * stride if padding == SAME else (size - 1) * stride + w.shape[0] - 2 * padding
    front = pads(outputs, w.shape[0], stride, padding)[0]
    y = np.zeros((n, size * stride + w.shape[0], size * stride + w.shape[1], w.shape[2]))
    for r in range(w.shape[0]):
        for s in range(w.shape[1]):
            y[:, r:r + size * stride:stride, s:s + size * stride:stride] += x @ w[r, s].T
    return y[:, front:front + outputs, front:front + outputs]


class Layers:
    """Layers that take their weights from a file, in the order in which they are called."""

    def __init__(self, path, network):
        self.prefix, self.count = network, {}
        with safe_open(path, framework="np") as file:
            self.model = file.metadata()["model"]
            self.tensors = {name: file.get_tensor(name).astype(np.float64) for name in file.keys()}
        self.torch = any(name.endswith(".weight") for name in self.tensors)

    def named(self, kind):
        number = self.count.get(kind, 0)
        self.count[kind] = number + 1
        return f"{self.prefix}.{kind}" + (f"_{number}" if number else "")

    def kernel(self, name, torch_axes):
        return self.tensors[f"{name}.weight"].transpose(torch_axes) if self.torch else self.tensors[f"{name}.kernel"]

    def bias(self, name):
        return self.tensors.get(f"{name}.bias", 0.0)

    def dense(self, x):
        name = self.named("dense")
        return x @ self.kernel(name, (1, 0)) + self.bias(name)

    def conv(self, x, stride, padding=SAME):
        name = self.named("conv2d")
        return conv(x, self.kernel(name, (2, 3, 1, 0)), stride, padding) + self.bias(name)

    def transposed(self, x, stride, padding=SAME):
        name = self.named("conv2d_transpose")
        return transposed(x, self.kernel(name, (2, 3, 1, 0)), stride, padding) + self.bias(name)

    def norm(self, x, eps=1e-3):
        name = self.named("batch_norm" if self.torch else "batch_normalization")
        names = (("weight", "bias", "running_mean", "running_var") if self.torch else
                 ("gamma", "beta", "moving_mean", "moving_variance"))
        gamma, beta, mean, variance = (self.tensors[f"{name}.{n}"] for n in names)
        return gamma * (x - mean) / np.sqrt(variance + eps) + beta

    def image(self, x, size):
        """Features as an image; PyTorch counts its channels first."""
        if self.torch:
            return x.reshape(len(x), -1, size, size).transpose(0, 2, 3, 1)
        return x.reshape(len(x), size, size, -1)

    def flat(self, x):
        return (x.transpose(0, 3, 1, 2) if self.torch else x).reshape(len(x), -1)


def generate(path, z):
    """Images (N,28,28,1) of latents (N,100)."""
    g, x = Layers(path, "generator"), z.astype(np.float64)
    if g.model == "dcgan":
        relu = leaky(0.3)
        x = g.image(relu(g.norm(g.dense(x))), 7)
        x = relu(g.norm(g.transposed(x, 1)))
        x = relu(g.norm(g.transposed(x, 2)))
        return np.tanh(g.transposed(x, 2))
    if g.model == "article":
        relu = leaky(0.2)
        x = relu(g.dense(x))
        x = g.image(relu(g.dense(x)), 7)
        x = relu(g.transposed(x, 2))
        x = relu(g.transposed(x, 2))
        return sigmoid(g.conv(x, 1))
    if g.model == "linear":
        return sigmoid(g.image(g.dense(x), 28))
    relu = leaky(0.0)
    if g.model == "libtorch":
        x = relu(g.norm(g.transposed(g.image(x, 1), 1, 0), 1e-5))
        x = relu(g.norm(g.transposed(x, 2, 1), 1e-5))
        x = relu(g.norm(g.transposed(x, 2, 1), 1e-5))
        return np.tanh(g.transposed(x, 2, 1))
    relu = leaky(0.2)
    for _ in range(3):
        x = relu(g.norm(g.dense(x)))
    x = g.image(relu(g.norm(g.dense(x))), 7)
    x = relu(g.norm(g.transposed(x, 2)))
    return np.tanh(g.transposed(x, 2))


def discriminate(path, x):
    """Logits (N,1) of images (N,28,28,1)."""
    d, x = Layers(path, "discriminator"), x.astype(np.float64)
    if d.model == "libtorch":
        relu = leaky(0.2)
        x = relu(d.conv(x, 2, 1))
        x = relu(d.norm(d.conv(x, 2, 1), 1e-5))
        x = relu(d.norm(d.conv(x, 2, 1), 1e-5))
        return d.flat(d.conv(x, 1, 0))
    if d.model == "linear":
        return d.dense(d.flat(x))
    relu = leaky(0.3 if d.model == "dcgan" else 0.2)
    for _ in range(3 if d.model in ("tinygan", "small") else 2):
        x = relu(d.conv(x, 2))
    return d.dense(d.flat(x))
