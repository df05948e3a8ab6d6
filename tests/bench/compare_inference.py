"""scripts/compare-inference against stub programs: what it prints, and how it ends. Called by compare_inference.sh."""
import json
import os
import subprocess
import sys
import tempfile

SOURCE = sys.argv[1]
SCRIPT = os.path.join(SOURCE, "scripts", "compare-inference")

BENCH = r'''
import json, os, sys
if sys.argv[1] == "--export":
    open(os.path.join(sys.argv[2], "exported"), "w").close()
    sys.exit()
threads = int(os.environ["TINYGAN_THREADS"]) + int(os.environ.get("MORE_THREADS", 0))
print(json.dumps({"benchmarks": [{"median_us": 100.0, "min_us": 80.0, "pool_threads": threads}]}))
'''

# The interpreter with onnxruntime: it is given the peer's path and arguments.
PYTHON = r'''
import json, os, sys
if "--version" in sys.argv:
    if os.environ.get("MISSING"):
        sys.exit("generator_onnx.py: No module named 'onnxruntime'")
    print("1.2.3")
    sys.exit()
if os.environ.get("DIFFERS"):
    sys.exit("generator_onnx.py: the images of dcgan differ")
if not os.path.exists(os.path.join(sys.argv[2], "exported")):
    sys.exit("nothing was exported")
print("a line of a library")
batch = int(sys.argv[sys.argv.index("--batch-size") + 1])
print(json.dumps({"median_us": 250.0 * batch, "min_us": 120.0 * batch, "calls": 3, "difference": 2e-7}))
'''


def expect(condition, message):
    if not condition:
        sys.exit(f"FAILED: {message}")


def program(path, text):
    with open(path, "w") as out:
        out.write(f"#!{sys.executable}\n{text}")
    os.chmod(path, 0o755)
    return path


def main(folder):
    bench, python = program(os.path.join(folder, "bench"), BENCH), program(os.path.join(folder, "python"), PYTHON)

    def ends(code, words, options, **environment):
        done = subprocess.run([sys.executable, SCRIPT, *options], env=dict(os.environ, COLUMNS="80", **environment),
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        expect(done.returncode == code and words in done.stdout,
               f"{options}: exit code {done.returncode}, expected {code} and '{words}': {done.stdout}")
        return done.stdout

    long_lines = [line for line in ends(0, "--networks", ["--help"]).splitlines() if len(line) > 80]
    expect(not long_lines, f"more than 80 columns: {long_lines}")
    usual = ["--bench", bench, "--python", python, "--rounds", "2", "--threads", "3"]
    ends(2, "'vae', expected some of tinygan, small, dcgan", ["--networks", "vae"])
    ends(2, "'7', expected some of 1, 64", ["--batch-sizes", "7"])
    ends(2, "0, expected at least 1", ["--rounds", "0"])
    ends(2, "expected above 0", ["--seconds", "nan"])
    ends(1, "build it", ["--bench", os.path.join(folder, "nowhere")])
    ends(1, "there is no interpreter", usual + ["--python", os.path.join(folder, "nowhere")])
    ends(77, "No module named 'onnxruntime'", usual, MISSING="1")
    ends(1, "the images of dcgan differ", usual, DIFFERS="1")
    ends(1, "ran on 4 threads, expected 3", usual, MORE_THREADS="1")

    rows = os.path.join(folder, "rows.jsonl")
    said = ends(0, "ONNX Runtime 1.2.3", usual + ["--networks", "small,dcgan", "--out", rows])
    table = [[cell.strip() for cell in line.split("|")[1:-1]] for line in said.splitlines() if line.startswith("| ")]
    expect(table[1:] == [[network, str(batch), "100 (80)", f"{250 * batch} ({120 * batch})", f"{2.5 * batch:.2f}",
                          f"{1.5 * batch:.2f}", "2e-07"] for network in ("small", "dcgan") for batch in (1, 64)],
           f"the table: {table}")
    with open(rows) as lines:
        found = [json.loads(line) for line in lines]
    expect([(r["network"], r["batch"], len(r["results"]["ours"]), len(r["results"]["theirs"])) for r in found] ==
           [("small", 1, 2, 2), ("small", 64, 2, 2), ("dcgan", 1, 2, 2), ("dcgan", 64, 2, 2)], f"rows: {found}")
    print("ok: compare-inference")


with tempfile.TemporaryDirectory() as scratch:
    main(scratch)
