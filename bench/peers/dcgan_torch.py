#!/usr/bin/env python3
"""The networks and the training step of tinygan's DCGAN benchmark in PyTorch, to measure the two against each other.

    python dcgan_torch.py --model dcgan --batch-size 128 --threads 2                 one line of figures
    python dcgan_torch.py --model dcgan --memory-format channels_last --json         the same as a JSON line
    python dcgan_torch.py --model dcgan --layers                                     every layer on its own
    python dcgan_torch.py --device cuda --memory-format channels_last --mode eager,reduce-overhead,graph \
        --precision tf32,bf16 --batch-size 128,1024 --json                           a JSON line for each combination
    python dcgan_torch.py --check                                                    the two padding forms agree

The step, as a careful PyTorch user writes it ("P order"):
  1. draw z, run the generator once; both halves of the step share this forward pass;
  2. D's half: D on the real images and on the detached fakes, as two batches; binary cross entropy from logits with
     labels 1 and 0. Each batch runs backward at once, before the next runs forward, the gradients adding up: that
     keeps the activations of one batch in memory only. Adam updates D;
  3. G's half: D's parameters stop requiring gradients, the updated D runs on the fakes again, label 1, backward
     through D to G's parameters only (no weight gradient of D is computed), Adam updates G.
Adam has learning rate 2e-4, beta1 0.5 and is the fused one. Nothing is read back inside a step. Activations are in
place wherever autograd allows it. Images are synthetic, drawn once before the first step and kept in memory. With
channels_last the reshapes around the dense layers are views in NHWC order, so that no layout conversion is needed.

Modes: `eager`; `compile`, `reduce-overhead` and `max-autotune` are torch.compile's (the first its default), of both
networks; `graph` is the whole step, optimisers and random numbers included, captured by hand in one CUDA graph, a batch
being copied into its input within the device before each replay. Precisions: `fp32`; `tf32` for matrix products and
convolutions; `bf16` by autocast around the forward passes, which leaves weights and their updates in float. On a GPU
cuDNN tries its algorithms (benchmark mode), steps are timed by events, and the host waits once, after the last step.

Keras pads `same` with the odd row and column at the end, PyTorch's layers pad both sides alike. `--padding symmetric`
(the default) uses PyTorch's own padding and output_padding arguments: for these layers that puts the odd row in
front, so the network is the mirror image (turned by 180 degrees) of Keras', with exactly the same work.
`--padding keras` pads and crops explicitly, which costs copies. `--check` shows that the two forms are each other's
mirror image.

Times are per step. Memory is the peak resident set, the interpreter and PyTorch's libraries included: VmHWM, and
ru_maxrss, which a child may inherit from the process that started it. import_rss_mib is what was resident before the
first tensor.
"""
import argparse
import contextlib
import gc
import json
import resource
import statistics
import sys
import time

try:
    import torch
except ImportError as error:
    sys.exit(f"dcgan_torch.py: PyTorch is not installed for {sys.executable} ({error}); try: pip install torch")
from torch import nn
from torch.nn import functional as F

Z_DIM = 100
MODELS = ("dcgan", "article", "libtorch")
FORMATS = ("default", "channels_last")
COMPILED = {"compile": "default", "reduce-overhead": "reduce-overhead", "max-autotune": "max-autotune"}
MODES = ("eager", *COMPILED, "graph")
PRECISIONS = ("fp32", "tf32", "bf16")
BATCHES_IN_MEMORY = 4


# ---- Keras' `same` padding -------------------------------------------------------------------------------------------

