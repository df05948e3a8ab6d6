"""coverage_report.py ROOT BUILD [--goal PERCENT] [--lines]: which lines of ROOT/include ran, from the .gcda files under BUILD.

A line counts as covered if any translation unit ran it, and as a line of code if any compiled it.
"""

import argparse
import collections
import json
import pathlib
import subprocess
import sys


def read_counts(root, build):
    """{file: {line: runs}} for the headers, over all translation units."""
    runs = collections.defaultdict(lambda: collections.defaultdict(int))
    notes = sorted(build.rglob("*.gcda"))
    if not notes:
        sys.exit(f"no .gcda file under {build}: have the tests run?")
    for note in notes:
        output = subprocess.run(["gcov", "--json-format", "--stdout", note], cwd=build, check=True, capture_output=True).stdout
        for document in output.splitlines():
            for file in json.loads(document)["files"]:
                path = pathlib.Path(build, file["file"]).resolve()
                if root / "include" not in path.parents:
                    continue
                counts = runs[path.relative_to(root / "include" / "tinygan")]
                for line in file["lines"]:
                    counts[line["line_number"]] += line["count"]
    return runs


def ranges(lines):
    """[1, 2, 3, 7] as "1-3 7"."""
    text, lines = [], sorted(lines)
    for i, line in enumerate(lines):
        if i == 0 or line != lines[i - 1] + 1:
            first = line
        if i + 1 == len(lines) or lines[i + 1] != line + 1:
            text.append(str(first) if first == line else f"{first}-{line}")
    return " ".join(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", type=pathlib.Path)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--goal", type=float, default=0)
    parser.add_argument("--lines", action="store_true")
    options = parser.parse_args()
    runs = read_counts(options.root.resolve(), options.build.resolve())

    folders = collections.defaultdict(lambda: [0, 0])
    for path, counts in sorted(runs.items()):
        covered = sum(1 for n in counts.values() if n > 0)
        for folder in (path.parent.name or "(top)", "all"):
            folders[folder][0] += covered
            folders[folder][1] += len(counts)
        if options.lines and covered < len(counts):
            print(f"{path}: {ranges(line for line, n in counts.items() if n == 0)}")
    total = folders.pop("all")
    print(f"{'folder':10} {'covered':>8} {'lines':>8} {'percent':>8}")
    for folder, (covered, lines) in [*sorted(folders.items()), ("all", total)]:
        print(f"{folder:10} {covered:8} {lines:8} {100 * covered / lines:8.1f}")
    if 100 * total[0] < options.goal * total[1]:
        sys.exit(f"below the goal of {options.goal:g} %")


main()
