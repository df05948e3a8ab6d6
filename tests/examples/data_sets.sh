#!/usr/bin/env bash
# data_sets.sh DCGAN_MNIST
# Training images as the sets of the MNIST family are published: in whatever folders, under whatever names, packed by
# whatever program, with labels and test files or without; and one clear line about what cannot be read.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
unset TINYGAN_MNIST

be32() { printf "\\x$(printf %02x $(($1 >> 24 & 255)))\\x$(printf %02x $(($1 >> 16 & 255)))"
         printf "\\x$(printf %02x $(($1 >> 8 & 255)))\\x$(printf %02x $(($1 & 255)))"; }
# images N, labels N HIGHEST, qmnist_labels N: an IDX file on standard output.
images() { printf '\x00\x00\x08\x03'; be32 "$1"; be32 28; be32 28; head -c $((784 * $1)) "$program"; }
labels() {
  printf '\x00\x00\x08\x01'; be32 "$1"
  for ((n = 0; n < $1; n++)); do printf "\\x$(printf %02x $((n % ($2 + 1))))"; done
}
qmnist_labels() {
  printf '\x00\x00\x0c\x02'; be32 "$1"; be32 8
  for ((n = 0; n < $1; n++)); do be32 $((n % 10)); for column in 0 3 150 1 2 0 0; do be32 $column; done; done
}
# set FOLDER [PREFIX [TEST [HIGHEST]]]: the four files of a set.
set_of() {
  mkdir -p "$1"
  images 40 >"$1/${2:-}train-images-idx3-ubyte"; labels 40 "${4:-9}" >"$1/${2:-}train-labels-idx1-ubyte"
  images 16 >"$1/${2:-}${3:-t10k}-images-idx3-ubyte"; labels 16 "${4:-9}" >"$1/${2:-}${3:-t10k}-labels-idx1-ubyte"
}
options=(--model small --batch-size 8 --statistics-images 16 --progress plain --dry-run)
# takes SOURCE DATA: training would go on 40 images from SOURCE below the scratch folder.
takes() { ends 0 "^data $scratch/$1: 40 images of 28x28" train "${options[@]}" --data "$scratch/$2"; }
refuses() { ends 1 "$2" train "${options[@]}" --data "$scratch/$1"; }

# ---- layouts --------------------------------------------------------------------------------------------------------