def same_pad(extent, kernel, stride):
    """Rows that `same` adds in front and behind; the odd one goes behind."""
    total = max((-(-extent // stride) - 1) * stride + kernel - extent, 0)
    return total // 2, total - total // 2


class SameConv2d(nn.Conv2d):
    """Conv2d with `same` padding for inputs of `extent` x `extent`."""

    def __init__(self, channels, filters, kernel, stride, extent, padding):
        front, behind = same_pad(extent, kernel, stride)
        self.explicit = (front, behind, front, behind) if padding == "keras" and front != behind else None
        super().__init__(channels, filters, kernel, stride, padding=0 if self.explicit else behind)

    def forward(self, x):
        return super().forward(F.pad(x, self.explicit) if self.explicit else x)


class SameConvTranspose2d(nn.ConvTranspose2d):
    """ConvTranspose2d with `same` padding: `extent` x `extent` in, stride times that out."""

    def __init__(self, channels, filters, kernel, stride, extent, padding, bias):
        front, behind = same_pad(extent * stride, kernel, stride)
        self.crop = behind - front if padding == "keras" else 0
        pad = front if padding == "keras" else behind
        output_padding = 0 if padding == "keras" else behind - front
        super().__init__(channels, filters, kernel, stride, pad, output_padding, bias=bias)

    def forward(self, x):
        y = super().forward(x)
        return y[:, :, :-self.crop, :-self.crop] if self.crop else y


# ---- networks --------------------------------------------------------------------------------------------------------

class ToImage(nn.Module):
    """(N, C*H*W) to (N, C, H, W), as a view in either memory format."""

    def __init__(self, channels, extent, memory_format):
        super().__init__()
        self.channels, self.extent, self.nhwc = channels, extent, memory_format == "channels_last"

    def forward(self, x):
        if self.nhwc:
            return x.view(-1, self.extent, self.extent, self.channels).permute(0, 3, 1, 2)
        return x.view(-1, self.channels, self.extent, self.extent)


class FromImage(nn.Module):
    """(N, C, H, W) to (N, C*H*W), as a view in either memory format."""

    def __init__(self, memory_format):
        super().__init__()
        self.nhwc = memory_format == "channels_last"

    def forward(self, x):
        return (x.permute(0, 2, 3, 1) if self.nhwc else x).flatten(1)


def leaky(slope):
    return nn.LeakyReLU(slope, inplace=True)


def dcgan(padding, memory_format):
    """The TensorFlow tutorial's DCGAN; Keras' momentum and epsilon."""
    def norm(layer, channels):
        return layer(channels, eps=1e-3, momentum=0.01)

    def up(channels, filters, stride, extent):
        return SameConvTranspose2d(channels, filters, 5, stride, extent, padding, bias=False)

    g = nn.Sequential(
        nn.Linear(Z_DIM, 7 * 7 * 256, bias=False), norm(nn.BatchNorm1d, 7 * 7 * 256), leaky(0.3),
        ToImage(256, 7, memory_format),
        up(256, 128, 1, 7), norm(nn.BatchNorm2d, 128), leaky(0.3),
        up(128, 64, 2, 7), norm(nn.BatchNorm2d, 64), leaky(0.3),
        up(64, 1, 2, 14), nn.Tanh())
    d = nn.Sequential(
        SameConv2d(1, 64, 5, 2, 28, padding), leaky(0.3), nn.Dropout(0.3),
        SameConv2d(64, 128, 5, 2, 14, padding), leaky(0.3), nn.Dropout(0.3),
        FromImage(memory_format), nn.Linear(7 * 7 * 128, 1))
    return g, d


def article(padding, memory_format):
    """The article's network: two dense layers of 6272, 128 channels everywhere, no normalisation."""
    dense = 7 * 7 * 128
    g = nn.Sequential(
        nn.Linear(Z_DIM, dense), leaky(0.2), nn.Linear(dense, dense), leaky(0.2),
        ToImage(128, 7, memory_format),
        SameConvTranspose2d(128, 128, 5, 2, 7, padding, bias=True), leaky(0.2),
        SameConvTranspose2d(128, 128, 5, 2, 14, padding, bias=True), leaky(0.2),
        SameConv2d(128, 1, 3, 1, 28, padding), nn.Sigmoid())
    d = nn.Sequential(
        SameConv2d(1, 128, 3, 2, 28, padding), leaky(0.2),
        SameConv2d(128, 128, 3, 2, 14, padding), leaky(0.2),
        FromImage(memory_format), nn.Linear(dense, 1))
    return g, d


def libtorch(padding, memory_format):
    """The network of PyTorch's C++ example; explicit padding, no biases. Neither argument changes it."""
    def up(*args):
        return nn.ConvTranspose2d(*args, bias=False)

    def down(*args):
        return nn.Conv2d(*args, bias=False)

    g = nn.Sequential(
        up(Z_DIM, 256, 4), nn.BatchNorm2d(256), nn.ReLU(inplace=True),
        up(256, 128, 3, 2, 1), nn.BatchNorm2d(128), nn.ReLU(inplace=True),
        up(128, 64, 4, 2, 1), nn.BatchNorm2d(64), nn.ReLU(inplace=True),
        up(64, 1, 4, 2, 1), nn.Tanh())
    d = nn.Sequential(
        down(1, 64, 4, 2, 1), leaky(0.2),
        down(64, 128, 4, 2, 1), nn.BatchNorm2d(128), leaky(0.2),
        down(128, 256, 4, 2, 1), nn.BatchNorm2d(256), leaky(0.2),
        down(256, 1, 3))
    return g, d


def build(model, padding, memory_format, device):
    """Generator and discriminator, convolution and dense weights drawn from normal(0, 0.02), biases zero."""
    networks = globals()[model](padding, memory_format)
    for network in networks:
        for layer in network:
            if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
                nn.init.normal_(layer.weight, 0.0, 0.02)
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)
        network.to(device=device, memory_format=torch_format(memory_format))
    return networks


def torch_format(memory_format):
    return torch.channels_last if memory_format == "channels_last" else torch.contiguous_format


# ---- the step --------------------------------------------------------------------------------------------------------

class GanStep:
    """One training step on the next batch of synthetic images."""

    def __init__(self, args, memory_format, device):
        self.batch, self.device, self.precision = args.batch_size, device, args.precision
        self.g, self.d = build(args.model, args.padding, memory_format, device)
        self.g_parameters, self.d_parameters = list(self.g.parameters()), list(self.d.parameters())
        capturable = {"capturable": True} if args.mode == "graph" else {}
        self.g_adam, self.d_adam = (torch.optim.Adam(parameters, lr=2e-4, betas=(0.5, 0.999), fused=True, **capturable)
                                    for parameters in (self.g_parameters, self.d_parameters))
        self.compiled = args.mode in COMPILED
        if self.compiled:
            self.g, self.d = (torch.compile(network, mode=COMPILED[args.mode], dynamic=False)
                              for network in (self.g, self.d))
        low = 0.0 if args.model == "article" else -1.0  # the range of the generator's last activation
        self.images = [torch.empty(self.batch, 1, 28, 28, device=device).uniform_(low, 1.0)
                       .contiguous(memory_format=torch_format(memory_format)) for _ in range(BATCHES_IN_MEMORY)]
        self.z_shape = (self.batch, Z_DIM, 1, 1) if args.model == "libtorch" else (self.batch, Z_DIM)
        self.ones = torch.ones(self.batch, device=device)
        self.zeros = torch.zeros(self.batch, device=device)
        self.next = 0

    def __call__(self):
        real = self.images[self.next % BATCHES_IN_MEMORY]
        self.next += 1
        return self.step(real)

    def autocast(self):
        """The forward passes' context."""
        if self.precision == "bf16":
            return torch.autocast(self.device, dtype=torch.bfloat16, cache_enabled=False)
        return contextlib.nullcontext()

    def loss(self, images, labels):
        with self.autocast():
            logits = self.d(images)
        return F.binary_cross_entropy_with_logits(logits.view(-1).float(), labels)

    def step(self, real):
        if self.compiled:
            torch.compiler.cudagraph_mark_step_begin()
        with self.autocast():
            fake = self.g(torch.randn(self.z_shape, device=self.device))

        self.d_adam.zero_grad(set_to_none=True)
        loss_real = self.loss(real, self.ones)
        loss_real.backward()
        loss_fake = self.loss(fake.detach(), self.zeros)
        loss_fake.backward()
        self.d_adam.step()

        for parameter in self.d_parameters:
            parameter.requires_grad_(False)
        loss_g = self.loss(fake, self.ones)
        self.g_adam.zero_grad(set_to_none=True)
        loss_g.backward()
        self.g_adam.step()
        for parameter in self.d_parameters:
            parameter.requires_grad_(True)
        return loss_real.detach() + loss_fake.detach(), loss_g.detach()


class CapturedGanStep:
    """The same step as one CUDA graph."""

    def __init__(self, args, memory_format, device):
        self.eager = GanStep(args, memory_format, device)
        self.real = self.eager.images[0].clone()
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):  # what allocates or chooses algorithms does so before the capture
            for _ in range(3):
                self.eager.step(self.real)
        torch.cuda.current_stream().wait_stream(side)
        for adam in (self.eager.g_adam, self.eager.d_adam):
            adam.zero_grad(set_to_none=True)
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):
            self.losses = self.eager.step(self.real)

    def __call__(self):
        self.real.copy_(self.eager.images[self.eager.next % BATCHES_IN_MEMORY])
        self.eager.next += 1
        self.graph.replay()
        return self.losses


