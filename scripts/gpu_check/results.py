"""The files of a run: results.jsonl as the rows come, the table, the archive."""
import json
import os
import tarfile
import time

from .process import clean

TABLE_CHARACTERS = 11000   # a terminal's log may keep only so many of the last characters
MOST_ARCHIVED = 4 << 20    # bytes of one file in the archive; of longer ones the end


class Results:
    def __init__(self, folder, call):
        self.folder, self.call = folder, call
        self.file = open(os.path.join(folder, "results.jsonl"), "a", encoding="utf-8")
        self.parts = []        # (name, verdict, seconds, detail)
        self.failures = []     # (part, row, detail)
        self.figures = []      # (part, row, detail): rows that the table shows

    def row(self, part, row, verdict, fields=None, shown=False):
        record = {"call": self.call, "part": part, "row": row, "verdict": verdict, **(fields or {})}
        self.file.write(json.dumps(record, default=str) + "\n")
        self.file.flush()
        detail = record.get("detail", "")
        if verdict in ("FAILED", "TIMED OUT"):
            self.failures.append((part, row, detail))
        elif shown and verdict == "ok":
            self.figures.append((part, row, detail))
        print(f"{verdict:9} {part:24} {clean(row, 70)}  {clean(detail, 90)}", flush=True)

    def part(self, name, verdict, seconds, predicted, detail, fields=None):
        self.parts.append((name, verdict, seconds, detail))
        self.row(name, "whole part", verdict, {"seconds": round(seconds, 1), "predicted": round(predicted, 1),
                                               "detail": clean(detail), **(fields or {})})

    def failed(self):
        return any(verdict != "ok" for _, verdict, _, _ in self.parts)

    def table(self, heading):
        """Every part; then what failed; then figures; at most so many characters, the parts' lines always."""
        width = max([len(name) for name, *_ in self.parts] + [4])
        count = {}
        lines = []
        for name, verdict, seconds, detail in self.parts:
            count[verdict] = count.get(verdict, 0) + 1
            lines.append(f"{name:{width}} {verdict:9} {seconds:5.0f} s  {clean(detail, 80)}".rstrip())
        totals = ", ".join(f"{n} {verdict}" for verdict, n in sorted(count.items())) or "nothing ran"
        left = TABLE_CHARACTERS - sum(len(line) + 1 for line in lines) - len(heading) - len(totals) - 100
        for title, rows in (("Failures:", self.failures), ("Figures:", self.figures)):
            more = []
            for part, row, detail in rows:
                line = f"  {part}: {clean(row, 60)}: {clean(detail, 150)}" if row != "whole part" else ""
                if line and left < len(line) + 60:
                    more.append("  (more in results.jsonl)")
                    break
                if line:
                    more.append(line)
                    left -= len(line) + 1
            if more:
                lines += [title] + more
        return "\n".join([heading] + lines + [f"{totals}; all rows: results.jsonl"])

    def archive(self, deadline):
        """OUT.tar.gz: everything, of long files the end; by the deadline the rest is left out. Returns its path."""
        self.file.flush()
        path, name = self.folder + ".tar.gz", os.path.basename(self.folder)
        with tarfile.open(path, "w:gz", compresslevel=3) as tar:
            for folder, folders, files in os.walk(self.folder):
                folders.sort()
                for file in sorted(files, key=lambda f: (not f.endswith((".jsonl", ".txt", ".json")), f)):
                    if time.monotonic() < deadline:
                        inner = os.path.relpath(os.path.join(folder, file), self.folder)
                        add(tar, os.path.join(folder, file), os.path.join(name, inner))
        return path


def add(tar, path, name):
    try:
        size = os.path.getsize(path)
        with open(path, "rb") as file:
            file.seek(max(0, size - MOST_ARCHIVED))
            info = tar.gettarinfo(path, os.path.normpath(name))
            info.size = min(info.size, MOST_ARCHIVED, size)
            tar.addfile(info, file)
    except OSError as error:
        print(f"not in the archive: {name}: {error}", flush=True)
