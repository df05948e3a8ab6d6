#include <tinygan/cpu/kernel_table.hpp>

template const tinygan::KernelTable<double>& tinygan::cpu::kernel_table<double>();
