#include <tinygan/compiled.hpp>

TINYGAN_COMPILED_NN(template, double)
TINYGAN_COMPILED_GAN(template, double)