set_of "$scratch/plain"
takes plain plain
set_of "$scratch/torch/MNIST/raw"
mkdir "$scratch/torch/MNIST/processed"
touch "$scratch/torch/MNIST/processed/training.pt"
takes torch/MNIST/raw torch
set_of "$scratch/fashion/FashionMNIST/raw"
gzip "$scratch"/fashion/FashionMNIST/raw/*
takes fashion/FashionMNIST/raw fashion
# Each file in a folder of its name, as another archive has them.
for name in train-images-idx3 train-labels-idx1 t10k-images-idx3 t10k-labels-idx1; do
  mkdir -p "$scratch/folders/$name-ubyte" "$scratch/both/$name-ubyte"
  cp "$scratch/plain/$name-ubyte" "$scratch/folders/$name-ubyte/"
  cp "$scratch/plain/$name-ubyte" "$scratch/both/$name-ubyte/"
  cp "$scratch/plain/$name-ubyte" "$scratch/both/${name/-idx/.idx}-ubyte"
done
takes folders folders
takes both both
for letters in emnist-letters:26 emnist-balanced:46 emnist-byclass:61; do
  set_of "$scratch/${letters%:*}/gzip" "${letters%:*}-" test "${letters#*:}"
  gzip "$scratch/${letters%:*}/gzip"/*
  takes "${letters%:*}/gzip \\(${letters%:*}\\)" "${letters%:*}"
done
mkdir "$scratch/qmnist"
images 40 >"$scratch/qmnist/qmnist-train-images-idx3-ubyte"
qmnist_labels 40 >"$scratch/qmnist/qmnist-train-labels-idx2-int"
takes 'qmnist \(qmnist\)' qmnist

# ---- what is there is enough ----------------------------------------------------------------------------------------

mkdir "$scratch/images"
cp "$scratch/plain/train-images-idx3-ubyte" "$scratch/images/"
takes images images
cp -r "$scratch/plain" "$scratch/bad_labels"
labels 3 255 >"$scratch/bad_labels/train-labels-idx1-ubyte"
takes bad_labels bad_labels  # nobody reads them
(cd "$scratch" && mkdir data && cp -r images data/mnist && ends 0 "^data $scratch/data/mnist: 40" train "${options[@]}")
TINYGAN_MNIST=$scratch/torch ends 0 "^data $scratch/torch/MNIST/raw: 40" train "${options[@]}"
rm "$scratch/images/train-images-idx3-ubyte"
cp "$scratch/plain"/t10k* "$scratch/plain"/train-labels* "$scratch/images/"
refuses images "no train-images in $scratch/images; looked for train-images-idx3-ubyte.gz"

# ---- several sets ---------------------------------------------------------------------------------------------------

set_of "$scratch/several" emnist-digits- test
set_of "$scratch/several" emnist-letters- test 26
refuses several "several data sets in $scratch/several: emnist-digits-train-images-idx3-ubyte, emnist-letters-train-"
takes 'several \(emnist-letters\)' several/emnist-letters-train-images-idx3-ubyte
run=$(train --model small --batch-size 8 --statistics-images 16 --progress none --learning-rate-decay 0 --steps 1 --out "$scratch/runs" \
  --data "$scratch/several/emnist-letters-train-images-idx3-ubyte")
train --resume "$run" --steps 2 --progress none >/dev/null
set_of "$scratch/several"
takes several several  # MNIST's own names

# ---- packed ---------------------------------------------------------------------------------------------------------

# packed NAME: standard input as the images of $scratch/NAME, with which training goes on.
packed() { mkdir "$scratch/$1"; cat >"$scratch/$1/train-images-idx3-ubyte.gz"; }
file=$scratch/plain/train-images-idx3-ubyte
{ head -c 5000 "$file" | gzip; tail -c +5001 "$file" | gzip -1; } | packed members && takes members members
{ gzip -c "$file"; head -c 512 /dev/zero; } | packed padded && takes padded padded
{ head -c 5000 "$file" | gzip; head -c 7 /dev/zero; tail -c +5001 "$file" | gzip; printf '\0'; } | packed tape
takes tape tape
{ gzip -c "$file"; head -c 9 /dev/zero; echo more; } | packed junk
refuses junk "junk/train-images-idx3-ubyte.gz: 5 bytes follow the gzip data, expected none"
gzip -c "$file" | gzip | packed twice
refuses twice "not an IDX file: it begins with 1F 8B 08 .*; it seems to be a gzip file"

# ---- folders of images ----------------------------------------------------------------------------------------------

run=$(train "${tiny[@]}" --steps 1 --out "$scratch/runs")
"$program" sample "$run" --count 40 --pngs "$scratch/png" >/dev/null
touch "$scratch/png/.hidden.png" "$scratch/png/notes.txt"
takes png png
mkdir -p "$scratch/classes/b" "$scratch/classes/a" "$scratch/classes/empty"
cp "$scratch"/png/*[0-4].png "$scratch/classes/b"
for image in "$scratch"/png/*[5-9].png; do cp "$image" "$scratch/classes/a/$(basename "$image" .png).PNG"; done
takes classes classes
# Resuming compares the images.
run=$(train --model small --batch-size 8 --statistics-images 16 --progress none --learning-rate-decay 0 --steps 1 --out "$scratch/runs" --data "$scratch/png")
train --resume "$run" --steps 2 --progress none >/dev/null
cp "$scratch/png/sample_000000.png" "$scratch/png/sample_000001.png"
ends 1 "has the MD5 sum" train --resume "$run" --steps 3
# And a conditional run the labels.
cp -r "$scratch/plain" "$scratch/relabelled"
conditional=(--conditional --model small --batch-size 8 --statistics-images 16 --progress none --learning-rate-decay 0)
run=$(train "${conditional[@]}" --steps 1 --out "$scratch/runs" --data "$scratch/relabelled")
train --resume "$run" --steps 2 --progress none >/dev/null
printf '\x05' | dd of="$scratch/relabelled/train-labels-idx1-ubyte" bs=1 seek=8 conv=notrunc status=none
ends 1 "the labels of .*relabelled.* have the MD5 sum" train --resume "$run" --steps 3
# A file that does not fit, by name.
red_pixel=iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC
refuses_beside() { # refuses_beside FILE PATTERN: standard input as FILE beside the others
  cat >"$scratch/png/$1"
  refuses png "$scratch/png/$1: $2"
  rm "$scratch/png/$1"
}
base64 -d <<<"$red_pixel" | refuses_beside z_red.png "is 1x1x3, expected 28x28x1 like $scratch/png/sample_000000.png"
refuses_beside z_grid.png 'is [0-9]+x233x1, expected 28x28x1 like' <"$run/reals.png"
echo text | refuses_beside z_text.png 'not a PNG file: '
head -c 150 "$scratch/png/sample_000002.png" | refuses_beside z_cut.png 'a damaged PNG file: '
# JPEG files: blocks of 8x8 pixels at 0, 255, 128 and 64, which a DCT keeps exactly, and the same pixels as a PNG file.
blocks_jpg=/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQH/wAALCA
blocks_jpg+=AcABwBAREA/8QAFQABAQAAAAAAAAAAAAAAAAAACgv/xAAUEAEAAAAAAAAAAAAAAAAAAAAA/9oACAEBAAA/AJ/6/wAADj/kAD/j/r/CAOv8ADj/AJAA/wCP+v8AD//Z
blocks_png=iVBORw0KGgoAAAANSUhEUgAAABwAAAAcCAAAAABXZoBIAAAAAXNSR0IArs4c6QAAAC9JREFUKJFjZICC/1C6EUofYGBgYGLAA4aWJGMDlHEAjf4/QA6ilT
blocks_png+=9hjNH4pLqdAA3gCrNuyy0sAAAAAElFTkSuQmCC
cmyk=/9j/7gAOQWRvYmUAZAAAAAAA/9sAQwABAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB/8AAFAgACA
cmyk+=AIBEMRAE0RAFkRAEsRAP/EABQAAQAAAAAAAAAAAAAAAAAAAAr/xAAUEAEAAAAAAAAAAAAAAAAAAAAA/9oADgRDAE0AWQBLAAA/AHUHUHUHUP/Z
rgb=/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQH/2wBDAQ
rgb+=EBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQH/wAARCAAIAAgDAREAAhEBAxEB/8QAFAABAAAAAAAA
rgb+=AAAAAAAAAAAACv/EABQQAQAAAAAAAAAAAAAAAAAAAAD/xAAUAQEAAAAAAAAAAAAAAAAAAAAA/8QAFBEBAAAAAAAAAAAAAAAAAAAAAP/aAAwDAQACEQMRAD8ACeD/2Q
rgb+===
mkdir "$scratch/jpg" "$scratch/blocks"
base64 -d <<<"$blocks_jpg" >"$scratch/jpg/a.JPG"
base64 -d <<<"$blocks_png" >"$scratch/blocks/a.png"
pixels_of() { "$program" info "$scratch/$1" 2>&1 | grep -o '[0-9]* images of .*' || "$program" info "$scratch/$1" 2>&1 || true; }
if [[ $(pixels_of jpg) == *"a.JPG: is a JPEG file, and this program was built without libjpeg"* ]]; then
  echo "NOT testing JPEG files: the program was built without libjpeg"
else
  [[ $(pixels_of jpg) == *28x28* && $(pixels_of jpg) == "$(pixels_of blocks)" ]] ||
    die "the JPEG file is $(pixels_of jpg), the PNG file $(pixels_of blocks)"
  cp "$scratch/jpg/a.JPG" "$scratch/png/z.jpeg"
  ends 0 "^data $scratch/png: 41 images of 28x28" train "${options[@]}" --data "$scratch/png"
  rm "$scratch/png/z.jpeg"
  base64 -d <<<"$rgb" | refuses_beside z_rgb.jpg "is 8x8x3, expected 28x28x1 like $scratch/png/sample_000000.png"
  base64 -d <<<"$cmyk" | refuses_beside z_cmyk.jpg 'has 4 colour components'
  head -c 170 "$scratch/jpg/a.JPG" | refuses_beside z_cut.jpg 'a damaged JPEG file: '
  head -c 20 "$scratch/jpg/a.JPG" | refuses_beside z_head.jpg 'a damaged JPEG file: '
fi
mkdir "$scratch/without"
refuses without "no train-images in $scratch/without"

# ---- stacked digits -------------------------------------------------------------------------------------------------

for where in "stacked:$scratch/plain" stacked:strokes; do
  ends 0 "^data stacked .*: 60 images of 28x28x3, md5" train "${options[@]}" --data "$where" --images 60
done
TINYGAN_MNIST=$scratch/torch ends 0 "^data stacked $scratch/torch/MNIST/raw: 128000 images of 28x28x3" \
  train "${options[@]}" --data stacked
ends 1 "$scratch/png is a folder of images, expected digits to stack" train "${options[@]}" --data "stacked:$scratch/png"

# ---- info -----------------------------------------------------------------------------------------------------------

prints() { "$program" info "$scratch/$1" >"$scratch/stdout" || die "info $1 ended with $?"
           grep -qE -- "$2" "$scratch/stdout" || die "info $1 has no '$2': $(cat "$scratch/stdout")"; }
prints torch "^  40 images of 28x28, 40 labels"
prints emnist-letters "^  images per class 0 to 26: 2 2 2 2 2 2 2 2 2 2 2 2 2 1"
prints qmnist "^  images per class 0 to 9: 4 4 4 4 4 4 4 4 4 4$"
prints qmnist "^qmnist test:"
prints qmnist/qmnist-train-labels-idx2-int "IDX file of 32-bit integers, shape \\(40, 8\\)"
prints png "^  40 images of 28x28, MD5 of all pixels [0-9a-f]{32}$"
prints classes "^  images per class 0 to 1: 20 20$"
ends 1 "or a folder of PNG or JPEG images" info "$scratch/without"
ends 1 "bad_labels: holds a damaged data set" info "$scratch/bad_labels"
grep -q "has 3 labels for the 40 images" "$scratch/stdout" ||
  die "info does not say what is wrong: $(cat "$scratch/stdout")"

# weights NAME HEADER BYTES: a safetensors file of zeros.
weights() {
  local n=${#2}
  {
    printf "\\x$(printf %02x $((n & 255)))\\x$(printf %02x $((n >> 8)))\\0\\0\\0\\0\\0\\0%s" "$2"
    head -c "$3" /dev/zero
  } >"$scratch/$1.safetensors"
}
a='"a":{"dtype":"F8_E5M2","shape":[4],"data_offsets":[0,4]}'
weights eights "{$a,\"b\":{\"dtype\":\"F4\",\"shape\":[2,3],\"data_offsets\":[4,7]}}" 7
prints eights.safetensors "^  a  F8_E5M2  \\(4\\)$"
prints eights.safetensors "^  b: 6 numbers$"
weights null '{"__metadata__":null,"s":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}' 4
prints null.safetensors "^  s  F32   \\(\\)$"
weights unknown '{"w":{"dtype":"I5","shape":[8],"data_offsets":[0,5],"more":{"x":[1,null]}}}   ' 5
prints unknown.safetensors "^  w  I5    \\(8\\)$"

# ---- files that are no weights --------------------------------------------------------------------------------------

no_weights() {
  ends 1 "$scratch/$1: not a safetensors file: it seems to be $2" sample --weights "$scratch/$1" --out "$scratch/x.png"
}
echo "step 100: loss 0.25" >"$scratch/log.safetensors"
no_weights log.safetensors "text \\(it begins with 'step 100: loss 0.25\\?'\\)"
printf 'PK\x03\x04\x14\0\0\0\0\0' >"$scratch/model.pt"
no_weights model.pt "a zip archive"
printf '\x89HDF\r\n\x1a\n\0\0' >"$scratch/model.h5"
no_weights model.h5 "an HDF5 file"
gzip -c "$file" >"$scratch/model.gz"
no_weights model.gz "a gzip file"
no_weights plain/train-images-idx3-ubyte "an IDX file"

echo "$test_name: ok"
