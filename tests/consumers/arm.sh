#!/usr/bin/env bash
# arm.sh
# The CPU kernels on 64-bit ARM, by a cross compiler and an emulator: the right values on both of its instruction sets, errors by
# name for those of x86, and an inner loop that keeps the accumulators of its tile in registers.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
compiler=aarch64-linux-gnu-g++ libraries=/usr/aarch64-linux-gnu
command -v $compiler >/dev/null || { echo "SKIPPED: no $compiler, which Debian has as g++-aarch64-linux-gnu"; exit 77; }
emulator=$(command -v qemu-aarch64 || command -v qemu-aarch64-static) ||
  { echo "SKIPPED: no qemu-aarch64, which Debian has as qemu-user"; exit 77; }

# The option fuses products with sums, as -O2 does, in half the time of -O2.
compile=($compiler "${strict_flags[@]}" -O1 -fexpensive-optimizations -pthread -I "$root/include")
"${compile[@]}" -I "$here/arm" -I "$root/tests" "$here/arm/kernels.cpp" -o "$scratch/kernels"
run() { "$emulator" -L $libraries "$@"; }
run "$scratch/kernels"

says() {  # says EXPECTED SET: the error of a choice that the processor does not have
  local found
  found=$(TINYGAN_CPU_ISA=$2 run "$scratch/kernels" 2>&1 || true)
  [[ $found == *"$1"* ]] || die "TINYGAN_CPU_ISA=$2: expected '$1', found: $found"
}
says "TINYGAN_CPU_ISA: 'avx2', but this processor has no AVX2; its best is NEON" avx2
says "TINYGAN_CPU_ISA: 'sse', expected portable, avx2, avx512 or neon" sse

# The inner loop of the tile: a stretch between a branch and its target, with the multiply-adds of 24 accumulators for one k or more,
# and no vector of the stack.
cat >"$scratch/tile.cpp" <<'TEXT'
#include <tinygan/cpu/microkernel.hpp>
template void tinygan::cpu::detail::run_whole_tile<float>(const tinygan::cpu::Tile<float>&, int, tinygan::index_t);
TEXT
"${compile[@]}" -O2 -c "$scratch/tile.cpp" -o "$scratch/tile.o"
aarch64-linux-gnu-objdump -dC --no-show-raw-insn "$scratch/tile.o" | awk '
  />:$/ { inside = /run_neon<.*run_whole_tile/; lines = 0; next }
  !inside { next }
  { sub(/:$/, "", $1); text[++lines] = $0; place[$1] = lines }
  $2 ~ /^(b|b\..*|cbn?z)$/ {
    target = place[$2 ~ /^cb/ ? $4 : $3]
    if (!target) next
    products = spills = 0
    for (i = target; i <= lines; ++i) {
      if (text[i] ~ / fmla /) ++products
      if (text[i] ~ / (ld|st)[rp] q.*\[sp/) ++spills
    }
    if (products < 24 || products % 24 || lines - target > 2 * products) next
    ++loops
    if (spills) { print "a loop of " products " multiply-adds has " spills " spilled vectors"; bad = 1 }
  }
  END { print loops + 0 " inner loops of 24 multiply-adds a k"; exit bad || loops < 2 }' ||
  die "the tile of the micro-kernel does not stay in registers"
