"""What compare-step, on the CPU and on a GPU, and compare-inference share: where they ran, progress, spread, records in
a program's output, the table."""
import json
import platform
import subprocess
import sys


def processor():
    try:
        with open("/proc/cpuinfo") as lines:
            return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def commit(root, bench):
    """Of this checkout; where there is no git, what gpu-check --build wrote beside the program."""
    try:
        command = ["git", "-C", str(root), "describe", "--always", "--dirty"]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode == 0:
            return done.stdout.strip()
    except OSError:
        pass
    try:
        return str(json.loads((bench.parent / "build.json").read_text())["commit"])
    except (OSError, ValueError, KeyError, TypeError):
        return "unknown"


def records_in(text, field):
    """The lines that are JSON objects with that field; others are a library's."""
    records = []
    for line in text.splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict) and field in record:
            records.append(record)
    return records


def progress(text):
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)
    elif text:
        print(text, file=sys.stderr, flush=True)


def spread(samples):
    """The 10th and 90th percentile, by nearest rank."""
    ordered = sorted(samples)
    return ordered[round(0.1 * (len(ordered) - 1))], ordered[round(0.9 * (len(ordered) - 1))]


def print_table(header, rows):
    widths = [max(len(line[column]) for line in [header] + rows) for column in range(len(header))]
    for index, line in enumerate([header] + rows):
        print("| " + " | ".join(text.ljust(width) for text, width in zip(line, widths)) + " |")
        if index == 0:
            print("|" + "|".join("-" * (width + 2) for width in widths) + "|")
