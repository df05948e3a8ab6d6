#!/usr/bin/env bash
# outputs.sh DCGAN_MNIST
# What is made of a run: samples, interpolations, exports, the report; and one clear line for every input that is no good.
. "$(dirname "$0")/common.sh"
here=$(cd "$(dirname "$0")" && pwd)

begins() {  # begins FILE HEX: the file's first bytes
  [[ $(head -c $((${#2} / 2)) "$1" | od -An -v -tx1 | tr -d ' \n') == "$2" ]] || die "$1 does not begin with the bytes $2"
}
is_png() { begins "$1" 89504e470d0a1a0a; }
is_gif() { begins "$1" 474946383961; }
frames() {  # frames GIF: a frame's control block is followed by its image
  od -An -v -tx1 "$1" | tr -d '\n' | grep -oE '21 f9 04 .. .. .. .. 00 2c' | wc -l
}
quiet() { "$program" "$@" >"$scratch/stdout" || die "dcgan_mnist $* ended with exit code $?"; }
differ() { ! cmp -s "$1" "$2" || die "$3: $1 and $2 are the same"; }

run=$(train "${tiny[@]}" --steps 12 --snapshot-every 4 --out "$scratch/runs")
model=$(checkpoint "$run")/model.safetensors
cd "$scratch"

# ---- sample --------------------------------------------------------------------------------------------------------

quiet sample "$run" --count 5 --out a.png --pngs pngs --npz a.npz
is_png a.png
begins a.npz 504b0304
[[ $(ls pngs | tr '\n' ' ') == "sample_000000.png sample_000001.png sample_000002.png sample_000003.png sample_000004.png " ]] ||
  die "sample --pngs wrote $(ls pngs)"
for weights in "$(checkpoint "$run")" "$model"; do
  quiet sample --weights "$weights" --count 5 --out b.png
  cmp a.png b.png || die "the run and $weights do not give the same images"
done
quiet sample "$run" --count 2 --threads 1 --pngs two
for image in two/*.png; do cmp "$image" "pngs/${image#two/}" || die "the first images of a seed depend on --count"; done
for option in "--seed 1" "--truncation 0.5" --raw; do
  quiet sample "$run" --count 5 $option --out b.png
  differ a.png b.png "sample $option"
done
quiet sample "$run" --count 7 --columns 1
is_png samples.png

# ---- interpolate ---------------------------------------------------------------------------------------------------

quiet interpolate "$run" --rows 3 --steps 5 --out spherical.png --gif way.gif
quiet interpolate "$run" --rows 3 --steps 5 --way linear --out linear.png
is_png spherical.png
is_gif way.gif
[[ $(frames way.gif) == 8 ]] || die "5 steps there and back are $(frames way.gif) frames, expected 8"
differ spherical.png linear.png "interpolate --way"
quiet interpolate "$run" --rows 3 --steps 2 --out spherical.png
quiet interpolate "$run" --rows 3 --steps 2 --way linear --out linear.png
cmp spherical.png linear.png || die "the ends of both ways should be the same"
quiet interpolate "$run" --rows 1 --steps 2 --from 3 --to 3 --out same.png
quiet sample "$run" --count 1 --seed 3 --out one.png
[[ -s same.png && -s one.png ]] || die "interpolate from a seed to itself wrote nothing"

# ---- export, info --------------------------------------------------------------------------------------------------

for layout in keras torch; do
  quiet export "$run" --layout $layout
  quiet info small_$layout.safetensors
  grep -q 'generator' stdout || die "info tells nothing of small_$layout.safetensors"
done
quiet export "$run" --layout onnx
quiet export "$run" --layout onnx --out named.onnx
for network in generator discriminator; do
  cmp small_$network.onnx named_$network.onnx || die "--out changes what export writes"
done
ends 1 "none/x_generator.onnx: cannot write" export "$run" --layout onnx --out none/x
quiet info "$run"
grep -q 'checkpoint of step 12 (latest): sizes and checksums are right' stdout || die "info of the run says: $(cat stdout)"
quiet info "$(checkpoint "$run")"
quiet info "$here/../fuzz/corpus/idx/images"
grep -q 'IDX file' stdout || die "info of an IDX file says: $(cat stdout)"

# ---- The report: one file, complete, harmless, true ------------------------------------------------------------------

quiet report "$run"
is_gif "$run/progress.gif"
[[ $(frames "$run/progress.gif") == 4 ]] || die "progress.gif has $(frames "$run/progress.gif") frames, expected 4"
html=$run/report.html
for piece in '<svg' 'Losses' 'What the discriminator believes' 'src="data:image/png;base64,' 'src="data:image/gif;base64,' finished; do
  grep -q -- "$piece" "$html" || die "report.html has no $piece"
done
! grep -Eqi '(src|href)="?(https?:|//|[a-z0-9_./-]+\.(png|gif|css|js))|<script|@import|url\(' "$html" ||
  die "report.html refers to something outside"
command=$(sed -n 's:.*<pre>dcgan_mnist \(.*\)</pre>.*:\1:p' "$html")
[[ -n $command ]] || die "report.html has no command"
eval "set -- $command"
"$program" "$@" --dry-run --progress none >/dev/null || die "the report's command does not run: $command"

# A run that was stopped while it wrote, by somebody with a sense of humour.
mkdir broken
sed 's/"small"/"<script>alert(1)<\/script> \& \\"quoted\\""/' "$run/options.json" >broken/options.json
{ head -n 1 "$run/stats.jsonl"; echo '{"step":2,"loss_d":null}'; head -c 40 "$run/stats.jsonl"; } >broken/stats.jsonl
head -c 100 "$run/reals.png" >broken/reals.png
echo '[1, 2' >broken/env.json
quiet report broken
! grep -q '<script' broken/report.html || die "report.html lets script through"
grep -q '&lt;script&gt;alert(1)' broken/report.html || die "report.html does not show what the options say"
mkdir bare
cp "$run/options.json" bare/
quiet report bare

# ---- What is no good -------------------------------------------------------------------------------------------------

mkdir empty
head -c 1000 "$model" >cut.safetensors
for subcommand in sample interpolate "export --layout torch"; do
  ends 1 nowhere $subcommand nowhere
  ends 1 empty $subcommand empty
  ends 1 cut.safetensors $subcommand cut.safetensors
  ends 1 small_torch.safetensors $subcommand small_torch.safetensors
  ends 2 weights $subcommand
done
ends 1 empty info empty
ends 1 nowhere info nowhere
ends 1 cut.safetensors info cut.safetensors
ends 1 stdout info stdout
ends 1 empty report empty
ends 1 'out.*null|null' sample "$run" --out /dev/null/grid.png
ends 1 null sample "$run" --pngs /dev/null/pngs
ends 2 "a grid of 300000 images" sample "$run" --count 300000 --out grid.png
ends 1 cuda:99 sample "$run" --device cuda:99
ends 2 truncation sample "$run" --truncation -1
ends 2 count sample "$run" --count 0
ends 2 steps interpolate "$run" --steps 1
ends 2 way interpolate "$run" --way scenic
ends 2 layout export "$run" --layout caffe
ends 2 layout export "$run"
overwrite "$model" -2 '\x00\x7f'
ends 1 'damaged' info "$run"
echo "outputs: ok"