def time_steps(step, steps, warmup, device):
    """Seconds of each step after the warm-up, and the last step's losses."""
    for _ in range(warmup):
        losses = step()
    if device == "cuda":
        marks = [torch.cuda.Event(enable_timing=True) for _ in range(steps + 1)]
        marks[0].record()
        for mark in marks[1:]:
            losses = step()
            mark.record()
        torch.cuda.synchronize()
        times = [a.elapsed_time(b) * 1e-3 for a, b in zip(marks, marks[1:])]
    else:
        times = []
        for _ in range(steps):
            start = time.perf_counter()
            losses = step()
            times.append(time.perf_counter() - start)
    return times, [float(loss) for loss in losses]


# ---- single layers ---------------------------------------------------------------------------------------------------

def taps(extent_in, extent_out, kernel, stride, pad, transposed):
    """Pairs (output, tap) along one axis that touch data."""
    inside, steps = (extent_out, extent_in) if transposed else (extent_in, extent_out)
    return sum(0 <= p * stride - pad + r < inside for p in range(steps) for r in range(kernel))


def flops(layer, x, y):
    """(exact, nominal) FLOPs of one pass over the layer; forward and both gradients have the same."""
    batch = x.shape[0]
    if isinstance(layer, nn.Linear):
        count = 2 * batch * layer.in_features * layer.out_features
        return count, count
    transposed = layer.transposed
    channels = 2 * batch * layer.in_channels * layer.out_channels
    exact = nominal = channels
    for axis in range(2):
        kernel, stride, pad = layer.kernel_size[axis], layer.stride[axis], layer.padding[axis]
        exact *= taps(x.shape[2 + axis], y.shape[2 + axis], kernel, stride, pad, transposed)
        nominal *= kernel * (x if transposed else y).shape[2 + axis]
    return exact, nominal


