#!/usr/bin/env bash
# documented_options.sh DCGAN_MNIST
# Options that README and docs name exist: those of a `dcgan_mnist COMMAND` in that command's --help, those of a script or a benchmark in
# its source, any other in one of these. Files of the repository that they name, and links, lead somewhere.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"
bad=0
wrong() { echo "$*"; bad=1; }

commands=(train sample generate interpolate evaluate export info report)
for command in "${commands[@]}"; do "$program" "$command" --help >"$scratch/$command.help"; done
"$program" --help >"$scratch/program.help"
cat scripts/train-mnist scripts/lib.sh "$scratch/train.help" >"$scratch/train-mnist.help"  # it hands on the trainer's options

# Of CMake, CTest, TensorBoard, nvcc, Google Benchmark, pkg-config, vcpkg and Conan.
others=' --cflags --libs --variable --overlay-ports --no-binarycaching --output-folder --build --install --preset --workflow --target --test-dir --output-on-failure --logdir --coverage --benchmark --use --expt-relaxed-constexpr '
pages=(README.md CONTRIBUTING.md docs/*.md docs/kernels/*.md)

options() { grep -oE -- '--[a-z][a-z0-9-]*[a-z0-9]' <<<"$1" | sort -u || true; }
has() { grep -qE -- "$1([^a-z0-9-]|\$)" "${@:2}"; }

# ---- Options of a named program ------------------------------------------------------------------------------------------

checked=0
while IFS=: read -r page line text; do
  if [[ $text =~ ^dcgan_mnist\ ([a-z]+) ]]; then
    sources=("$scratch/${BASH_REMATCH[1]}.help")
    [[ -e ${sources[0]} ]] || { wrong "$page:$line: dcgan_mnist has no command ${BASH_REMATCH[1]}"; continue; }
  elif [[ $text == *train-mnist* ]]; then
    sources=("$scratch/train-mnist.help")
  elif [[ $text =~ scripts/([a-z-]+) ]]; then
    name=${BASH_REMATCH[1]}
    [[ -x scripts/$name ]] || { wrong "$page:$line: there is no scripts/$name"; continue; }
    mapfile -t sources < <(find "scripts/$name" "scripts/${name//-/_}" scripts/*.py -type f 2>/dev/null)
  else
    mapfile -t sources < <(find bench -name '*.[hc]pp')
  fi
  for option in $(options "$text"); do
    ((++checked))
    [[ $others == *" $option "* ]] || has "$option" "${sources[@]}" || wrong "$page:$line: $option is no option of: $text"
  done
done < <(grep -noE '(dcgan_mnist [a-z]+|(scripts/)?train-mnist|scripts/[a-z-]+|bench_[a-z]+) [^`|]*--[a-z][^`|]*' "${pages[@]}")
((checked >= 60)) || wrong "only $checked options of named programs were found"

# ---- Any other option ----------------------------------------------------------------------------------------------------

mapfile -t sources < <(find scripts bench -type f)
while IFS=: read -r page line option; do
  [[ $others == *" $option "* ]] || has "$option" "$scratch"/*.help "${sources[@]}" || wrong "$page:$line: no program has the option $option"
done < <(grep -noE -- '--[a-z][a-z0-9-]*[a-z0-9]' "${pages[@]}")

# ---- Files ---------------------------------------------------------------------------------------------------------------

# Programs by the name of their source; tests and pages without tests/ or docs/ before them.
while IFS=: read -r page line path; do
  [[ -e $path || -e $path.cpp || -e tests/$path || -e docs/$path ]] || wrong "$page:$line: there is no $path"
done < <(grep -noP '(?<![\w/.-])(scripts|examples|tests|cmake|bench|kernels|include/tinygan)/[\w./-]*\w' "${pages[@]}")

# ---- Links between pages -------------------------------------------------------------------------------------------------

# headings PAGE: the anchors of its headings, as GitHub makes them.
headings() { sed -n 's/^##* //p' "$1" | tr '[:upper:]' '[:lower:]' | sed 's/[^a-z0-9 _-]//g; s/ /-/g'; }
while IFS=: read -r page line link; do
  link=${link#\](}
  file=${link%%#*}
  [[ $link != http* ]] || continue
  target=$page
  [[ -z $file ]] || target=$(dirname "$page")/$file
  [[ -e $target ]] || { wrong "$page:$line: the link to $file leads nowhere"; continue; }
  [[ $link != *'#'* ]] || headings "$target" | grep -qx -- "${link#*#}" || wrong "$page:$line: $target has no heading for #${link#*#}"
done < <(grep -noE '\]\([^) ]+\)' "${pages[@]}" | sed 's/)$//')

((bad == 0)) || die "documents name what there is not"
echo "documented_options: ok"
