"""Runs the parts of a call within its seconds: those that may stand beside others first, then one after the other."""
import os
import signal
import time

from . import rows as reports
from .judge import judge
from .process import LIMIT, Process, signal_group, signals_held

MOST_ROWS = 2000  # of a part; a process that reports more is ended
TICK = 0.05  # seconds between two looks at the processes


class Running:
    """A part, its process and the rows it has given."""

    def __init__(self, part, process, rows):
        self.part, self.process, self.rows = part, process, rows


class Call:
    def __init__(self, places, results, parts, end, slots, unlimited):
        self.places, self.results, self.end, self.slots, self.unlimited = places, results, end, slots, unlimited
        self.running, self.waiting = [], list(parts)

    def run(self):
        parts = list(self.waiting)
        alone = [part for part in parts if part.alone]
        kept = sum(part.seconds for part in alone if not part.missing)
        if self.unlimited:
            kept = min(kept, (self.end - time.monotonic()) / 2)
        self.side_by_side([part for part in parts if not part.alone], self.end - kept)
        for index, part in enumerate(alone):
            later = sum(other.seconds for other in alone[index + 1:] if not other.missing)
            if self.fits(part, self.end):
                self.start(part, self.end, later)
                self.wait(1)

    def side_by_side(self, parts, end):
        for part in parts:
            self.wait(self.slots)
            if self.fits(part, end):
                self.start(part, end, 0)
        self.wait(1)

    def wait(self, most):
        """Until fewer than `most` processes run."""
        while True:
            with signals_held():
                still = []
                for one in self.running:
                    if one.process.poll():
                        still.append(one)
                    else:
                        self.close(one)
                self.running = still
            if len(still) < most:
                return
            time.sleep(TICK)

    def fits(self, part, end):
        """Whether a part can run by its prediction; a row says why where it cannot."""
        self.waiting.remove(part)
        left = end - time.monotonic()
        why = part.missing
        if not why and left < (1 if self.unlimited else part.seconds):
            why = f"{part.seconds:.0f} s predicted, {max(left, 0):.0f} s left"
        if why:
            self.results.part(part.name, "LEFT OUT", 0, part.seconds, why)
        return not why

    def start(self, part, end, later):
        """`later`: seconds that the parts after this one need."""
        left = max(end - time.monotonic(), 1)
        name = part.name.replace("/", "_")
        row_file = os.path.join(self.places.out, "rows", name + ".jsonl")
        command, env, limit = list(part.command), dict(self.places.env, **part.env), part.limit
        if part.elastic:
            least, most = part.elastic
            seconds = max(least, min(most, least + left - part.seconds - later))
            command += ["--seconds", f"{seconds:.0f}"]
            limit += 1.5 * (seconds - least)
        if part.kind == "tests":
            env["TINYGAN_TEST_REPORT"] = row_file
        elif part.kind:
            command += ["--out", row_file]
        log = os.path.join(self.places.out, "logs", name + ".log")
        one = Running(part, None, [])
        with signals_held():
            one.process = Process(command, env, os.path.join(self.places.root, "tests"), log,
                                  left if self.unlimited else min(limit, left), row_file if part.kind else None,
                                  lambda line: self.row(one, line))
            self.running.append(one)

    def row(self, one, line):
        if len(one.rows) >= MOST_ROWS:
            if one.process.dying is None:
                one.process.end(f"it reported more than {MOST_ROWS} rows")
            return
        name, verdict, fields = reports.read_row(one.part.kind, line)
        one.rows.append((name, verdict, fields))
        self.results.row(one.part.name, name, verdict, fields, one.part.shown)

    def close(self, one):
        part, process = one.part, one.process
        failed = [row for row in one.rows if row[1] == "FAILED"]
        fields = {"exit": process.code, "limit": round(process.limit, 1)}
        how, said = process.how_it_ended(), process.said()
        if process.why.startswith(LIMIT):
            verdict, detail = "TIMED OUT", f"{process.why}; last words: {said or 'none'}"
        elif failed:
            verdict, detail = "FAILED", f"{len(failed)} of {len(one.rows)} rows, first {failed[0][0]}"
            detail += f"; {how}" if how else ""
        elif how:
            verdict, detail = "FAILED", f"{how}; last words: {said or 'none'}"
        elif part.kind and not any(row[1] == "ok" for row in one.rows):
            verdict, detail = "FAILED", f"no result; last words: {said or 'none'}"
        else:
            verdict, more = judge(part, self.places, process.log)
            detail = more.pop("detail", "") or (reports.summary(part.kind, one.rows) if part.kind else said)
            fields.update(more)
        if part.kind == "tests":
            fields.update(worst_of(one.rows))
        self.results.part(part.name, verdict, process.seconds, part.seconds, detail, dict(fields, said=said))

    def stop(self, why):
        """Kills what still runs; that and what has not begun get rows."""
        for one in self.running:
            if one.process.child is not None and one.process.ended is None:
                one.process.end(why)
                signal_group(one.process.child.pid, signal.SIGKILL)
        patience = time.monotonic() + 1
        while any([one.process.poll() for one in self.running]) and time.monotonic() < patience:
            time.sleep(TICK)
        for one in self.running:
            self.close(one)
        for part in self.waiting:
            self.results.part(part.name, "LEFT OUT", 0, part.seconds, why)
        self.running, self.waiting = [], []


def worst_of(rows):
    """The worst error over its bound, and the first failing case, of test cases."""
    errors = [(f["worst"], f.get("worst_at")) for _, _, f in rows if isinstance(f.get("worst"), (int, float))]
    worst = max(errors, key=lambda pair: pair[0], default=(None, None))
    first = ""
    for name, verdict, fields in reversed(rows):
        if verdict == "FAILED":
            first = f"{name}: {fields.get('first_failure') or fields.get('detail')}"
    return {"cases": len(rows), "worst": worst[0], "worst_at": worst[1], "first_failure": first}
