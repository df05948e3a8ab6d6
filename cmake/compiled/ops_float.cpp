#include <tinygan/compiled.hpp>

TINYGAN_COMPILED_AUTOGRAD(template, float)
TINYGAN_COMPILED_POINTWISE(template, float)
TINYGAN_COMPILED_OPS(template, float)
