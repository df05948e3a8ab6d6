"""The parts of the calls, in order of priority: what each runs, its predicted seconds and its limit."""
import glob
import os
import shutil

from . import cost

FAMILIES = ("products", "convolutions", "training", "capture", "small")
PRECISIONS = ("fp32", "tf32", "bf16", "bfloat16")
# Files of tests/ops with cases of ops, which run on any device.
OPS = ("batched_matmul", "compare", "conv", "dropout", "elementary", "extrema", "grouped_conv", "image", "indexing", "matmul",
       "normalisation", "pointwise", "pooling", "reduce", "scan", "shape_ops", "softmax")
TOOLS = ("memcheck", "racecheck", "synccheck")
CALL_SECONDS = 240
CLOSING = 6               # seconds at the end of a call: table and archive
SLOTS = 16                # processes side by side, at most
# Libraries that bench_kernels loads and whose folder it needs; the last one cuDNN opens by itself.
LIBRARIES = ("libcublasLt.so.*", "libcudnn.so.*", "libnvrtc.so.*")


class Part:
    """One process. `alone`: with nothing beside it. `kind`: of its rows, see rows.py. `elastic`: the command gets
    --seconds, and more of them where time is left."""

    def __init__(self, name, command, seconds, kind, alone=False, env=None, elastic=None, **options):
        self.name, self.command, self.kind, self.alone, self.env = name, command, kind, alone, dict(env or {})
        self.seconds = seconds
        # A hanging process costs the others nothing but its slot; alone it costs them their time.
        self.limit = 1.5 * seconds + 8 if alone else 3 * seconds + 15
        self.elastic = elastic            # (seconds given at least, at most)
        self.judge = options.pop("judge", None)         # "sanitizer", "epoch", "picture" or "quality"
        self.precision = options.pop("precision", "")
        self.missing = options.pop("missing", "")       # why it cannot run
        self.shown = options.pop("shown", False)        # its rows appear in the table
        assert not options, options


class Places:
    """Where things are: programs, data, interpreter, the folder of results, and one that is removed at the end."""

    def __init__(self, root, programs, out, scratch, python, data, env, libraries=""):
        self.root, self.programs, self.out, self.scratch = root, programs, out, scratch
        self.python, self.data, self.env, self.libraries = python, data, env, libraries

    def program(self, name):
        return os.path.join(self.programs, name)


def rest_of_tests():
    """Catch2's name for the GPU's test cases that no other part reaches: without a family or without a precision."""
    return "[cuda]" + "".join(f"~[{f}]" for f in FAMILIES) + ",[cuda]" + "".join(f"~[{p}]" for p in PRECISIONS)


def test_parts(places):
    tests = places.program("tinygan_tests")
    one_thread = {"TINYGAN_TEST_DEVICE": "cuda", "TINYGAN_THREADS": "1"}

    def family(name, precision, isa=""):
        env = dict(one_thread, **({"TINYGAN_CUDA_ISA": isa} if isa else {}))
        return Part("/".join([name, precision] + ([isa] if isa else [])), [tests, f"[cuda][{name}][{precision}]"],
                    cost.tests(name, precision), "tests", env=env)

    def sanitizer(tool, precision):
        command = ["compute-sanitizer", "--tool", tool, "--error-exitcode", "9", "--print-limit", "20",
                   tests, f"[cuda][small][{precision}]"]
        missing = "" if shutil.which(command[0], path=places.env["PATH"]) else "no compute-sanitizer on this machine"
        return Part(f"{tool}/{precision}", command, cost.sanitized(tool, precision), "tests", env=one_thread,
                    judge="sanitizer", missing=missing)

    # The long ones of a kind first: they decide when the last process ends.
    by_length = ("small", "convolutions", "products", "training", "capture")
    parts = [Part("rest", [tests, rest_of_tests()], cost.BESIDE + 2, "tests", env=one_thread)]
    parts += [family(f, p) for f in by_length for p in PRECISIONS]
    parts += [Part(f"ops/{name}", [tests, "--filenames-as-tags", f"[#test_{name}]", "-c", "the definition"],
                   cost.BESIDE + cost.OPS_CASES, "tests", env=one_thread) for name in OPS]
    parts += [sanitizer(tool, p) for tool in TOOLS for p in reversed(PRECISIONS)]
    parts += [family(f, p, "sm_80") for f in by_length for p in PRECISIONS[1:]]
    return parts


# The network and the batch whose steps are measured, at rates slow enough for a CPU's losses to be those of a GPU.
DCGAN = ("--model", "dcgan", "--batch-size", "128", "--learning-rate", "2e-4", "--learning-rate-decay", "0", "--beta1",
         "0.5", "--beta2", "0.999", "--r1", "0")


def trainer(places, epochs, precision, runs):
    """As scripts/gpu-programs trains on the CPU."""
    return [places.program("dcgan_mnist"), "train", "--data", places.data or "none", *DCGAN, "--device", "cuda",
            "--precision", precision, "--epochs", str(epochs), "--seed", "1", "--log-every", "20", "--progress", "none",
            "--out", runs]


