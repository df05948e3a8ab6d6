#!/usr/bin/env python3
"""Makes the golden files beside this script: what Keras (TensorFlow) and PyTorch compute, for tests to hold tinygan to.

    python make_golden.py            writes every file anew
    python make_golden.py NAME...    writes only these (conv2d_keras, adam, ...)

Inputs are random float32 numbers; the frameworks then compute in float64, and results are rounded to float32 once. So a
golden value is the framework's formula to half an ulp, and a test's tolerance need cover tinygan's own rounding only.
The numbers of a case depend on its name alone: adding a case leaves the others' bytes as they are.

Each file is safetensors, every tensor float32, named "<case>/<tensor>". Arrays are in tinygan's layouts: activations
NHWC, filters (R,S,C_in,C_out) for a convolution and (R,S,C_out,C_in) for a transposed one. `g` is the cotangent of `y`,
and dx, dw, ... are the gradients of sum(g*y). "<case>/params" holds the options of the case, whole numbers as floats:

  conv2d_keras, conv2d_transpose_keras, conv_torch        x w g y dx dw
      params: stride_h stride_w dilation_h dilation_w kind pad_top pad_bottom pad_left pad_right output_padding
      kind: 0 valid, 1 same, 2 the four amounts that follow. Keras' cases: <same|valid>_s<stride>_k<kernel>[...];
      PyTorch's: conv_* are Conv2d, transpose_* are ConvTranspose2d.
  batch_norm        x1 x2 (two training steps) xt (inference) gamma beta g; y1 mean1 var1 (the running statistics after
                    step 1) y2 mean2 var2; yt; dx dgamma dbeta (of step 1); dxt (of inference). x is (N,C) or (N,H,W,C).
      params: epsilon momentum framework (0 PyTorch: new = (1-momentum)*old + momentum*batch, variance over n-1;
      1 Keras: new = momentum*old + (1-momentum)*batch, variance over n). Running statistics start at 0 and 1.
  layer_norm        x gamma beta g y dx dgamma dbeta, normalised over the last axis;   params: epsilon
  adam              p0, g (steps, n), p (steps, n: the parameters after each step)
      params: learning_rate beta1 beta2 epsilon weight_decay (decoupled) epsilon_hat (0 PyTorch's form, 1 Keras')
  sgd               the same;   params: learning_rate momentum weight_decay nesterov
  losses            x target loss dx, means over all elements (cross entropy: over rows; x are logits)
  pooling           x g y dx;   params: window_h window_w stride_h stride_w same (0 or 1)
"""
import os
import pathlib
import sys
import zlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import numpy as np
import tensorflow as tf
import keras
import torch
from safetensors.numpy import save_file

HERE = pathlib.Path(__file__).resolve().parent
VERSIONS = f"Keras {keras.__version__}, TensorFlow {tf.__version__}, PyTorch {torch.__version__.split('+')[0]}"
keras.backend.set_floatx("float64")
torch.set_default_dtype(torch.float64)


class Golden:
    """The tensors of one file."""

    def __init__(self):
        self.tensors = {}

    def add(self, case, **tensors):
        for name, value in tensors.items():
            array = np.ascontiguousarray(np.asarray(value), dtype=np.float32)
            assert np.isfinite(array).all(), f"{case}/{name} is not finite"
            assert f"{case}/{name}" not in self.tensors, f"{case}/{name} is there twice"
            self.tensors[f"{case}/{name}"] = array.reshape(array.shape or (1,))

    def save(self, name):
        path = HERE / f"{name}.safetensors"
        save_file(self.tensors, path, metadata={"made_with": VERSIONS})
        print(f"{path.name}: {len(self.tensors)} tensors, {path.stat().st_size} bytes")


class Random:
    """Numbers that float32 holds exactly, as float64; the stream is named by the case."""

    def __init__(self, case):
        self.rng = np.random.default_rng(zlib.crc32(case.encode()))

    def normal(self, *shape, scale=1.0, shift=0.0):
        return (shift + scale * self.rng.standard_normal(shape)).astype(np.float32).astype(np.float64)

    def uniform(self, *shape, low, high):
        return self.rng.uniform(low, high, shape).astype(np.float32).astype(np.float64)


