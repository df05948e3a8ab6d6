#!/usr/bin/env bash
# profile.sh DCGAN_MNIST
# TINYGAN_PROFILE: the trace of a training is JSON in which slices nest, with the kernels of every part of a step; the run is
# the same, bit for bit; a file that cannot be written ends the program before it trains, with one line, and one that cannot be
# finished is said at the end.
# Exit code 77, which CTest shows as skipped, without python3.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
command -v python3 >/dev/null || { echo "SKIPPED: no python3 to read the trace"; exit 77; }

steps=(--steps 2 --log-every 1)
plain=$(train "${tiny[@]}" "${steps[@]}" --out "$scratch/plain")
profiled=$(TINYGAN_PEAK=100,10 TINYGAN_PROFILE=$scratch/trace.json train "${tiny[@]}" "${steps[@]}" --out "$scratch/profiled")
same_end "$plain" "$profiled" "runs without and with a profile"

python3 - "$scratch/trace.json" <<'PYTHON'
import json, sys

trace = json.load(open(sys.argv[1]))
assert trace["otherData"]["peak of cpu"] == "100 GFLOP/s, 10 GB/s, given", trace["otherData"]
slices = [event for event in trace["traceEvents"] if event["ph"] == "X"]
names = {(event["pid"], event["tid"]) for event in trace["traceEvents"] if event["name"] == "thread_name"}
assert {(event["pid"], event["tid"]) for event in slices} == names
tracks = {}
for event in slices:
    begin = round(1000 * event["ts"])
    tracks.setdefault((event["pid"], event["tid"]), []).append((begin, -begin - round(1000 * event["dur"]), event["name"]))
for track in tracks.values():
    open_until = []
    for begin, negative_end, name in sorted(track):
        while open_until and open_until[-1] <= begin:
            open_until.pop()
        assert not open_until or -negative_end <= open_until[-1], name
        open_until.append(-negative_end)
kernels = {event["name"] for event in slices if event["cat"] == "kernel"}
missing = {"gather_images", "random_normal", "gemm", "conv2d", "conv2d_input_grad", "conv2d_weight_grad", "unary", "binary",
           "reduce", "adam"} - kernels
assert not missing, missing
for event in slices:
    if event["cat"] == "kernel":
        assert event["args"]["flops"] >= 0 and event["args"]["bytes"] > 0 and event["args"]["share_of_peak"] >= 0, event
assert any(event["cat"] == "backward" and event["name"] == "conv2d backward" for event in slices)
assert any(event["cat"] == "op" and event["args"]["shape"] for event in slices)
PYTHON

for bad in "$scratch/missing/trace.json" ""; do
  code=0
  said=$(TINYGAN_PROFILE=$bad "$program" train "${tiny[@]}" "${steps[@]}" --out "$scratch/bad" 2>&1 >/dev/null) || code=$?
  [[ $code == 1 && $said == *"TINYGAN_PROFILE: "* && $(wc -l <<<"$said") == 1 ]] ||
    die "TINYGAN_PROFILE='$bad': exit code $code, expected 1 and a line that names it, got: $said"
done

# A disk that is full at the end does not undo the training, and is said.
said=$(TINYGAN_PEAK=100,10 TINYGAN_PROFILE=/dev/full "$program" train "${tiny[@]}" "${steps[@]}" --out "$scratch/full" 2>&1 >/dev/null) ||
  die "TINYGAN_PROFILE=/dev/full: exit code $?"
[[ $said == *"TINYGAN_PROFILE: cannot write /dev/full"* ]] || die "TINYGAN_PROFILE=/dev/full says: $said"
echo "$test_name: ok"