def best_time(run, seconds, device):
    """The shortest of the calls that fit into `seconds`, three at the least."""
    def timed():
        start = time.perf_counter()
        run()
        if device == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter() - start

    timed()
    times, end = [], time.perf_counter() + seconds
    while len(times) < 3 or time.perf_counter() < end:
        times.append(timed())
    return min(times)


def passes(layer, x, g):
    """{name: call} of the layer's forward pass and its two gradients, without autograd around them."""
    w = layer.weight.detach()
    if isinstance(layer, nn.Linear):
        return {"forward": lambda: x @ w.t(), "input_grad": lambda: g @ w, "weight_grad": lambda: g.t() @ x}
    options = (layer.stride, layer.padding, layer.dilation, layer.transposed, layer.output_padding, 1)

    def backward(*mask):
        return lambda: torch.ops.aten.convolution_backward(g, x, w, None, *options, mask)

    return {"forward": lambda: torch.convolution(x, w, None, *options),
            "input_grad": backward(True, False, False), "weight_grad": backward(False, True, False)}


def layer_figures(args, device):
    """One record per layer and pass, timed in both memory formats."""
    records = {}
    for memory_format in FORMATS:
        as_format = torch_format(memory_format)
        networks = build(args.model, "symmetric", memory_format, device)
        z = torch.randn((args.batch_size, Z_DIM) + ((1, 1) if args.model == "libtorch" else ()), device=device)
        for network_name, network, x in (("G", networks[0], z), ("D", networks[1], None)):
            if x is None:
                x = torch.randn(args.batch_size, 1, 28, 28, device=device)
            for index, layer in enumerate(network):
                with torch.no_grad():
                    y = layer(x.clone())
                if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
                    # Random operands: what a fresh network computes has a tiny spread, and is no fair sample.
                    data, g = torch.randn_like(x), torch.randn_like(y)
                    if data.dim() == 4:
                        data, g = (t.contiguous(memory_format=as_format) for t in (data, g))
                    exact, nominal = flops(layer, data, g)
                    for name, run in passes(layer, data, g).items():
                        record = records.setdefault((network_name, index, name), {
                            "model": args.model, "batch": args.batch_size, "threads": args.threads,
                            "layer": f"{network_name}.{index} {describe(layer, x, y)}", "pass": name,
                            "exact_gflop": exact * 1e-9, "nominal_gflop": nominal * 1e-9})
                        record[f"{memory_format}_ms"] = 1e3 * best_time(run, args.layer_seconds, device)
                x = y
    for record in records.values():
        best = min(record[f"{memory_format}_ms"] for memory_format in FORMATS)
        record["exact_gflops"] = record["exact_gflop"] / best * 1e3
        record["nominal_gflops"] = record["nominal_gflop"] / best * 1e3
        yield record


