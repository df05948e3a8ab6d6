"""Verdicts that exit codes and rows do not give: the sanitizers' summaries, losses, pictures, their quality."""
import glob
import json
import math
import os
import shutil

from . import losses
from .parts import runs_of
from .process import clean


def judge(part, places, log):
    """(verdict, fields of the row); called where the process ended well."""
    if part.judge == "sanitizer":
        return sanitizer(log)
    if part.judge in ("epoch", "picture"):
        return trained(part, places)
    if part.judge == "quality":
        return evaluated(part, places)
    return "ok", {}


def sanitizer(log):
    with open(log, encoding="utf-8", errors="replace") as lines:
        summaries = [clean(line.replace("=", "")) for line in lines if "SUMMARY" in line]
    if not summaries:
        return "FAILED", {"detail": "compute-sanitizer printed no summary"}
    return "ok", {"detail": summaries[-1]}


def keep(part, places, log):
    """Copies that log and the last picture of the run, and returns the log's copy; None if one is not there."""
    runs = runs_of(places, part.name)
    kept = os.path.join(places.out, part.name.replace("/", "_"))
    logs = sorted(glob.glob(os.path.join(runs, "*", log)))
    pictures = sorted(glob.glob(os.path.join(runs, "*", "fakes_[0-9]*.png")))
    if not logs or not pictures:
        return None
    shutil.copy(pictures[-1], kept + ".png")
    return shutil.copy(logs[-1], f"{kept}_{log}")


FIGURES = ("rho", "score", "coverage", "class_divergence", "precision", "recall", "unsure")


def evaluated(part, places):
    """The last evaluation of the run. A figure is no verdict, but it has to be there."""
    kept = keep(part, places, "metrics.jsonl")
    if not kept:
        return "FAILED", {"detail": "the run left no metrics.jsonl or no picture"}
    try:
        with open(kept, encoding="utf-8") as lines:
            last = json.loads(lines.readlines()[-1])
        figures = {name: float(last[name]) for name in FIGURES}
    except (OSError, IndexError, ValueError, KeyError, TypeError) as error:
        return "FAILED", {"detail": f"unreadable evaluation: {clean(repr(error))}"}
    if not all(math.isfinite(value) for value in figures.values()):
        return "FAILED", {"detail": f"an evaluation that is not finite: {figures}"}
    said = ", ".join(f"{name} {value:.4g}" for name, value in figures.items())
    return "ok", dict(figures, detail=f"step {last.get('step')}: {said}")


def trained(part, places):
    """Keeps the log and the last picture of the run, and compares an epoch with the CPU's."""
    kept = keep(part, places, "stats.jsonl")
    if not kept:
        return "FAILED", {"detail": "the run left no stats.jsonl or no picture"}
    try:
        ours = losses.read(kept)
        if part.judge == "picture":
            last = max(ours)
            loss_d, loss_g = ours[last]["loss_d"], ours[last]["loss_g"]
            return "ok", {"detail": f"step {last}: loss_d {loss_d:.3f}, loss_g {loss_g:.3f}; picture kept"}
        cpu = losses.read(os.path.join(places.programs, "cpu_epoch.jsonl"))
    except OSError as error:
        return "FAILED", {"detail": f"the CPU's losses are not there: {error.filename}: {error.strerror}"}
    except (ValueError, KeyError, TypeError) as error:
        return "FAILED", {"detail": f"unreadable losses: {clean(str(error))}"}
    return losses.compare(ours, cpu, part.precision)