def f32(*values):
    """Options as float32 holds them, so that `params` says exactly what the framework was given."""
    rounded = [float(np.float32(value)) for value in values]
    return rounded if len(rounded) > 1 else rounded[0]


def pair(value):
    return value if isinstance(value, tuple) else (value, value)


def by(value):
    """3 -> "3", (3, 5) -> "3x5": how a case's name writes a size."""
    return "x".join(map(str, value)) if isinstance(value, tuple) else str(value)


def tensor(array):
    """A PyTorch leaf with a gradient."""
    return torch.tensor(array, requires_grad=True)


def gradients(tape, y, g, xs):
    """d sum(g*y) / dx for each of xs, as NumPy arrays; by PyTorch where there is no tape."""
    if tape is None:
        return [d.numpy() for d in torch.autograd.grad(y, xs, torch.as_tensor(g, dtype=torch.float64))]
    return [d.numpy() for d in tape.gradient(y, xs, output_gradients=tf.constant(g, tf.float64))]


# ---- convolution -----------------------------------------------------------------------------------------------------

def conv_params(stride, dilation, kind, pad=(0, 0), output_padding=0):
    (sh, sw), (dh, dw), (ph, pw) = pair(stride), pair(dilation), pair(pad)
    return [sh, sw, dh, dw, kind, ph, ph, pw, pw, output_padding]


def keras_conv(golden, layer_class, x_shape, channels, padding, stride, kernel, dilation=1, suffix=""):
    case = f"{padding}_s{by(stride)}_k{by(kernel)}" + (f"_d{dilation}" if dilation > 1 else "") + suffix
    random = Random(layer_class.__name__ + case)
    layer = layer_class(channels, kernel, strides=stride, padding=padding, dilation_rate=dilation, use_bias=False)
    x = tf.Variable(random.normal(*x_shape))
    layer.build(x.shape)
    layer.kernel.assign(random.normal(*layer.kernel.shape))
    with tf.GradientTape() as tape:
        y = layer(x)
    g = random.normal(*y.shape)
    dx, dw = gradients(tape, y, g, [x, layer.kernel.value])
    golden.add(case, x=x, w=layer.kernel, g=g, y=y, dx=dx, dw=dw,
               params=conv_params(stride, dilation, int(padding == "same")))


def conv2d_keras():
    golden = Golden()
    for padding in ("same", "valid"):
        for stride in (1, 2, 3):
            for kernel in (1, 2, 3, 4, 5):
                keras_conv(golden, keras.layers.Conv2D, (1, 6, 5, 2), 3, padding, stride, kernel)
        keras_conv(golden, keras.layers.Conv2D, (2, 7, 6, 3), 4, padding, (2, 1), (3, 5))
        keras_conv(golden, keras.layers.Conv2D, (1, 7, 6, 2), 3, padding, 1, 3, dilation=2)
        keras_conv(golden, keras.layers.Conv2D, (1, 7, 6, 2), 3, padding, 1, 2, dilation=2)
    keras_conv(golden, keras.layers.Conv2D, (1, 8, 8, 1), 5, "same", 2, 5, suffix="_from_one_channel")
    keras_conv(golden, keras.layers.Conv2D, (1, 6, 5, 5), 1, "same", 1, 3, suffix="_to_one_channel")
    return golden


def conv2d_transpose_keras():
    golden = Golden()
    for padding in ("same", "valid"):
        for stride in (1, 2, 3):
            for kernel in (1, 2, 3, 4, 5):
                keras_conv(golden, keras.layers.Conv2DTranspose, (1, 3, 2, 3), 2, padding, stride, kernel)
        keras_conv(golden, keras.layers.Conv2DTranspose, (2, 4, 3, 3), 4, padding, (2, 1), (3, 5))
    keras_conv(golden, keras.layers.Conv2DTranspose, (1, 4, 4, 5), 1, "same", 2, 5, suffix="_to_one_channel")
    keras_conv(golden, keras.layers.Conv2DTranspose, (1, 5, 4, 1), 3, "same", 1, 5, suffix="_from_one_channel")
    return golden


