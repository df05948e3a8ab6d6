"""scripts/gpu-check against stub programs: python3 gpu_check.py SOURCE

Programs that succeed, fail, hang, print rubbish, die, write half a row: each ends in the right row, within its limit,
and nothing that they started survives. Then the plan: the predictions fit the calls, and every test case for a GPU is
reached by exactly one part.
"""
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time

sys.dont_write_bytecode = True
SOURCE = os.path.realpath(sys.argv[1])
CHECK = os.path.join(SOURCE, "scripts", "gpu-check")
STUB = os.path.join(SOURCE, "tests", "bench", "stubs", "stub")
sys.path.insert(0, os.path.join(SOURCE, "scripts"))

from gpu_check import losses, machine, parts as all_parts, plan  # noqa: E402
from gpu_check.call import Call  # noqa: E402
from gpu_check.results import Results  # noqa: E402

PROGRAMS = ("tinygan_tests", "bench_kernels", "bench_ladder", "bench_step", "dcgan_mnist")
TOOLS = ("nvidia-smi", "compute-sanitizer", "python3")


class Machine:
    """A folder with stub programs, a stub nvidia-smi and a stub Python."""

    def __init__(self, scratch, behaviour="", without=()):
        self.folder = tempfile.mkdtemp(dir=scratch)
        self.programs, self.tools = (os.path.join(self.folder, name) for name in ("programs", "bin"))
        for folder, names in ((self.programs, PROGRAMS), (self.tools, TOOLS)):
            os.mkdir(folder)
            for name in names:
                if name not in without:
                    os.symlink(STUB, os.path.join(folder, name))
        os.mkdir(os.path.join(self.programs, "mnist"))
        open(os.path.join(self.programs, "mnist", "t10k-images-idx3-ubyte"), "w").close()
        open(os.path.join(self.programs, "libkernel_trace.so"), "w").close()
        with open(os.path.join(self.programs, "build.json"), "w") as file:
            json.dump({"commit": "abc123", "libraries": ["libcublasLt.so.13"]}, file)
        with open(os.path.join(self.programs, "cpu_epoch.jsonl"), "w") as file:
            for step in (1, 20, 40, 60, 468):
                print(json.dumps({"step": step, "loss_d": 1.25, "loss_g": 0.75}), file=file)
        self.out, self.log = os.path.join(self.folder, "out"), os.path.join(self.folder, "log")
        ours = ("CUDA_VISIBLE_DEVICES", "TINYGAN_MNIST", "LD_LIBRARY_PATH")
        self.env = {name: value for name, value in os.environ.items() if name not in ours}
        self.env.update(PATH=self.tools + os.pathsep + os.environ["PATH"], STUB=behaviour, STUB_LOG=self.log,
                        PYTHON=os.path.join(self.tools, "python3"), REAL_PYTHON=sys.executable)
        self.rows, self.said, self.seconds = [], "", 0.0

    def run(self, *options, code):
        begun = time.monotonic()
        command = [sys.executable, CHECK, self.out, "--programs", self.programs, "--slots", "16", *options]
        done = subprocess.run(command, env=self.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.seconds, self.said = time.monotonic() - begun, done.stdout.decode("utf-8", "replace")
        expect(done.returncode == code,
               f"{options}: exit code {done.returncode}, expected {code}:\n{self.said[-4000:]}")
        with open(os.path.join(self.out, "results.jsonl")) as lines:
            self.rows = [json.loads(line) for line in lines]
        return self

    def part(self, name):
        found = [r for r in self.rows if r["part"] == name and r["row"] == "whole part"]
        expect(len(found) == 1, f"{len(found)} rows for the part {name}:\n{self.said[-3000:]}")
        return found[0]

    def expect_part(self, name, verdict, *words):
        row = self.part(name)
        expect(row["verdict"] == verdict, f"{name} is {row}, expected {verdict}")
        for word in words:
            expect(word in row["detail"], f"{name} says {row['detail']!r}, expected {word!r}")
        return row

    def commands(self):
        with open(self.log) as lines:
            return lines.read().splitlines()

    def expect_nothing_left(self):
        try:
            children = [int(line) for line in open(self.log + ".children")]
        except OSError:
            children = []
        for pid in children:
            gone = not os.path.exists(f"/proc/{pid}") or "State:\tZ" in open(f"/proc/{pid}/status").read()
            expect(gone, f"process {pid} survives")
        return len(children)


def expect(condition, message):
    if not condition:
        sys.exit("FAILED: " + message)


# ---- Calls -----------------------------------------------------------------------------------------------------------

def call_1_passes(scratch):
    m = Machine(scratch).run("--call", "1", code=0)
    expect({r["verdict"] for r in m.rows} <= {"ok", "LEFT OUT"}, "a good run has a bad row")
    for part in all_parts.call_1(places(m)):
        m.expect_part(part.name, "ok")
    row = m.part("products/bf16")
    expect((row["worst"], row["cases"], row["exit"]) == (0.41, 1, 0), f"products/bf16 is {row}")
    first = m.rows[0]
    facts = (first["card"], first["driver"], first["commit"], first["call"])
    expect(facts == ("Stub H100", "580.1", "abc123", 1), f"facts: {first}")
    table = open(os.path.join(m.out, "summary.txt")).read()
    expect(m.said.endswith(table) and len(table) < 12000, "the table is not last, or too long")
    expect("dcgan/128/bf16/captured" in table and "Stub H100" in table, f"figures are not in the table:\n{table}")
    with tarfile.open(m.out + ".tar.gz") as tar:
        held = tar.getnames()
    for name in ("results.jsonl", "summary.txt", "facts.json", "clocks.csv", "epoch_bf16.png", "logs/ops_conv.log",
                 "rows/gemm.jsonl"):
        expect("out/" + name in held, f"{name} is not in the archive: {held}")
    said = m.commands()
    expect(sum("ISA=sm_80" in line for line in said) == 15, "the runs without the kernels for sm_90")
    for line in said:
        expect("LIBRARIES= " in line or line.startswith("bench_kernels"), f"LD_LIBRARY_PATH of {line}")
        expect("DEVICE=cuda" in line or not line.startswith("tinygan_tests"), f"a test on another device: {line}")


def call_1_with_faults(scratch):
    m = Machine(scratch, "\n".join([
        "convolutions][fp32=fail", "convolutions][tf32=hang", "products][fp32=rubbish", "products][tf32=signal",
        "products][bf16=exit9", "products][bfloat16=half", "test_conv]=silent",
        "test_pointwise]=flood", "test_reduce]=rows",
        "compute-sanitizer --tool memcheck=exit9", "compute-sanitizer --tool racecheck=nosummary",
        "--precision bf16 --epochs=nan", "4096^3=fail"]))
    only = ("convolutions/fp32,convolutions/tf32,products,ops/conv,ops/pointwise,ops/reduce,memcheck/bf16,"
            "racecheck/bf16,synccheck/bf16,epoch/bf16,gemm,small/fp32")
    m.run("--call", "1", "--seconds", "18", "--only", only, code=1)
    expect(m.seconds < 18, f"took {m.seconds:.0f} s of 18")
    m.expect_part("convolutions/fp32", "FAILED", "1 of 1 rows", "exit code 1")
    row = m.part("convolutions/fp32")
    expect(row["first_failure"] == "cuda: a case: element 3 is 7, expected 1", f"the first failing case: {row}")
    expect(row["worst"] == 7.5, f"the worst error of a failing case: {row}")
    m.expect_part("convolutions/tf32", "TIMED OUT", "limit", "about to hang")
    m.expect_part("products/fp32", "FAILED", "4 of 4 rows", "unreadable row")
    m.expect_part("products/tf32", "FAILED", "signal SIGSEGV", "about to die")
    m.expect_part("products/bf16", "FAILED", "exit code 9", "device-side error")
    m.expect_part("products/bfloat16", "FAILED", "unreadable row")
    m.expect_part("ops/conv", "FAILED", "no result")
    m.expect_part("ops/pointwise", "FAILED", "printed more than")
    m.expect_part("ops/reduce", "FAILED", "2000 of 2000 rows", "it reported more than 2000 rows")
    m.expect_part("memcheck/bf16", "FAILED", "exit code 9")
    m.expect_part("racecheck/bf16", "FAILED", "no summary")
    m.expect_part("synccheck/bf16", "ok", "0 errors")
    m.expect_part("epoch/bf16", "FAILED")
    m.expect_part("gemm", "FAILED", "1 of 1 rows")
    m.expect_part("small/fp32", "ok", "1 of 1 cases")
    expect(m.expect_nothing_left() == 2, "two hang, with and without the kernels for sm_90, and have a child each")
    for row in m.rows:
        expect(row["verdict"] in ("ok", "FAILED", "TIMED OUT", "LEFT OUT"), f"{row}")


def call_2_passes(scratch):
    m = Machine(scratch, without=("bench_ladder",))
    expect(subprocess.run([sys.executable, CHECK, m.out, "--call", "2", "--programs", m.programs], env=m.env,
                          stderr=subprocess.PIPE).returncode == 1, "a missing program is not said")
    m = Machine(scratch).run("--call", "2", code=0)
    order = [r["part"] for r in m.rows if r["row"] == "whole part"]
    expect(order == all_parts.names(all_parts.call_2(places(m))), f"the order of call 2: {order}")
    for part, words in (("race", "wgmma 128x128 200 us, chosen mma 128x128 300 us, ratio 0.90"),
                        ("profile/128", "3 us, 50 %, 1 launches")):
        expect(any(words in r.get("detail", "") for r in m.rows if r["part"] == part), f"{part}: no row says '{words}'")
    m.expect_part("profile/1024", "ok", "2 launches, 4 us, 2 us between them")
    modes = [r["mode"] for r in m.rows if r["part"] == "torch/128" and r.get("side") == "torch"]
    expect(modes == ["graph", "eager", "compile"], f"PyTorch's modes: {modes}")
    ratio = next(r for r in m.rows if r.get("mode") == "graph")["ratio"]
    expect(abs(ratio - 1.1 / 0.5) < 1e-9, f"ratio {ratio}")
    given = [re.findall(r"--seconds (\d+)", line) for line in m.commands() if "--filter ^3" in line]
    expect(given == [["30"]], f"time that is left goes to those that can use it: {given}")


def call_2_with_faults(scratch):
    m = Machine(scratch, "--mode graph=rubbish\n--mode eager=hang")
    m.run("--call", "2", "--seconds", "14", "--only", "profile/128,torch/128", code=1)
    m.expect_part("torch/128", "TIMED OUT", "limit")
    graph = next(r for r in m.rows if r.get("mode") == "graph")
    expect(graph["verdict"] == "FAILED" and "no result" in graph["detail"], f"{graph}")
    m.expect_part("profile/128", "LEFT OUT", "0 s left")
    expect(m.seconds < 14, f"took {m.seconds:.0f} s of 14")
    expect(m.expect_nothing_left() == 1, "the hanging peer had a child")


def call_3(scratch):
    m = Machine(scratch, "--seed 2=nan\n--seed 3=silent").run("--call", "3", code=1)
    row = m.expect_part("quality/1", "ok", "step 37500: rho 2.5, score 9.45, coverage 0.92")
    expect(row["rho"] == 2.5, f"the last evaluation: {row}")
    m.expect_part("quality/2", "FAILED", "not finite")
    m.expect_part("quality/3", "FAILED", "no metrics.jsonl")
    expect(os.path.exists(os.path.join(m.out, "quality_1.png")), "the picture is kept")
    os.remove(os.path.join(m.programs, "mnist", "t10k-images-idx3-ubyte"))
    m.run("--call", "3", "--only", "quality/1", code=1).expect_part("quality/1", "LEFT OUT", "test images")


def without_tools(scratch):
    m = Machine(scratch, "nvidia-smi --query=hang", without=("compute-sanitizer",))
    m.run("--call", "1", "--seconds", "25", "--only", "synccheck/tf32,training/bf16", code=1)
    m.expect_part("synccheck/tf32", "LEFT OUT", "no compute-sanitizer")
    m.expect_part("training/bf16", "ok")
    expect(m.expect_nothing_left() == 2, "two nvidia-smi hang, with a child each")
    expect(m.rows[0]["card"] == "unknown" and m.seconds < 26, f"a hanging nvidia-smi: {m.rows[0]}, {m.seconds:.0f} s")


def own_fault(scratch):
    """A fault of gpu-check itself costs no row: here a folder where a file should be."""
    m = Machine(scratch)
    os.makedirs(os.path.join(m.out, "facts.json"))
    m.run("--call", "1", "--only", "small/fp32", code=1)
    m.expect_part("small/fp32", "LEFT OUT", "gpu-check failed: IsADirectoryError")
    expect(os.path.exists(m.out + ".tar.gz") and "1 LEFT OUT" in m.said, f"no table or archive: {m.said}")


def interrupted(scratch):
    m = Machine(scratch, "tinygan_tests=hang")
    command = [sys.executable, CHECK, m.out, "--call", "1", "--programs", m.programs, "--only", "capture"]
    child = subprocess.Popen(command, env=m.env, stdout=subprocess.PIPE)
    patience = time.monotonic() + 20
    while not os.path.exists(m.log + ".children") and time.monotonic() < patience:
        time.sleep(0.1)
    child.terminate()
    said = child.communicate(timeout=20)[0].decode()
    expect(child.returncode == 143 and "stopped by SIGTERM" in said and "FAILED" in said, f"{child.returncode}: {said}")
    rows = open(os.path.join(m.out, "results.jsonl")).read()
    for part in ("fp32", "bfloat16/sm_80"):
        expect(f'"part": "capture/{part}", "row": "whole part"' in rows, f"{part} has no row")
    expect(m.expect_nothing_left() > 0, "no child of the hanging programs")


def compare_step(scratch):
    """A mode that hangs costs its limit and no other; there is no git, and a library's lines stand between the rows."""
    m = Machine(scratch, "--mode eager=hang\n--mode compile=exit9")
    for name in ("bash", "sleep", "mkdir", "cat", "taskset"):
        if shutil.which(name):
            os.symlink(shutil.which(name), os.path.join(m.tools, name))
    rows = os.path.join(m.folder, "rows.jsonl")
    command = [sys.executable, os.path.join(SOURCE, "scripts", "compare-step"), "--device", "cuda", "--models", "dcgan",
               "--precisions", "bf16", "--rounds", "1", "--limit", "3", "--modes", "eager,graph,compile", "--out", rows,
               "--bench", os.path.join(m.programs, "bench_step"), "--python", os.path.join(m.tools, "python3")]
    done = subprocess.run(command, env=dict(m.env, PATH=m.tools), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    said = done.stdout.decode()
    expect(done.returncode == 1 and "commit abc123" in said, f"compare-step: {done.returncode}, {said}, {done.stderr}")
    found = [json.loads(line) for line in open(rows)]
    what = [(r["side"], r["mode"], "error" in r) for r in found]
    expect(what == [("tinygan", "eager", False), ("tinygan", "captured", False), ("torch", "eager", True),
                    ("torch", "graph", False), ("torch", "compile", True)], f"rows: {what}")
    expect("longer than 3 s" in found[2]["error"] and "code 9" in found[4]["error"], f"{found}")
    table = [line for line in said.splitlines() if line.startswith("| dcgan")]
    expect(len(table) == 1 and "| 2.20 " in table[0], f"the table: {table}")
    with open(m.log + ".children") as lines:
        for line in lines:
            os.kill(int(line), 9)  # gpu-check ends the whole group; by itself compare-step ends the peer


# ---- Parts, limits and predictions -----------------------------------------------------------------------------------

def places(machine):
    return all_parts.Places(SOURCE, machine.programs, machine.out, machine.folder, sys.executable, "mnist", machine.env)


def libraries(scratch):
    """The toolkit's folder before those of PyTorch's packages, and each only where it has what is needed."""
    folder = tempfile.mkdtemp(dir=scratch)
    toolkit, site = os.path.join(folder, "cuda"), os.path.join(folder, "site")
    held = {os.path.join(toolkit, "lib64"): ["libcublasLt.so.13"],
            os.path.join(site, "nvidia", "cu13", "lib"): ["libcublasLt.so.13", "libnvrtc.so.13"],
            os.path.join(site, "nvidia", "cudnn", "lib"): ["libcudnn.so.9"],
            os.path.join(site, "nvidia", "nccl", "lib"): ["libnccl.so.2"]}
    for path, names in held.items():
        os.makedirs(path)
        for name in names:
            open(os.path.join(path, name), "w").close()
    python = os.path.join(folder, "python")
    with open(python, "w") as file:
        file.write(f"#!/usr/bin/env bash\necho {site}\n")
    os.chmod(python, 0o755)
    before, machine.TOOLKIT = machine.TOOLKIT, toolkit
    inherited = os.environ.pop("LD_LIBRARY_PATH", None)
    found = machine.library_path(["libcublasLt.so.13", "libcudnn.so.9", "libnvrtc.so.*"], python)
    machine.TOOLKIT = before
    if inherited:
        os.environ["LD_LIBRARY_PATH"] = inherited
    order = [list(held)[i] for i in (0, 2, 1)]
    expect(found.split(os.pathsep) == order, f"LD_LIBRARY_PATH is {found}, expected {order}")


def limits(scratch):
    """A part's own limit, and what does not fit."""
    m = Machine(scratch, "hang=hang")
    for folder in ("logs", "rows"):
        os.makedirs(os.path.join(m.out, folder))
    results = Results(m.out, 1)
    tests = os.path.join(m.programs, "tinygan_tests")
    made = [all_parts.Part("hangs", [tests, "hang"], 0.5, "tests", alone=True),
            all_parts.Part("long", [tests], 60, "tests", alone=True),
            all_parts.Part("short", [tests, "x"], 0.5, "tests", alone=True)]
    made[0].limit = 1.0
    begun = time.monotonic()
    Call(places(m), results, made, begun + 20, 4, False).run()
    verdicts = [(name, verdict) for name, verdict, _, _ in results.parts]
    expect(verdicts == [("hangs", "TIMED OUT"), ("long", "LEFT OUT"), ("short", "ok")], f"{verdicts}")
    expect(time.monotonic() - begun < 10, "a limit of 1 s took longer")
    m.expect_nothing_left()


def long_table(scratch):
    m = Machine(scratch)
    os.makedirs(m.out)
    results = Results(m.out, 1)
    sys.stdout = open(os.devnull, "w")
    for i in range(400):
        results.row(f"part{i % 60}", "a case with a long name " * 5, "FAILED", {"detail": "an explanation " * 40})
    for i in range(65):
        results.part(f"part{i}", "FAILED" if i % 2 else "ok", 1.0, 1.0, "an explanation " * 40)
    sys.stdout = sys.__stdout__
    table = results.table("heading")
    expect(len(table) < 12000, f"{len(table)} characters")
    for words in ("part64", "more in results.jsonl", "32 FAILED, 33 ok"):
        expect(words in table, f"the table lacks '{words}'")


def plans(scratch):
    for number, make in enumerate((all_parts.call_1, all_parts.call_2, all_parts.call_3), 1):
        parts = make(places(Machine(scratch)))
        _, end = plan.schedule(parts, 16)
        most = all_parts.CALL_SECONDS - all_parts.CLOSING
        expect(end <= most, f"call {number} is predicted to take {end:.0f} s of {most}")
        names = all_parts.names(parts)
        expect(len(set(names)) == len(names), "two parts of a name")
        expect(all(part.limit > part.seconds for part in parts), "a limit below the prediction")
    env = dict(os.environ, CUDA_VISIBLE_DEVICES="")
    said = subprocess.run([sys.executable, CHECK, "--plan"], stdout=subprocess.PIPE, env=env)
    text = said.stdout.decode()
    expect(said.returncode == 0 and "products/bf16/sm_80" in text and "torch/128" in text, f"--plan: {text}")


def epochs(scratch):
    """A loss a little off passes, one that is far off, missing or NaN does not."""
    cpu = {step: {"loss_d": 1.3, "loss_g": 0.8} for step in (1, 20, 40, 60, 468)}

    def verdict(changes, precision="fp32"):
        kept = {step: changes.get(step, {}) for step in cpu if changes.get(step, {}) is not None}
        return losses.compare({step: dict(cpu[step], **kept[step]) for step in kept}, cpu, precision)[0]

    expect(verdict({20: {"loss_d": 1.305}, 468: {"loss_g": 0.9}}) == "ok", "rounding")
    expect(verdict({20: {"loss_d": 1.33}}) == "FAILED", "an early loss that is off")
    expect(verdict({20: {"loss_d": 1.33}}, "bf16") == "ok", "an early loss in bf16")
    expect(verdict({60: {"loss_g": 1.4}, 468: {"loss_g": 1.4}}) == "FAILED", "a mean that is off")
    expect(verdict({60: {"loss_g": float("nan")}}) == "FAILED", "a NaN")
    expect(verdict({468: None}) == "FAILED", "a run that stopped")


# ---- Every test case for a GPU ---------------------------------------------------------------------------------------

CUDA_CASE = r'TEST_CASE\(\s*"((?:[^"\\]|\\.)*)"\s*,\s*"([^"]*\[cuda\][^"]*)"'


def reached(specification, tags):
    """Whether Catch2's test specification of tags names a case with these tags."""
    for alternative in specification.split(","):
        words = re.findall(r"(~?)\[([^\]]+)\]", alternative)
        if all((tag in tags) != bool(negated) for negated, tag in words):
            return True
    return False


def coverage(scratch):
    plain = [p for p in all_parts.test_parts(places(Machine(scratch)))
             if "[cuda]" in p.command[-1] and not p.judge and "TINYGAN_CUDA_ISA" not in p.env]
    counts = {part.name: 0 for part in plain}
    for path in glob.glob(os.path.join(SOURCE, "tests", "**", "*.cpp"), recursive=True):
        for name, text in re.findall(CUDA_CASE, open(path).read()):
            tags = set(re.findall(r"\[([^\]]+)\]", text))
            parts = [part.name for part in plain if reached(part.command[-1], tags)]
            expect(len(parts) == 1, f"{os.path.basename(path)}: '{name}' is reached by {parts}, expected one part")
            counts[parts[0]] += 1
    empty = [name for name, count in counts.items() if count == 0]
    expect(not empty, f"no test case for {', '.join(empty)}")
    ops = {os.path.basename(path)[5:-4] for path in glob.glob(os.path.join(SOURCE, "tests", "ops", "test_*.cpp"))
           if "check_ops(" in open(path).read()}
    expect(ops == set(all_parts.OPS), f"files with cases of ops: {sorted(ops)}, expected {sorted(all_parts.OPS)}")


def main():
    scratch = tempfile.mkdtemp(prefix="gpu-check-test-")
    chosen = sys.argv[2:]
    try:
        for test in (call_1_passes, call_1_with_faults, call_2_passes, call_2_with_faults, call_3, compare_step,
                     without_tools, own_fault, interrupted, libraries, limits, long_table, plans, epochs, coverage):
            if not chosen or test.__name__ in chosen:
                begun = time.monotonic()
                test(scratch)
                print(f"ok: {test.__name__}, {time.monotonic() - begun:.1f} s", flush=True)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


main()
