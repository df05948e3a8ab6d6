#include <tinygan/compiled.hpp>

TINYGAN_COMPILED_NN(template, float)
TINYGAN_COMPILED_GAN(template, float)
