#!/usr/bin/env bash
# sanitizers.sh CXX
# ThreadSanitizer sees races of CUDA threads on the emulated device, within a block and between blocks, and AddressSanitizer
# accesses beyond shared and global memory; neither has anything to say about a correct kernel.
. "$(dirname "${BASH_SOURCE[0]}")/../consumers/common.sh"
kernels=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
compile=("$1" "${strict_flags[@]}" -O1 -g1 -pthread -I "$root/include" "$kernels/sanitizers.cpp")
plain=()
# ThreadSanitizer before g++ 14 cannot place its shadow memory where the kernel randomises addresses by more than 28 bits.
if setarch -R true 2>/dev/null; then plain=(setarch -R); fi

"${compile[@]}" -fsanitize=thread -o "$scratch/thread"
"${compile[@]}" -fsanitize=address -o "$scratch/address"

silent() {  # silent PROGRAM WHAT
  if ! "${plain[@]}" "$scratch/$1" "$2" >"$scratch/out" 2>&1; then
    echo "$1: a report about a correct kernel:"; cat "$scratch/out"; exit 1
  fi
}
reported() {  # reported PROGRAM WHAT EXPECTED
  if "${plain[@]}" "$scratch/$1" "$2" >"$scratch/out" 2>&1 || ! grep -q "$3" "$scratch/out"; then
    echo "$1: no report of '$3' about $2:"; cat "$scratch/out"; exit 1
  fi
}

silent thread clean
reported thread missing_barrier "data race"
reported thread between_blocks "data race"
silent address clean
reported address beyond_shared "use-after-poison"
reported address beyond_global "heap-buffer-overflow"
echo "races and overruns of emulated kernels are reported, correct kernels are not"
