#!/usr/bin/env bash
# report.sh DCGAN_MNIST
# The report's section on the quality of the images, from files as `evaluate` and --eval-every write them.
. "$(dirname "$0")/common.sh"

html() { "$program" report "$run" >/dev/null || die "report ended with exit code $?"; cat "$run/report.html"; }
has() {  # has PATTERN...: the report has lines that match each
  local pattern
  html >"$scratch/html"
  for pattern; do grep -qE -- "$pattern" "$scratch/html" || die "report.html has no $pattern"; done
}
has_not() { html >"$scratch/html"; ! grep -qE -- "$1" "$scratch/html" || die "report.html has $1"; }
count() { html | grep -oE -- "$1" | wc -l; }

run=$(train "${tiny[@]}" --steps 12 --out "$scratch/runs")
pictures=$(count '<img')
has_not 'How good the pictures are'

# ---- Evaluations during training: curves and the last rows -------------------------------------------------------------

for step in $(seq 15); do
  echo "{\"step\":$step,\"rho\":$((40 - step)).5,\"frechet_train\":70.5,\"frechet_test\":71,\"coverage\":0.5,\"other\":\"<i>\"}"
done >"$run/metrics.jsonl"
has 'How good the pictures are' 'aria-label="rho over step"' 'aria-label="share of real images over step"' '<line class="reference"' \
  '<th>Frechet distance</th>' '<th>other</th>' '<td>&lt;i&gt;</td>' '<td>25\.50</td>' '<b>25\.5</b><span>rho'
[[ $(count '<td>&lt;i&gt;</td>') == 12 ]] || die "expected the last 12 of 15 evaluations"
has_not 'class="figures"|from the test set'  # the latter belongs to the figure above it

# ---- An evaluation of the run ------------------------------------------------------------------------------------------

mkdir "$run/evaluation"
for name in generated real classes neighbours; do cp "$run/reals.png" "$run/evaluation/$name.png"; done
evaluation() { cat >"$run/evaluation/evaluation.json"; }
evaluation <<'END'
{"source": "a run", "step": "8", "averaged": true, "seed": 77, "samples": 1000,
 "metrics": {"rho": 2.13, "frechet_train": 12.5, "frechet_split": null, "class_divergence": 0.0125, "coverage": 0.875},
 "floors": {"rho": 1, "frechet_train": 5.9, "frechet_split": 3.25, "coverage": 0.969, "class_divergence": 0.0004, "class_divergence_95": 0.0083},
 "classes": [90, 110, 100, 100, 0, 200, 100, 100, 100, 100], "prior": [10, 10, 10, 10, 10, 10, 10, 10, 10, 10],
 "warnings": ["the classifier <b>does not fit</b>"]}
END
has '<b>2\.13</b> times as far .*class="good">close to real ones' '<b>87\.5 %</b> of the real ones; as many real images reach 96\.9 %' \
  'Measured on 1000 images of step 8, drawn by the averaged weights, seed 77\. Training has gone on to step 12 since' \
  '<th>rho</th><td>2\.13</td><td>1\.00</td>' '<th class="part">sampling alone</th><td>–</td><td>3\.250</td>' \
  'Kullback-Leibler divergence 0\.013 nats; chance alone stays below 0\.0083 in 95 of 100' 'aria-label="images over class"' \
  'Class by class' 'Are they copies' '<b>2\.13</b><span>rho' 'the classifier &lt;b&gt;does not fit&lt;/b&gt;'
[[ $(count '<img') == $((pictures + 4)) ]] || die "expected four pictures of the evaluation"
[[ $(count '<rect class="c[01]"') == 20 ]] || die "expected two bars for each of ten classes"
[[ $(grep -c '<tr><th>coverage' "$scratch/html") == 1 && $(grep -A1 '<tr><th>rho' "$scratch/html") == *'<th>coverage'* ]] ||
  die "rho and coverage are not the first rows"
has_not '<th[^>]*>recall</th>'  # a figure that the file lacks

# The step of the run's end: nothing has gone on since.
sed -i 's/"step": "8"/"step": "12"/' "$run/evaluation/evaluation.json"
has_not 'Training has gone on'

# ---- Files that are damaged, or written by somebody else ----------------------------------------------------------------

head -c 100 "$run/reals.png" >"$run/evaluation/real.png"  # embedded as it is: the browser says so
rm "$run/evaluation/neighbours.png"
has_not 'Are they copies'
rm "$run/evaluation/classes.png"
mkdir "$run/evaluation/classes.png"
has 'What is missing from this report' 'classes.png: is a directory'
echo '{"metrics": [1], "floors": 3, "classes": [1, -2], "prior": "x", "warnings": {"a": 1}, "samples": "<script>"}' | evaluation
has 'How good the pictures are'
has_not 'aria-label="images over class"|<script|class="figures"'
for counts in '[1, 2], "prior": [1]' '[1, "2"], "prior": [1, 1]' '[1, 2], "prior": [0, 0]' '[1e308, 1e308], "prior": [1, 1]' '[], "prior": []'; do
  echo "{\"metrics\": {\"rho\": 60}, \"classes\": $counts}" | evaluation
  has '<b>60</b> times .*class="bad"'
  has_not 'aria-label="images over class"'
done
echo '[1, 2]' | evaluation
has 'evaluation.json is not a JSON object'
rm "$run/metrics.jsonl"
has_not 'How good the pictures are'
echo "report: ok"
