# Usage: cuobjdump -arch sm_90a -sass FILE | awk -v architecture=sm_90a -f sass.awk
# What the machine code of kernels has to hold and must not hold, by the kernels' names. Prints each fault; exit code 1
# if there is one.
#   wgmma_*_kernel    HGMMA and UTMALDG on sm_90a; elsewhere they are empty
#   MmaTile in it     HMMA
#   others            neither HGMMA nor HMMA
#   packs in both     stores as wide as the packs: batch norm's passes, weight gradients on wgmma
#   all               no LDL or STL (local memory: spills, arrays that are not in registers), but for those in `local`
BEGIN {
  # sinf and cosf (UnaryOp 14 and 15) reduce large arguments by a table in local memory
  split("record_values_kernel unary_kernelILN.*UnaryOpE1[45]E", local)
  split("gemm_kernel gemv_dots_kernel gemv_sums_kernel outer_kernel tap_conv_kernel conv_weight_grad_kernel " \
        "wgmma_taps_kernel wgmma_weight_grad_kernel one_channel_in_kernel one_channel_out_kernel " \
        "one_channel_grad_kernel batch_norm_stats_kernel batch_norm_apply_kernel batch_norm_sums_kernel " \
        "batch_norm_backward_kernel adam_kernel", hot)
}

function fault(text) { print architecture " " name ": " text; ++faults }

function judge(   i, hopper, tensor) {
  if (name == "") return
  ++kernels
  for (i in hot) if (name ~ "[0-9]" hot[i]) found[hot[i]] = 1
  hopper = name ~ /[0-9]wgmma_[a-z_]*_kernel/
  tensor = name ~ /[0-9]MmaTile/
  if (hopper && architecture == "sm_90a") {
    if (!count["HGMMA"]) fault("no HGMMA")
    if (!count["UTMALDG"]) fault("no UTMALDG")
  } else if (count["HGMMA"] + count["UTMALDG"] > 0) {
    fault("HGMMA or UTMALDG in a kernel that is not for them")
  }
  if (tensor && !count["HMMA"]) fault("no HMMA in a kernel of mma tiles")
  if (!tensor && count["HMMA"]) fault("HMMA in a kernel without mma tiles")
  if (name ~ /batch_norm_(apply|backward)_kernelILi(8|4ELb[01]Ef)|[0-9]wgmma_weight_grad_kernel/ && !count["STG.E.128"] &&
      !(hopper && architecture != "sm_90a"))
    fault("no store of 16 bytes")
  for (i in local) if (name ~ "[0-9]" local[i]) return
  if (count["LDL"] + count["STL"] > 0) fault("local memory: " count["LDL"] + 0 " LDL, " count["STL"] + 0 " STL")
}

/^[ \t]*Function :/ { judge(); name = $3; delete count }
/STG\.E\.128/ { ++count["STG.E.128"] }
match($0, /(HGMMA|UTMALDG|HMMA|LDL|STL)[. ]/) { ++count[substr($0, RSTART, RLENGTH - 1)] }
END {
  judge()
  name = ""
  for (i in hot) if (!(hot[i] in found)) fault("there is no " hot[i])
  if (faults) exit 1
  print kernels " kernels of " architecture ": instructions as they should be"
}
