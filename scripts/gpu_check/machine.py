"""The machine: its GPU, its libraries, and the environment that the programs get."""
import datetime
import glob
import json
import os
import shutil
import signal
import subprocess

from .process import signal_group

TOOLKIT = "/usr/local/cuda"
CLOCKS = "timestamp,clocks.sm,clocks.mem,power.draw,temperature.gpu,utilization.gpu"
FACTS = "name,driver_version,memory.total,clocks.max.sm,power.limit,temperature.gpu,compute_cap"


def output_of(command, environment=None, seconds=15):
    """Standard output, or "" where the command cannot run, fails or takes too long."""
    try:
        child = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                 stderr=subprocess.DEVNULL, start_new_session=True)
    except OSError:
        return ""
    try:
        output = child.communicate(timeout=seconds)[0]
    except subprocess.TimeoutExpired:
        return ""
    finally:
        signal_group(child.pid, signal.SIGKILL)
        child.wait()
    return output.decode("utf-8", "replace").strip() if child.returncode == 0 else ""


def has_gpu():
    if os.environ.get("CUDA_VISIBLE_DEVICES") == "":
        return False
    return any(line.startswith("GPU ") for line in output_of(["nvidia-smi", "-L"]).splitlines())


def environment(root):
    """For every program. The toolkit's tools come last on PATH; no LD_LIBRARY_PATH: PyTorch has its own libraries."""
    env = dict(os.environ, TINYGAN_TEST_DIR=os.path.join(root, "tests"), PYTHONUNBUFFERED="1")
    env["PATH"] = env.get("PATH", os.defpath) + os.pathsep + os.path.join(TOOLKIT, "bin")
    for name in ("TINYGAN_CUDA_ISA", "TINYGAN_TEST_REPORT"):
        env.pop(name, None)
    return env


def package_folders(python):
    """Folders of CUDA libraries that PyTorch's packages bring."""
    program = "import sysconfig; print(sysconfig.get_paths()['purelib'])"
    site = output_of([python, "-c", program])
    return sorted(glob.glob(os.path.join(site, "nvidia", "*", "lib"))) if site else []


def library_path(needed, python):
    """LD_LIBRARY_PATH of bench_kernels: for each library the first folder that has it, the toolkit's first."""
    folders, chosen = [os.path.join(TOOLKIT, "lib64"), *package_folders(python)], []
    for library in needed:
        for folder in folders:
            if glob.glob(os.path.join(folder, library)):
                if folder not in chosen:
                    chosen.append(folder)
                break
    return os.pathsep.join(chosen + ([os.environ["LD_LIBRARY_PATH"]] if os.environ.get("LD_LIBRARY_PATH") else []))


def build_facts(programs):
    """What --build wrote into the programs' folder: commit, compilers, libraries; empty if there is nothing to read."""
    try:
        with open(os.path.join(programs, "build.json"), encoding="utf-8") as file:
            facts = json.load(file)
        return facts if isinstance(facts, dict) else {}
    except (OSError, ValueError):
        return {}


def facts(root, programs, python):
    """Card, driver, date, commit and versions; "unknown" where the machine does not tell."""
    names = FACTS.split(",")
    line = output_of(["nvidia-smi", "--query-gpu=" + FACTS, "--format=csv,noheader"], seconds=8).splitlines()
    values = [value.strip() for value in line[0].split(",")] if line else []
    found = {"card": "unknown", "driver": "unknown"}
    if len(values) == len(names):
        found = dict(zip(names, values))
        found["card"], found["driver"] = found.pop("name"), found.pop("driver_version")
    build = build_facts(programs)
    versions = ("from importlib.metadata import version as v; "
                "print('PyTorch', v('torch'))")
    found.update({
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "commit": build.get("commit") or output_of(["git", "-C", root, "describe", "--always", "--dirty"]) or "unknown",
        "build": build,
        "python": output_of([python, "-c", versions]) or "no PyTorch",
        "compute_sanitizer": shutil.which("compute-sanitizer", path=environment(root)["PATH"]) or "none",
        "cores": len(os.sched_getaffinity(0)),
        "cpu": processor(),
    })
    return found


def processor():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return "unknown"


def watch_clocks(path):
    """nvidia-smi, once a second, into a file; None where it cannot be run."""
    try:
        with open(path, "wb") as file:
            command = ["nvidia-smi", "--query-gpu=" + CLOCKS, "--format=csv", "-l", "1"]
            return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.DEVNULL,
                                    start_new_session=True)
    except OSError:
        return None