def describe(layer, x, y):
    if isinstance(layer, nn.Linear):
        return f"Dense {layer.in_features}>{layer.out_features}"
    kind = "ConvT" if layer.transposed else "Conv"
    return (f"{kind} {layer.in_channels}>{layer.out_channels} {layer.kernel_size[0]}x{layer.kernel_size[1]} "
            f"s{layer.stride[0]} {x.shape[2]}>{y.shape[2]}")


# ---- checks and the command line -------------------------------------------------------------------------------------

def check_padding():
    """Turned by 180 degrees, data and filters alike, the symmetric form must give what the explicit form gives."""
    def turn(t):
        return t.flip(2, 3)

    cases = [(SameConv2d, (channels, filters, kernel, stride, extent))
             for channels, filters, kernel, stride, extent in
             ((1, 64, 5, 2, 28), (64, 128, 5, 2, 14), (1, 128, 3, 2, 28), (128, 128, 3, 2, 14), (128, 1, 3, 1, 28))]
    cases += [(SameConvTranspose2d, (channels, filters, kernel, stride, extent))
              for channels, filters, kernel, stride, extent in
              ((256, 128, 5, 1, 7), (128, 64, 5, 2, 7), (64, 1, 5, 2, 14), (128, 128, 5, 2, 14))]
    for layer_class, sizes in cases:
        bias = (False,) if layer_class is SameConvTranspose2d else ()
        keras, symmetric = (layer_class(*sizes, padding, *bias).double() for padding in ("keras", "symmetric"))
        with torch.no_grad():
            symmetric.weight.copy_(turn(keras.weight))
            if keras.bias is not None:
                symmetric.bias.copy_(keras.bias)
            x = torch.randn(2, sizes[0], sizes[4], sizes[4], dtype=torch.float64)
            y = keras(x)
            error = (y - turn(symmetric(turn(x)))).abs().max().item()
        print(f"{layer_class.__name__}{sizes} -> {tuple(y.shape[1:])}: largest difference {error:.1e}")
        if error > 1e-12:
            sys.exit("dcgan_torch.py: the symmetric form is not the mirror image of Keras' padding")


def memory_mib(field):
    """VmHWM or VmRSS of this process; None where there is no /proc."""
    try:
        with open("/proc/self/status") as status:
            return next((int(line.split()[1]) / 1024 for line in status if line.startswith(field + ":")), None)
    except OSError:
        return None


def positive(text):
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text}, expected at least 1")
    return value


def several(convert, allowed=None):
    """Reads a list of values with commas between them."""
    def read(text):
        values = [convert(part) for part in text.split(",") if part]
        for value in values:
            if allowed and value not in allowed:
                raise argparse.ArgumentTypeError(f"'{value}', expected some of {', '.join(allowed)}")
        if not values:
            raise argparse.ArgumentTypeError("an empty list")
        return values
    return read


def parse():
    parser = argparse.ArgumentParser(description="The DCGAN training step of tinygan's benchmark in PyTorch.",
                                     epilog="The head of this file says what exactly is measured.")
    parser.add_argument("--model", choices=MODELS, default="dcgan")
    parser.add_argument("--batch-size", type=several(positive), default=[128], metavar="N,...")
    parser.add_argument("--threads", type=positive, default=torch.get_num_threads())
    parser.add_argument("--steps", type=positive, help="timed ones (default: 20, on a GPU 200)")
    parser.add_argument("--warmup", type=positive, help="steps before them (default: 3, on a GPU 20)")
    parser.add_argument("--memory-format", choices=FORMATS, default="default")
    parser.add_argument("--padding", choices=("symmetric", "keras"), default="symmetric")
    parser.add_argument("--mode", type=several(str, MODES), default=["eager"], metavar="NAME,...",
                        help=", ".join(MODES))
    parser.add_argument("--precision", type=several(str, PRECISIONS), default=["fp32"], metavar="NAME,...",
                        help=", ".join(PRECISIONS))
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--layers", action="store_true", help="time each layer's three passes, in both memory formats")
    parser.add_argument("--layer-seconds", type=float, default=0.3, help="time spent on each pass of --layers")
    parser.add_argument("--check", action="store_true", help="compare the two padding forms and stop")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="print JSON lines")
    args = parser.parse_args()
    if args.device == "cuda" and not torch.cuda.is_available():
        parser.error("--device cuda: this PyTorch sees no CUDA device")
    if args.device == "cpu" and ("graph" in args.mode or "tf32" in args.precision):
        parser.error("--mode graph and --precision tf32 need --device cuda")
    args.steps = args.steps or (200 if args.device == "cuda" else 20)
    args.warmup = args.warmup or (20 if args.device == "cuda" else 3)
    return args