def runs_of(places, name):
    return os.path.join(places.scratch, name.replace("/", "_"))


def training_part(places, name, epochs, precision, judge):
    return Part(name, trainer(places, epochs, precision, runs_of(places, name)), cost.training(epochs), "", alone=True,
                judge=judge, precision=precision,
                missing="" if places.data else "no MNIST: TINYGAN_MNIST, or --build with it")


def kernels_part(places, name, seconds, most, options, kind="kernels"):
    """bench_kernels and bench_step predict for themselves: --seconds takes the first of their cases that fit."""
    return Part(name, [places.program("bench_kernels"), *options], seconds + 1, kind, alone=True,
                elastic=(seconds, most), env={"LD_LIBRARY_PATH": places.libraries} if places.libraries else None,
                shown=name in ("gemm", "race"))


def steps_part(places, name, seconds, most, options):
    return Part(name, [places.program("bench_step"), "--device", "cuda", *options], seconds + 1, "step", alone=True,
                elastic=(seconds, most), shown=True)


def cases(batch, precisions, networks=("dcgan",), modes=(False, True)):
    return [(n, batch, p, captured) for n in networks for p in precisions for captured in modes]


def torch_part(places, name, batch, modes, first):
    """PyTorch beside our step: the whole step as a graph first, and what compiles longest last."""
    seconds = (cost.PYTORCH_COLD if first else cost.PYTORCH) + cost.bench_step(cases(batch, ("bf16",)), runs=1)
    each = [cost.torch_mode(mode, batch) for mode in modes]
    command = [places.python, os.path.join(places.root, "scripts", "compare-step"), "--device", "cuda",
               "--python", places.python, "--bench", places.program("bench_step"), "--models", "dcgan",
               "--batch-sizes", str(batch), "--precisions", "bf16", "--rounds", "1", "--repetitions", "1",
               "--modes", ",".join(modes), "--limit", str(round(2 * max(each)))]
    return Part(name, command, seconds + sum(each), "torch", alone=True, shown=True)


def profile_part(places, batch):
    command = [places.python, os.path.join(places.root, "scripts", "profile-step"), "--program",
               places.program("bench_step"), "--batch", str(batch)]
    return Part(f"profile/{batch}", command, cost.PROFILE, "profile", alone=True)


def call_1(places):
    parts = test_parts(places)
    parts += [training_part(places, f"epoch/{p}", 1, p, "epoch") for p in ("fp32", "bf16")]
    product = ["--filter", "4096^3", "--precision", "bf16", "--min-time", "0.05"]
    parts.append(kernels_part(places, "gemm", 6, 6, product))
    parts.append(steps_part(places, "step", 8, 8, ["--network", "dcgan", "--batch", "128", "--precision", "bf16"]))
    return parts


def call_2(places):
    layers = ["--filter", "dcgan", "--min-time", "0.03", "--batch"]
    dcgan = ["--network", "dcgan", "--precision"]
    return [
        steps_part(places, "steps", 9, 30, [*dcgan, "bf16,tf32", "--batch", "128,1024"]),
        torch_part(places, "torch/128", 128, ("graph", "eager", "compile"), True),
        kernels_part(places, "gemm", 13, 30, ["--filter", "^3", "--min-time", "0.05"]),
        kernels_part(places, "layers/128", 24, 40, [*layers, "128"]),
        kernels_part(places, "race", 20, 70, ["--race", "--filter", "dcgan", "--batch", "128,1024"], "race"),
        profile_part(places, 128),
        torch_part(places, "torch/1024", 1024, ("graph",), False),
        profile_part(places, 1024),
        kernels_part(places, "layers/1024", 9, 50, [*layers, "1024"]),
        Part("ladder", [places.program("bench_ladder")], cost.PROCESS + 6, "", alone=True),
        training_part(places, "picture", 3, "bf16", "picture"),
    ]


def quality_part(places, seed):
    """The trainer's defaults to the end, and what the images of the final weights measure."""
    name = f"quality/{seed}"
    # The last step is evaluated, whatever the interval.
    command = [places.program("dcgan_mnist"), "train", "--data", places.data or "none", "--device", "cuda", "--seed",
               str(seed), "--eval-every", "1000000", "--progress", "none", "--out", runs_of(places, name)]
    return Part(name, command, cost.quality(), "", alone=True, judge="quality",
                missing="" if glob.glob(os.path.join(places.data, "t10k-images*")) else
                "no MNIST with test images: TINYGAN_MNIST, or --build with it")


def call_3(places):
    return [quality_part(places, seed) for seed in (1, 2, 3)]


def names(parts):
    return [part.name for part in parts]


def chosen(parts, only):
    """Those whose name, or its beginning before a '/', is among `only`; a ValueError names what is none."""
    for word in only:
        if not any(matches(part.name, word) for part in parts):
            raise ValueError(word)
    return [part for part in parts if any(matches(part.name, word) for word in only)]


def matches(name, word):
    return name == word or name.startswith(word + "/")
