// Problems of the kernels that move or erase parts of images.
#pragma once

#include <tinygan/base/shape.hpp>

namespace tinygan {

/// y[n,h,w,c] = x[n, h - sign o[n,0], w - sign o[n,1], c], 0 outside x; signs 1 and -1 are each other's adjoints.
struct TranslateDims {
  index_t N = 1, H = 1, W = 1, C = 1;
  int sign = 1;
};

/// A window of rows x columns pixels in each image; it may lie partly or wholly outside.
struct CutoutDims {
  index_t N = 1, H = 1, W = 1, C = 1, rows = 1, columns = 1;
};

}  // namespace tinygan
