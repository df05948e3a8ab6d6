"""Verdicts that exit codes and rows do not give: the sanitizers' summaries, losses, pictures."""
import glob
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
    return "ok", {}


def sanitizer(log):
    with open(log, encoding="utf-8", errors="replace") as lines:
        summaries = [clean(line.replace("=", "")) for line in lines if "SUMMARY" in line]
    if not summaries:
        return "FAILED", {"detail": "compute-sanitizer printed no summary"}
    return "ok", {"detail": summaries[-1]}


def trained(part, places):
    """Keeps the log and the last picture of the run, and compares an epoch with the CPU's."""
    runs = runs_of(places, part.name)
    kept = os.path.join(places.out, part.name.replace("/", "_"))
    stats = sorted(glob.glob(os.path.join(runs, "*", "stats.jsonl")))
    pictures = sorted(glob.glob(os.path.join(runs, "*", "fakes_[0-9]*.png")))
    if not stats or not pictures:
        return "FAILED", {"detail": "the run left no stats.jsonl or no picture"}
    shutil.copy(stats[-1], kept + "_stats.jsonl")
    shutil.copy(pictures[-1], kept + ".png")
    try:
        ours = losses.read(kept + "_stats.jsonl")
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
