// Who is measured: one computation, by tinygan or by an opponent, as something that can be queued on a stream.
#pragma once

#include <cuda_runtime.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "../../kernels/forms.hpp"
#include "problem.hpp"

namespace tinygan::bench::gpu {

/// A computation with operands of its own, in `sets` copies.
struct Contestant {
  std::string name;  ///< the implementation, and what it chose
  int sets = 0;
  std::function<void(int set, cudaStream_t)> run;
  std::function<std::vector<float>()> result;  ///< of set 0, in the layout of tinygan's output
};

/// The library's kernels: of bfloat16 elements for bf16, of float for fp32 and tf32.
Contestant tinygan_gemm(const GemmProblem&);
Contestant tinygan_conv(const ConvProblem&);

/// The library's kernels in one form.
struct FormContestant {
  forms::Form form;             ///< that is asked for
  Contestant contestant;        ///< throws Error where the form cannot compute the problem
  std::function<void()> reset;  ///< fills the result with NaN
};

/// The problem in each of the forms, and first in the one that the library chooses, all with the same operands.
std::vector<FormContestant> tinygan_forms(const GemmProblem&, std::vector<forms::Form>);
std::vector<FormContestant> tinygan_forms(const ConvProblem&, std::vector<forms::Form>);

/// Whether this program was built with the library, and its version.
bool have_cublas();
bool have_cudnn();
std::string cublas_version();
std::string cudnn_version();

/// cuBLASLt: the fastest of the algorithms its heuristics name, each tried. bf16: operands and result are bfloat16.
/// Throws Error where it has none.
Contestant cublas_gemm(const GemmProblem&);

/// cuDNN: the fastest of the algorithms that cudnnFind..., or for large problems cudnnGet..._v7, names first, in NHWC
/// and in NCHW; bf16 as above. With a bias the fused call where there is one (forward), else three calls. Throws Error
/// where it has none.
Contestant cudnn_conv(const ConvProblem&);

}  // namespace tinygan::bench::gpu
