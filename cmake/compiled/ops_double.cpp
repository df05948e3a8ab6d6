#include <tinygan/compiled.hpp>

TINYGAN_COMPILED_AUTOGRAD(template, double)
TINYGAN_COMPILED_POINTWISE(template, double)
TINYGAN_COMPILED_OPS(template, double)
