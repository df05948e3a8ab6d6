#include <tinygan/compiled.hpp>

TINYGAN_COMPILED_NN(template, bfloat16)
TINYGAN_COMPILED_GAN(template, bfloat16)
