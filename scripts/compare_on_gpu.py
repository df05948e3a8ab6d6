"""compare-step --device cuda: our eager and captured step, and each of PyTorch's modes, one process after the other."""
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

from compare_support import print_table, progress, records_in, spread

PEER = pathlib.Path(__file__).resolve().parent.parent / "bench" / "peers" / "dcgan_torch.py"
OURS = "tinygan"
NO_GPU = 77


class Failed(Exception):
    """Why a contestant gave nothing."""


def run_gpu(args, command):
    """The command's standard output. Output goes to files: a process that it leaves behind would keep a pipe open."""
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        command = [str(word) for word in command]
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=errors)
        try:
            code = child.wait(args.limit)
        except subprocess.TimeoutExpired:
            raise Failed(f"took longer than {args.limit} s")
        finally:
            child.kill()
            child.wait()
        texts = []
        for stream in (output, errors):
            stream.seek(0)
            texts.append(stream.read().decode("utf-8", "replace"))
    if code == NO_GPU:
        print(f"compare-step: {texts[1].strip()}", file=sys.stderr)
        sys.exit(NO_GPU)
    if code != 0:
        last = ("".join(texts).strip().splitlines() or ["no reason given"])[-1]
        raise Failed(f"ended with code {code}: {last[-500:]}")
    return texts[0]


def ours_on_gpu(args, model, batch, precision):
    """Records of bench_step, a repetition of a mode each."""
    with tempfile.TemporaryDirectory() as folder:
        rows = pathlib.Path(folder) / "rows.jsonl"
        run_gpu(args, [args.bench, "--device", "cuda", "--precision", precision, "--out", rows,
                       f"--benchmark_filter=^{model}/{batch}/", f"--benchmark_repetitions={args.repetitions}"])
        text = rows.read_text(errors="replace") if rows.exists() else ""
    records = records_in(text, "median_ms")
    if not records:
        raise Failed("bench_step wrote no row")
    return [{"side": OURS, "mode": r["name"].split("/")[3], "step_ms": [r["median_ms"]],
             "first_step_ms": r.get("first_step_ms")} for r in records]


def torch_on_gpu(args, model, batch, precision, mode):
    """The record of the PyTorch peer in one mode."""
    text = run_gpu(args, [args.python, PEER, "--device", "cuda", "--model", model, "--batch-size", batch, "--precision",
                          precision, "--mode", mode, "--memory-format", "channels_last", "--padding", args.padding,
                          "--json"])
    records = records_in(text, "step_ms")
    if not records:
        raise Failed(f"{PEER.name} printed no result")
    kept = {field: records[-1].get(field) for field in ("step_ms", "first_step_ms", "version", "gpu")}
    return [{"side": "torch", "mode": mode, **kept}]


def measure_on_gpu(args, where, emit):
    """{"captured", "torch graph" ...: ms samples} of one network, batch and precision; emit(row) gets each at once."""
    results = {}
    turns = [("eager and captured", lambda: ours_on_gpu(args, *where))]
    turns += [(mode, lambda mode=mode: torch_on_gpu(args, *where, mode)) for mode in args.modes]
    names = dict(zip(("model", "batch", "precision"), where))
    for number in range(args.rounds):
        shift = number % len(turns)
        for label, run_one in turns[shift:] + turns[:shift]:
            side = OURS if label == "eager and captured" else "torch"
            progress(f"{where[0]}, batch {where[1]}, {where[2]}: round {number + 1} of {args.rounds}, {side} {label}")
            try:
                records = run_one()
            except Failed as failure:
                emit({**names, "side": side, "mode": label, "error": str(failure)})
                continue
            for record in records:
                key = record["mode"] if side == OURS else "torch " + record["mode"]
                results.setdefault(key, []).extend(record["step_ms"])
                results.setdefault(key + " first", []).append(record["first_step_ms"] or 0.0)
                row = {**names, **record, "median_ms": statistics.median(record["step_ms"])}
                row["p10_ms"], row["p90_ms"] = spread(record["step_ms"])
                if side != OURS and results.get("captured"):
                    row["ratio"] = row["median_ms"] / statistics.median(results["captured"])
                emit(row)
    return results


def compare_on_gpu(args, raw):
    """The exit code: 1 where a contestant failed."""
    failed = []

    def emit(row):
        progress("")
        if row.get("error"):
            failed.append(row)
            text = f"FAILED: {row['error']}"
        else:
            text = f"{row['median_ms']:.3f} ms ({row['p10_ms']:.3f}-{row['p90_ms']:.3f})"
            text += f", ratio {row['ratio']:.2f}" if "ratio" in row else ""
        print(f"{row['model']}/{row['batch']}/{row['precision']} {row['side']} {row['mode']}: {text}", flush=True)
        if raw:
            print(json.dumps(row), file=raw, flush=True)

    rows = [["model", "batch", "precision", "eager", "captured"] + [f"torch {mode}" for mode in args.modes] +
            [f"ratio {mode}" for mode in args.modes] + ["first step ms: ours"] + args.modes]
    for model in args.models:
        for batch in args.batch_sizes:
            for precision in args.precisions:
                results = measure_on_gpu(args, (model, batch, precision), emit)
                rows.append(gpu_row(args, [model, str(batch), precision], results))
    print()
    print_table(rows[0], rows[1:])
    return 1 if failed else 0


def gpu_row(args, names, results):
    def median(name, digits):
        return f"{statistics.median(results[name]):.{digits}f}" if results.get(name) else "-"

    def ratio(mode):
        theirs, ours = results.get("torch " + mode), results.get("captured")
        return f"{statistics.median(theirs) / statistics.median(ours):.2f}" if theirs and ours else "-"

    return (names + [median("eager", 3), median("captured", 3)] + [median("torch " + mode, 3) for mode in args.modes] +
            [ratio(mode) for mode in args.modes] + [median("captured first", 0)] +
            [median(f"torch {mode} first", 0) for mode in args.modes])