def torch_conv(golden, case, x_shape, channels, kernel, stride=1, pad=0, dilation=1, output_padding=0):
    """`x_shape` is NHWC. PyTorch's filters are (C_out,C_in,R,S), transposed ones (C_in,C_out,R,S)."""
    random = Random("torch" + case)
    transposed = case.startswith("transpose_")
    filter_shape = (*pair(kernel), channels, x_shape[3]) if transposed else (*pair(kernel), x_shape[3], channels)
    x, w = tensor(random.normal(*x_shape)), tensor(random.normal(*filter_shape))
    nchw, oihw = x.permute(0, 3, 1, 2).contiguous(), w.permute(3, 2, 0, 1).contiguous()
    if transposed:
        y = torch.nn.functional.conv_transpose2d(nchw, oihw, None, stride, pad, output_padding, 1, dilation)
    else:
        y = torch.nn.functional.conv2d(nchw, oihw, None, stride, pad, dilation)
    y = y.permute(0, 2, 3, 1)
    g = random.normal(*y.shape)
    dx, dw = gradients(None, y, g, [x, w])
    golden.add(case, x=x.detach(), w=w.detach(), g=g, y=y.detach(), dx=dx, dw=dw,
               params=conv_params(stride, dilation, 2, pad, output_padding))


def conv_torch():
    golden = Golden()
    torch_conv(golden, "conv_s1_p1_k3", (2, 7, 6, 3), 4, 3, 1, 1)
    torch_conv(golden, "conv_s2_p2_k5", (2, 7, 6, 2), 3, 5, 2, 2)
    torch_conv(golden, "conv_s3_p2_k5_d2", (1, 11, 9, 2), 2, 5, 3, 2, 2)
    torch_conv(golden, "conv_s2x1_p1x2_k3x5", (2, 7, 6, 3), 2, (3, 5), (2, 1), (1, 2))
    torch_conv(golden, "conv_s3_p0_k2", (2, 7, 8, 2), 3, 2, 3)
    torch_conv(golden, "transpose_s1_p1_k3", (2, 4, 3, 3), 2, 3, 1, 1)
    torch_conv(golden, "transpose_s2_p2_op1_k5", (2, 4, 3, 3), 2, 5, 2, 2, 1, 1)
    torch_conv(golden, "transpose_s2_p1_op1_k3", (2, 4, 3, 3), 2, 3, 2, 1, 1, 1)
    torch_conv(golden, "transpose_s3_p1_op2_k4", (1, 3, 4, 2), 3, 4, 3, 1, 1, 2)
    torch_conv(golden, "transpose_s2_p2_k3_d2", (1, 5, 4, 2), 3, 3, 2, 2, 2)
    torch_conv(golden, "transpose_s2x1_p1x2_k3x5", (2, 4, 3, 3), 2, (3, 5), (2, 1), (1, 2))
    torch_conv(golden, "transpose_s3_p0_k2", (2, 3, 2, 2), 3, 2, 3)
    # The geometry of the layers of PyTorch's C++ DCGAN example, with fewer channels.
    torch_conv(golden, "transpose_libtorch_1_to_4", (2, 1, 1, 7), 6, 4)
    torch_conv(golden, "transpose_libtorch_4_to_7", (2, 4, 4, 6), 3, 3, 2, 1)
    torch_conv(golden, "transpose_libtorch_7_to_14", (1, 7, 7, 3), 1, 4, 2, 1)
    torch_conv(golden, "conv_libtorch_14_to_7", (1, 14, 14, 1), 3, 4, 2, 1)
    torch_conv(golden, "conv_libtorch_7_to_3", (2, 7, 7, 3), 4, 4, 2, 1)
    torch_conv(golden, "conv_libtorch_3_to_1", (2, 3, 3, 6), 1, 3)
    return golden


# ---- normalisation ---------------------------------------------------------------------------------------------------

