"""What the programs report, a JSON line at a time, as rows of results.jsonl: (row's name, verdict, fields)."""
import json
import math

from .process import clean


def number(value, digits=4):
    return f"{value:.{digits}g}" if isinstance(value, (int, float)) and not isinstance(value, bool) else "-"


def test_row(record):
    """Of tinygan_tests: a test case."""
    ok = record["ok"] is True
    kept = ("assertions", "failed", "seconds", "worst", "worst_at", "first_failure")
    fields = {name: record.get(name) for name in kept}
    detail = clean(str(record.get("first_failure") or "")) if not ok else (
        f"worst {number(record['worst'], 2)} of its bound" if record.get("worst") is not None else "")
    return record["test"], "ok" if ok else "FAILED", {**fields, "detail": detail}


def kernel_row(record):
    """Of bench_kernels: a case, ours and the opponent's."""
    name = f"{record['name']}, {number(record.get('batch'), 6)}, {record.get('precision')}"
    if record.get("left_out"):
        return name, "LEFT OUT", {"detail": "not within the seconds of bench_kernels", **record}
    if record.get("error"):
        return name, "FAILED", {"detail": clean(record["error"]), **record}
    ours, theirs = record.get("cold_s"), record.get("their_cold_s")
    detail = f"{number(ours and 1e6 * ours)} us"
    if ours and record.get("exact_flop"):
        detail += f", {number(record['exact_flop'] / ours * 1e-12)} TFLOP/s"
    if ours and theirs:
        detail += f", ratio {theirs / ours:.2f}"
    return name, "ok", {"detail": detail, **record}


def race_row(record):
    """Of bench_kernels --race: a shape, and the winner of its forms."""
    name = f"{record['name']}, {number(record.get('batch'), 6)}, {record.get('precision')}"
    if record.get("left_out"):
        return name, "LEFT OUT", {"detail": "not within the seconds of bench_kernels", **record}
    if record.get("error"):
        return name, "FAILED", {"detail": clean(str(record["error"])), **record}
    detail = f"{record['winner']} {number(1e6 * record['best_cold_s'])} us"
    if record.get("chosen") != record["winner"]:
        detail += f", chosen {record.get('chosen')} {number(1e6 * record['cold_s'])} us"
    if record.get("ratio"):
        detail += f", ratio {record['ratio']:.2f}"
    return name, "ok", {"detail": f"{detail}, {number(record.get('prediction'), 3)} of what was expected", **record}


def step_row(record):
    """Of bench_step: a training step."""
    if record.get("left_out"):
        return record["name"], "LEFT OUT", {"detail": "not within the seconds of bench_step", **record}
    if record.get("error"):
        return record["name"], "FAILED", {"detail": clean(str(record["error"])), **record}
    detail = f"{number(record['median_ms'])} ms ({number(record.get('p10_ms'))}-{number(record.get('p90_ms'))})"
    if record.get("tflops"):
        detail += f", {number(record['tflops'], 3)} TFLOP/s"
    return record["name"], "ok", {"detail": detail, **record}


def torch_row(record):
    """Of compare-step: one side's step."""
    name = "/".join(str(record[f]) for f in ("model", "batch", "precision", "side", "mode"))
    if record.get("error"):
        return name, "FAILED", {"detail": clean(str(record["error"])), **record}
    detail = f"{number(record['median_ms'])} ms"
    if record.get("ratio"):
        detail += f", ratio to our captured step {record['ratio']:.2f}"
    return name, "ok", {"detail": detail, **{k: v for k, v in record.items() if k != "step_ms"}}


def profile_row(record):
    """Of profile-step: a kernel of the step, or all of them."""
    detail = f"{number(record['us'])} us, {number(record['share_percent'], 3)} %, {record['launches']} launches"
    blocks = record.get("blocks")
    return record["kernel"] + (f", {blocks:.0f} blocks" if blocks else ""), "ok", {"detail": detail, **record}


READERS = {"profile": profile_row, "tests": test_row, "kernels": kernel_row, "race": race_row, "step": step_row, "torch": torch_row}


def read_row(kind, line):
    """(name, verdict, fields); a line that is none of the program's rows is FAILED."""
    try:
        record = json.loads(line, parse_constant=lambda name: None)
        name, verdict, fields = READERS[kind](record)
        return clean(str(name), 160), verdict, fields
    except (ValueError, KeyError, TypeError, AttributeError):
        return "unreadable row", "FAILED", {"detail": "unreadable row: " + clean(line, 120)}


def summary(kind, rows):
    """What a part's rows say together, in a few words; rows are (name, verdict, fields)."""
    good = [fields for _, verdict, fields in rows if verdict == "ok"]
    if kind == "tests":
        worst = max((f for f in good if f.get("worst") is not None), key=lambda f: f["worst"], default=None)
        text = f"{len(good)} of {len(rows)} cases"
        return text + (f", worst {number(worst['worst'], 2)} of its bound" if worst else "")
    if kind in ("kernels", "race", "step"):
        left_out = sum(verdict == "LEFT OUT" for _, verdict, _ in rows)
        return f"{len(good)} rows" + (f", {left_out} LEFT OUT" if left_out else "") + ratios(good)
    if kind == "profile" and good:
        return f"{good[-2]['launches']} launches, {number(good[-2]['us'])} us, {number(good[-1]['us'])} us between them"
    return f"{len(good)} rows"


def ratios(records):
    """Geometric means of (their time / ours) by kind and precision."""
    logs = {}
    for r in records:
        if r.get("cold_s") and r.get("their_cold_s"):
            key = f"{str(r.get('name', '')).split(' ')[0]} {r.get('precision')}"
            logs.setdefault(key, []).append(math.log(r["their_cold_s"] / r["cold_s"]))
    return "".join(f"; {key} {math.exp(sum(v) / len(v)):.2f} ({len(v)})" for key, v in sorted(logs.items()))
