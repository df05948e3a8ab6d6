#include "kernels_once.hpp"

template const tinygan::KernelTable<float>& tinygan::cpu::kernel_table<float>();
template const tinygan::KernelTable<double>& tinygan::cpu::kernel_table<double>();