def batch_norm_inputs(case, shape, shift):
    random, channels = Random(case), shape[-1]
    spread = np.linspace(0.5, 2.0, channels)
    x1, x2, xt = ((random.normal(*shape) * spread + shift).astype(np.float32).astype(np.float64) for _ in range(3))
    return dict(x1=x1, x2=x2, xt=xt, gamma=random.normal(channels, scale=0.3, shift=1.0), beta=random.normal(channels),
                g=random.normal(*shape))


def torch_batch_norm(golden, case, shape, shift=0.3, momentum=0.1, epsilon=1e-5):
    t, momentum, epsilon = batch_norm_inputs(case, shape, shift), *f32(momentum, epsilon)
    mean, var = torch.zeros(shape[-1]), torch.ones(shape[-1])
    x1, xt, gamma, beta = (tensor(t[name]) for name in ("x1", "xt", "gamma", "beta"))
    to_channels_first, to_channels_last = ((0, 3, 1, 2), (0, 2, 3, 1)) if len(shape) == 4 else ((0, 1), (0, 1))

    def norm(x, training):
        y = torch.nn.functional.batch_norm(x.permute(to_channels_first), mean, var, gamma, beta, training, momentum,
                                           epsilon)
        return y.permute(to_channels_last)

    y1 = norm(x1, True)
    mean1, var1 = mean.clone(), var.clone()
    y2 = norm(torch.tensor(t["x2"]), True)
    yt = norm(xt, False)
    dx, dgamma, dbeta = gradients(None, y1, t["g"], [x1, gamma, beta])
    (dxt,) = gradients(None, yt, t["g"], [xt])
    golden.add(case, **t, y1=y1.detach(), mean1=mean1, var1=var1, y2=y2.detach(), mean2=mean, var2=var, yt=yt.detach(),
               dx=dx, dgamma=dgamma, dbeta=dbeta, dxt=dxt, params=[epsilon, momentum, 0])


def keras_batch_norm(golden, case, shape, shift=0.3, momentum=0.99, epsilon=1e-3):
    t, momentum, epsilon = batch_norm_inputs(case, shape, shift), *f32(momentum, epsilon)
    layer = keras.layers.BatchNormalization(momentum=momentum, epsilon=epsilon)
    layer.build(shape)
    layer.gamma.assign(t["gamma"])
    layer.beta.assign(t["beta"])
    x1, xt = tf.Variable(t["x1"]), tf.Variable(t["xt"])
    with tf.GradientTape() as tape:
        y1 = layer(x1, training=True)
    mean1, var1 = layer.moving_mean.numpy(), layer.moving_variance.numpy()
    y2 = layer(tf.constant(t["x2"]), training=True)
    mean2, var2 = layer.moving_mean.numpy(), layer.moving_variance.numpy()
    with tf.GradientTape() as inference_tape:
        yt = layer(xt, training=False)
    dx, dgamma, dbeta = gradients(tape, y1, t["g"], [x1, layer.gamma.value, layer.beta.value])
    (dxt,) = gradients(inference_tape, yt, t["g"], [xt])
    golden.add(case, **t, y1=y1, mean1=mean1, var1=var1, y2=y2, mean2=mean2, var2=var2, yt=yt,
               dx=dx, dgamma=dgamma, dbeta=dbeta, dxt=dxt, params=[epsilon, momentum, 1])


def batch_norm():
    golden = Golden()
    for name, make in (("torch", torch_batch_norm), ("keras", keras_batch_norm)):
        make(golden, f"{name}_1d", (7, 5))
        make(golden, f"{name}_2d", (3, 4, 3, 5))
        make(golden, f"{name}_far_mean", (11, 3), shift=1000.0)  # sum(x^2)/n - mean^2 fails here in float
    torch_batch_norm(golden, "torch_2d_momentum_half", (2, 3, 2, 4), momentum=0.5, epsilon=1e-3)
    return golden


