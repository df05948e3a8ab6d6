#!/usr/bin/env python3
"""Times a generator in ONNX Runtime, to measure it against tinygan's; scripts/compare-inference runs this.

    python generator_onnx.py --version                                 the version of ONNX Runtime
    python generator_onnx.py FOLDER NETWORK --batch-size 64 --threads 2 --seconds 1       a JSON line

FOLDER is what bench_first_contact --export wrote: NETWORK.onnx, and NETWORK.npz with latent vectors and our images of
them. The session has ONNX Runtime's defaults but for the number of threads: all graph optimisations, on the CPU.
Input and output are NumPy arrays, images (N,C,H,W). Each call is timed. Exit code 77 where onnxruntime or NumPy is
missing, 1 where a pixel differs from ours by more than --tolerance times the largest.
"""
import argparse
import json
import sys
import time

try:
    import numpy as np
    import onnxruntime
except ImportError as error:
    print(f"generator_onnx.py: {error}", file=sys.stderr)
    sys.exit(77)


def session_of(path, threads):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--version", action="version", version=onnxruntime.__version__)
    parser.add_argument("folder")
    parser.add_argument("network")
    parser.add_argument("--batch-size", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=1, help="of timed calls")
    parser.add_argument("--tolerance", type=float, default=1e-4, help="of the largest pixel")
    args = parser.parse_args()

    arrays = np.load(f"{args.folder}/{args.network}.npz")
    latents, ours = arrays["latents"][:args.batch_size], np.moveaxis(arrays["images"][:args.batch_size], 3, 1)
    session = session_of(f"{args.folder}/{args.network}.onnx", args.threads)
    inputs = {session.get_inputs()[0].name: latents}
    for _ in range(10):
        images = session.run(None, inputs)[0]
    difference = float("inf")
    if images.shape == ours.shape and ours.std() > 0:
        difference = float(np.abs(images - ours).max() / np.abs(ours).max())
    if not difference <= args.tolerance:
        sys.exit(f"generator_onnx.py: the images of {args.network} differ by {difference:.2g} of the largest pixel "
                 f"from ours, expected at most {args.tolerance:g}")
    times = []
    end = time.perf_counter() + args.seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        session.run(None, inputs)
        times.append((time.perf_counter() - start) * 1e6)
    times.sort()
    print(json.dumps({"median_us": times[len(times) // 2], "min_us": times[0], "calls": len(times),
                      "difference": difference}))


if __name__ == "__main__":
    main()
