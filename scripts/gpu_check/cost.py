"""Predicted seconds of the parts: counted work over pessimistic rates; an H200 took a quarter of call 1, and of call 2 nine tenths.

A rate is about a tenth of a data sheet's (GPU), or half of what one slow core did (host). FLOPs are exact ones of the
layers in bench/support/layers.hpp. What the host does for products and convolutions is bounded by a test of each
("the host's work is seconds").
"""

# ---- Rates -----------------------------------------------------------------------------------------------------------

PROCESS = 4.0                    # seconds: start, CUDA context, loading of the kernels
BESIDE = 8.0                     # the same with fifteen others: contexts are made one after the other
PYTORCH = 6.0                    # seconds: a Python with PyTorch and its CUDA context; the first one reads from disk
PYTORCH_COLD = 12.0
COMPILE = 25.0                   # seconds: torch.compile of both networks
HOST_DRAWS = 30e6                # random numbers a second, one thread
HOST_COPIES = 1.5e9              # bytes a second between host and GPU
HOST_PRODUCTS = 100e6            # products a second, summed in double for sampled outputs
HOST_READS = 200e6               # elements a second, read for checksums or compared
GPU_FLOPS = {"fp32": 6e12, "tf32": 30e12, "bf16": 60e12, "bfloat16": 60e12}
LAUNCHES = 2e-3                  # seconds: the launches of an eager step
SETUP = 0.8                      # seconds: a network's weights on the GPU and its first step
SANITIZER = {"memcheck": 12.0, "racecheck": 25.0, "synccheck": 12.0}  # seconds: instrumented kernels of the small cases
PROFILE = 8.0                    # seconds: bench_step of one case, and its trace read
TRAINING = 1.5e-3                # seconds: a step of the trainer at batch 128, with what it logs
SMALL_BATCH = 1e-3               # seconds: a step of the trainer's defaults, batches of 32
EVALUATION = 25.0                # seconds: the host's neighbours and eigenvalues for 10,000 images, twice

# ---- Counts ----------------------------------------------------------------------------------------------------------

STEP_FLOP = {"dcgan": 46.1e9, "article": 114.3e9, "libtorch": 26.9e9}  # exact, at batch 128
# A family's cases in one precision: numbers drawn, bytes copied, products and elements of the host, FLOPs of the GPU.
FAMILY = {
    "products": (1e8, 4e9, 1e9, 5e8, 0.1e12),
    "convolutions": (1e8, 4e9, 1e9, 5e8, 0.5e12),
    "training": (1e7, 1e8, 1e9, 1e8, 0.2e12),
    "capture": (3e7, 2e9, 0, 1e8, 3 * 6 * 46e9),
    "small": (1e7, 1e8, 2e8, 1e7, 0.01e12),
}
OPS_CASES = 5.0                  # seconds: the definitions of one file's ops in double, on the host
EPOCH_STEPS = 468


def tests(family, precision):
    """Seconds of a family's test cases in one precision."""
    draws, copies, products, reads, flop = FAMILY[family]
    host = draws / HOST_DRAWS + copies / HOST_COPIES + products / HOST_PRODUCTS + reads / HOST_READS
    return BESIDE + host + flop / GPU_FLOPS[precision]


def sanitized(tool, precision):
    """Seconds of the small test cases under compute-sanitizer."""
    return PROCESS + tests("small", precision) + SANITIZER[tool]


def step(network, batch, precision, captured):
    """Seconds of one training step."""
    flop = STEP_FLOP[network] * batch / 128
    return flop / GPU_FLOPS[precision] + (0.0 if captured else LAUNCHES)


def bench_step(cases, steps=220, runs=2):
    """Seconds of bench_step for (network, batch, precision, captured): Google Benchmark runs each twice."""
    return PROCESS + sum(runs * (SETUP + steps * step(*case)) for case in cases)


def torch_mode(mode, batch):
    """Seconds of one mode of the PyTorch peer: 220 steps, and cuDNN's search."""
    search = 3.0 * (1 + batch / 1024)
    return PYTORCH + search + (COMPILE if mode == "compile" else 0.0) + 220 * 2 * step("dcgan", batch, "bf16", False)


def training(epochs):
    """Seconds of the trainer: MNIST read, steps, a grid and a checkpoint each epoch."""
    return PROCESS + 3.0 + epochs * (EPOCH_STEPS * TRAINING + 1.5)


def quality():
    """Seconds of the trainer's defaults, 20 epochs of 1875 steps, and of an evaluation."""
    return PROCESS + 3.0 + 20 * (1875 * SMALL_BATCH + 0.1) + EVALUATION