def layer_norm():
    golden = Golden()
    shapes = {"torch_1d": (4, 7), "torch_2d": (2, 3, 2, 5), "keras_1d": (4, 7), "keras_2d": (2, 3, 2, 5)}
    for case, shape in shapes.items():
        random, channels = Random("layer_norm" + case), shape[-1]
        x, g = random.normal(*shape, shift=0.5), random.normal(*shape)
        gamma, beta = random.normal(channels, scale=0.3, shift=1.0), random.normal(channels)
        if case.startswith("torch"):
            epsilon, tape, leaves = f32(1e-5), None, [tensor(x), tensor(gamma), tensor(beta)]
            y = torch.nn.functional.layer_norm(leaves[0], (channels,), leaves[1], leaves[2], epsilon)
        else:
            epsilon, xv = f32(1e-3), tf.Variable(x)
            layer = keras.layers.LayerNormalization(epsilon=epsilon)
            layer.build(shape)
            layer.gamma.assign(gamma)
            layer.beta.assign(beta)
            leaves = [xv, layer.gamma.value, layer.beta.value]
            with tf.GradientTape() as tape:
                y = layer(xv)
        dx, dgamma, dbeta = gradients(tape, y, g, leaves)
        golden.add(case, x=x, gamma=gamma, beta=beta, g=g, y=y.detach() if tape is None else y,
                   dx=dx, dgamma=dgamma, dbeta=dbeta, params=[epsilon])
    return golden


# ---- optimisers ------------------------------------------------------------------------------------------------------

STEPS, PARAMETERS = 5, 12


def optimiser_inputs(case):
    """Gradients from 1e-9, where epsilon decides, to 100, and one that stays zero."""
    random = Random(case)
    sizes = np.append(np.logspace(-9, 2, PARAMETERS - 1), 0.0)
    g = (random.normal(STEPS, PARAMETERS) * sizes).astype(np.float32).astype(np.float64)
    return random.normal(PARAMETERS, scale=0.05), g


def torch_steps(golden, case, make, params):
    p0, g = optimiser_inputs(case)
    p = torch.tensor(p0, requires_grad=True)
    optimiser, trace = make([p]), []
    for step in range(STEPS):
        p.grad = torch.tensor(g[step])
        optimiser.step()
        trace.append(p.detach().numpy().copy())
    golden.add(case, p0=p0, g=g, p=np.stack(trace), params=params)


def torch_adam(golden, case, lr, beta1, beta2=0.999, epsilon=1e-8, weight_decay=0.0):
    lr, beta1, beta2, epsilon, weight_decay = f32(lr, beta1, beta2, epsilon, weight_decay)
    make = torch.optim.AdamW if weight_decay else torch.optim.Adam
    torch_steps(golden, case,
                lambda ps: make(ps, lr=lr, betas=(beta1, beta2), eps=epsilon, weight_decay=weight_decay),
                [lr, beta1, beta2, epsilon, weight_decay, 0])


def keras_adam(golden, case, lr, beta1, beta2=0.999, epsilon=1e-7):
    p0, g = optimiser_inputs(case)
    lr, beta1, beta2, epsilon = f32(lr, beta1, beta2, epsilon)
    p = keras.Variable(p0, dtype="float64")
    optimiser, trace = keras.optimizers.Adam(lr, beta_1=beta1, beta_2=beta2, epsilon=epsilon), []
    for step in range(STEPS):
        optimiser.apply([tf.constant(g[step])], [p])
        trace.append(p.numpy())
    golden.add(case, p0=p0, g=g, p=np.stack(trace), params=[lr, beta1, beta2, epsilon, 0, 1])


def adam():
    golden = Golden()
    torch_adam(golden, "torch_defaults", 1e-3, 0.9)
    torch_adam(golden, "torch_gan", 2e-4, 0.5)
    torch_adam(golden, "torch_large_rate", 0.1, 0.0, 0.9)
    torch_adam(golden, "torch_adamw", 1e-2, 0.9, weight_decay=0.1)
    keras_adam(golden, "keras_defaults", 1e-3, 0.9)
    keras_adam(golden, "keras_gan", 2e-4, 0.5)
    return golden


