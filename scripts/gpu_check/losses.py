"""The losses of an epoch on the GPU against the same epoch on the CPU.

Both trainings draw the same numbers and differ by rounding, which a GAN amplifies: two instruction sets of the CPU
agree to 1e-5 at step 20, 1e-4 at step 40 and 1e-2 at step 100; the means over the epoch agree to 1e-2. So the early
losses and the means count, the difference relative to 1 + |loss|. The tolerances of bf16 are guesses: nobody has
measured them.
"""
import json
import math

EARLY_STEPS = 40
EARLY = {"fp32": 5e-3, "bf16": 0.1}
MEAN = {"fp32": 0.05, "bf16": 0.1}


def read(path):
    """{step: {"loss_d": ..., "loss_g": ...}} of a run's stats.jsonl."""
    with open(path, encoding="utf-8") as lines:
        records = [json.loads(line) for line in lines if line.strip()]
    return {int(r["step"]): {name: float(r[name]) for name in ("loss_d", "loss_g")} for r in records}


def compare(ours, cpu, precision):
    """(verdict, fields of the row): the worst difference over its tolerance, and where."""
    steps = sorted(set(ours) & set(cpu))
    if not steps or len(steps) < len(cpu):
        return "FAILED", {"detail": f"{len(steps)} of the CPU's {len(cpu)} logged steps are there"}
    worst, where = 0.0, ""
    means = {}
    for name in ("loss_d", "loss_g"):
        early = [s for s in steps if s <= EARLY_STEPS]
        pairs = [(f"{name} at step {s}", ours[s][name], cpu[s][name], EARLY[precision]) for s in early]
        means[name] = [sum(run[s][name] for s in steps) / len(steps) for run in (ours, cpu)]
        pairs.append((f"mean {name}", *means[name], MEAN[precision]))
        for what, found, expected, tolerance in pairs:
            ratio = abs(found - expected) / (1 + abs(expected)) / tolerance
            ratio = ratio if ratio == ratio else math.inf  # a NaN
            if ratio > worst:
                worst, where = ratio, f"{what}: {found:.4f}, CPU {expected:.4f}, tolerance {tolerance:g} of 1 + |loss|"
    verdict = "ok" if worst <= 1 else "FAILED"
    detail = "; ".join(f"mean {name} {a:.3f}, CPU {b:.3f}" for name, (a, b) in means.items())
    return verdict, {"worst": min(worst, 1e99), "worst_at": where, "detail": detail}