def print_layers(args):
    if not args.json:
        print(f"{'layer':42} {'pass':12} {'default ms':>10} {'nhwc ms':>9} {'exact GF/s':>11} {'nominal GF/s':>13}")
    for record in layer_figures(args, args.device):
        if args.json:
            print(json.dumps(record), flush=True)
        else:
            print(f"{record['layer']:42} {record['pass']:12} {record['default_ms']:10.3f} "
                  f"{record['channels_last_ms']:9.3f} {record['exact_gflops']:11.1f} {record['nominal_gflops']:13.1f}")


def use_precision(precision):
    """What matrix products and convolutions of floats may do with their operands."""
    torch.set_float32_matmul_precision("high" if precision == "tf32" else "highest")
    torch.backends.cudnn.allow_tf32 = precision == "tf32"


def print_step(args):
    import_rss = memory_mib("VmRSS")
    use_precision(args.precision)
    start = time.perf_counter()
    step = (CapturedGanStep if args.mode == "graph" else GanStep)(args, args.memory_format, args.device)
    step()
    if args.device == "cuda":
        torch.cuda.synchronize()
    first = time.perf_counter() - start
    start = time.perf_counter()
    times, (loss_d, loss_g) = time_steps(step, args.steps, args.warmup, args.device)
    wall = (time.perf_counter() - start) / (args.steps + args.warmup)
    median = statistics.median(times)
    record = {
        "peer": "pytorch", "version": torch.__version__, "model": args.model, "batch": args.batch_size,
        "threads": args.threads, "memory_format": args.memory_format, "padding": args.padding, "mode": args.mode,
        "precision": args.precision, "device": args.device, "step_ms_min": 1e3 * min(times),
        "step_ms_median": 1e3 * median, "step_ms_mean": 1e3 * wall,
        "images_per_s": args.batch_size / median, "first_step_ms": 1e3 * first,
        "import_rss_mib": import_rss, "vm_hwm_mib": memory_mib("VmHWM"),
        "ru_maxrss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "loss_d": loss_d, "loss_g": loss_g, "step_ms": [round(1e3 * t, 4) for t in times]}
    if args.device == "cuda":
        record["gpu"] = torch.cuda.get_device_name()
        record["cuda_peak_mib"] = torch.cuda.max_memory_allocated() / 2**20
    if args.json:
        print(json.dumps(record), flush=True)
        return
    peak = record["vm_hwm_mib"]
    memory = "" if peak is None else f", peak {peak:.0f} MiB ({import_rss:.0f} at start)"
    where = f"{args.threads} threads" if args.device == "cpu" else record["gpu"]
    print(f"{args.model} batch {args.batch_size}, {where}, {args.memory_format}, {args.mode}, {args.precision}: "
          f"step {record['step_ms_median']:.3g} ms median, {record['step_ms_min']:.3g} ms minimum, "
          f"{record['images_per_s']:.0f} images/s{memory}; losses D {loss_d:.3f}, G {loss_g:.3f}", flush=True)


def combinations(args):
    """args with one batch size, precision and mode at a time."""
    for batch in args.batch_size:
        for precision in args.precision:
            for mode in args.mode:
                yield argparse.Namespace(**{**vars(args), "batch_size": batch, "precision": precision, "mode": mode})


def main():
    args = parse()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    torch.backends.cudnn.benchmark = True
    if args.check:
        check_padding()
        return
    failed = False
    for one in combinations(args):
        if args.layers:
            print_layers(one)
            continue
        try:
            print_step(one)
        except Exception as error:  # one mode that does not work on this machine shall not cost the others
            failed = True
            print(f"dcgan_torch.py: {one.mode}, {one.precision}, batch {one.batch_size}: {type(error).__name__}: "
                  f"{error}", file=sys.stderr, flush=True)
        torch.compiler.reset()
        gc.collect()
        if args.device == "cuda":
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()
    if failed:
        sys.exit(1)


if __name__ == "__main__":
    main()
