// Stands in for cublas.cpp in a build without cuBLASLt.
#include <tinygan/base/error.hpp>

#include "contestant.hpp"

namespace tinygan::bench::gpu {

bool have_cublas() { return false; }
std::string cublas_version() { return "built without cuBLASLt"; }
Contestant cublas_gemm(const GemmProblem&) { fail("cuBLASLt", "this program was built without it"); }

}  // namespace tinygan::bench::gpu