def sgd():
    golden = Golden()
    for case, lr, momentum, decay, nesterov in (("plain", 0.1, 0.0, 0.0, False), ("momentum", 0.01, 0.9, 0.0, False),
                                                ("nesterov", 0.01, 0.9, 0.0, True), ("decay", 0.05, 0.5, 0.1, False)):
        lr, momentum, decay = f32(lr, momentum, decay)
        torch_steps(golden, case,
                    lambda ps: torch.optim.SGD(ps, lr=lr, momentum=momentum, weight_decay=decay, nesterov=nesterov),
                    [lr, momentum, decay, int(nesterov)])
    return golden


# ---- losses and pooling ----------------------------------------------------------------------------------------------

def losses():
    golden, functional = Golden(), torch.nn.functional

    def both(case, x, target, torch_loss, keras_loss):
        leaf = tensor(x)
        loss = torch_loss(leaf, torch.tensor(target))
        (dx,) = gradients(None, loss, 1.0, [leaf])
        golden.add(f"torch_{case}", x=x, target=target, loss=loss.detach(), dx=dx)
        leaf = tf.Variable(x)
        with tf.GradientTape() as tape:
            loss = keras_loss(tf.constant(target), leaf)
        (dx,) = gradients(tape, loss, 1.0, [leaf])
        golden.add(f"keras_{case}", x=x, target=target, loss=loss, dx=dx)

    random = Random("losses")
    labels = np.round(random.uniform(6, 2, low=0, high=1))
    soft = random.uniform(6, 2, low=0, high=1)
    bce_logits = functional.binary_cross_entropy_with_logits, keras.losses.BinaryCrossentropy(from_logits=True)
    both("bce_logits", random.normal(6, 2, scale=3.0), labels, *bce_logits)
    both("bce_logits_soft", random.normal(6, 2, scale=3.0), soft, *bce_logits)
    far = np.array([-100.0, -30.0, -1e-6, 0.0, 1e-6, 30.0, 100.0])
    both("bce_logits_far", np.stack([far, far]), np.stack([np.zeros(7), np.ones(7)]), *bce_logits)
    bce = functional.binary_cross_entropy, keras.losses.BinaryCrossentropy()
    both("bce", random.uniform(6, 2, low=0.02, high=0.98), labels, *bce)
    both("mse", random.normal(5, 3), random.normal(5, 3), functional.mse_loss, keras.losses.MeanSquaredError())
    one_hot = np.eye(4)[[2, 0, 3, 3, 1]]
    cross_entropy = functional.cross_entropy, keras.losses.CategoricalCrossentropy(from_logits=True)
    both("cross_entropy", random.normal(5, 4, scale=3.0), one_hot, *cross_entropy)
    return golden


def pooling():
    golden = Golden()
    layers = (("max", keras.layers.MaxPooling2D), ("average", keras.layers.AveragePooling2D))
    for kind, layer_class in layers:
        for padding in ("same", "valid"):
            for window, stride in ((2, 1), (2, 2), (2, 3), (3, 1), (3, 2), (3, 3), ((2, 3), (2, 1))):
                case = f"{kind}_{padding}_w{by(window)}_s{by(stride)}"
                random = Random("pooling" + case)
                x = tf.Variable(random.normal(1, 5, 4, 2))
                with tf.GradientTape() as tape:
                    y = layer_class(window, strides=stride, padding=padding)(x)
                g = random.normal(*y.shape)
                (dx,) = gradients(tape, y, g, [x])
                golden.add(case, x=x, g=g, y=y, dx=dx, params=[*pair(window), *pair(stride), int(padding == "same")])
    return golden


FILES = [conv2d_keras, conv2d_transpose_keras, conv_torch, batch_norm, layer_norm, adam, sgd, losses, pooling]


def main(names):
    makers = {make.__name__: make for make in FILES}
    unknown = [name for name in names if name not in makers]
    if unknown:
        sys.exit(f"make_golden.py: no file named {', '.join(unknown)}; there are {', '.join(makers)}")
    print(f"made with {VERSIONS}")
    for name in names or makers:
        makers[name]().save(name)


if __name__ == "__main__":
    main(sys.argv[1:])
