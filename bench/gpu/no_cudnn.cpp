// Stands in for cudnn.cpp in a build without cuDNN.
#include <tinygan/base/error.hpp>

#include "contestant.hpp"

namespace tinygan::bench::gpu {

bool have_cudnn() { return false; }
std::string cudnn_version() { return "built without cuDNN"; }
Contestant cudnn_conv(const ConvProblem&) { fail("cuDNN", "this program was built without it"); }

}  // namespace tinygan::bench::gpu
