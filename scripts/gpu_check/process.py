"""A process under a time limit: in a group of its own, its output in a log, the rows of its file read as they come."""
import contextlib
import os
import resource
import signal
import subprocess
import time

MOST_OUTPUT = 8 << 20    # bytes of a log; a process that prints more is ended
MOST_ROWS_READ = 1 << 20  # bytes of rows at a time, and of one row
MOST_FILE = 1 << 30      # bytes of any file that it writes
SAID_BYTES = 4096
STOPPING = (signal.SIGALRM, signal.SIGTERM, signal.SIGINT)
LIMIT = "its limit"       # begins why a process was ended for its time
PATIENCE = 1.0           # seconds between SIGTERM and SIGKILL


def clean(text, most=300):
    """Printable, on one line, at most so long."""
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return text if len(text) <= most else text[:most - 3] + "..."


class Tail:
    """The lines of a file that another process is writing."""

    def __init__(self, path):
        self.path, self.offset, self.rest = path, 0, b""

    def lines(self):
        """The lines that have been completed since the last call."""
        try:
            with open(self.path, "rb") as file:
                file.seek(self.offset)
                data = file.read(MOST_ROWS_READ)
        except OSError:
            return []
        self.offset += len(data)
        *whole, self.rest = (self.rest + data).split(b"\n")
        if len(self.rest) > MOST_ROWS_READ:
            whole, self.rest = whole + [self.rest], b""
        return [line.decode("utf-8", "replace") for line in whole if line.strip()]


class Process:
    """command runs until it ends, its limit passes or it prints too much; poll() says whether it still runs."""

    def __init__(self, command, environment, folder, log, limit, row_file=None, on_row=None):
        self.log, self.limit, self.begun = log, limit, time.monotonic()
        self.tail, self.on_row = (Tail(row_file) if row_file else None), on_row
        self.code, self.ended, self.dying = None, None, None
        self.why, self.error = "", ""
        try:
            with open(log, "wb") as output:
                self.child = subprocess.Popen(
                    [str(word) for word in command], cwd=folder, env=environment, stdin=subprocess.DEVNULL,
                    stdout=output, stderr=subprocess.STDOUT, start_new_session=True, preexec_fn=prepare_child)
        except OSError as error:
            self.child, self.code, self.ended = None, 127, time.monotonic()
            self.error = f"cannot run {command[0]}: {error.strerror}"

    def poll(self):
        """Reads new rows; True while the process runs."""
        if self.child is None or self.ended is not None:
            return False
        self.read_rows()
        now = time.monotonic()
        if exited(self.child):
            self.finish()
        elif self.dying is not None:
            if now - self.dying > PATIENCE:
                signal_group(self.child.pid, signal.SIGKILL)
            if now - self.dying > 4 * PATIENCE:  # waits for a driver
                self.why += ", and it does not end"
                self.ended = now
        elif now - self.begun > self.limit:
            self.end(f"{LIMIT} of {self.limit:.0f} s passed")
        elif os.path.getsize(self.log) > MOST_OUTPUT:
            self.end(f"it printed more than {MOST_OUTPUT >> 20} MiB")
        return self.ended is None

    def end(self, why):
        """Asks the whole group to end; poll() kills those who have not after a second."""
        self.why, self.dying = why, time.monotonic()
        signal_group(self.child.pid, signal.SIGTERM)

    def finish(self):
        """What is left of the group goes before its leader is waited for, while its number cannot be another's."""
        signal_group(self.child.pid, signal.SIGKILL)
        self.code = self.child.wait()
        self.ended = time.monotonic()
        self.read_rows()
        if self.tail and self.tail.rest.strip():
            self.on_row(self.tail.rest.decode("utf-8", "replace"))
            self.tail.rest = b""

    def read_rows(self):
        if self.tail:
            for line in self.tail.lines():
                self.on_row(line)

    @property
    def seconds(self):
        return (self.ended or time.monotonic()) - self.begun

    def said(self, lines=3):
        """The last lines of the log."""
        if self.error:
            return self.error
        try:
            with open(self.log, "rb") as file:
                file.seek(max(0, os.path.getsize(self.log) - SAID_BYTES))
                text = file.read().decode("utf-8", "replace")
        except OSError:
            return ""
        return clean(" / ".join([line for line in text.splitlines() if line.strip()][-lines:]))

    def how_it_ended(self):
        """"" after exit code 0."""
        if self.why:
            return self.why
        if self.code is not None and self.code < 0:
            try:
                return f"signal {signal.Signals(-self.code).name}"
            except ValueError:
                return f"signal {-self.code}"
        return f"exit code {self.code}" if self.code else ""


@contextlib.contextmanager
def signals_held():
    """No signal stops gpu-check between the start of a process and its place in the list, or in the middle of a row."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def prepare_child():
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)
    for kind, most in ((resource.RLIMIT_FSIZE, MOST_FILE), (resource.RLIMIT_CORE, 0)):
        try:
            resource.setrlimit(kind, (most, most))
        except (ValueError, OSError):  # a lower limit stays
            pass


def exited(child):
    """Whether the process has ended; it stays to be waited for."""
    try:
        return os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:
        return True
    except OSError:  # a kernel that cannot look without waiting
        return child.poll() is not None


def signal_group(pid, number):
    try:
        os.killpg(pid, number)
    except (ProcessLookupError, PermissionError):
        pass
