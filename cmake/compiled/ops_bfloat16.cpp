#include <tinygan/compiled.hpp>

TINYGAN_COMPILED_AUTOGRAD(template, bfloat16)
TINYGAN_COMPILED_POINTWISE(template, bfloat16)
TINYGAN_COMPILED_OPS(template, bfloat16)
