#include <tinygan/cpu/kernel_table.hpp>

template const tinygan::KernelTable<float>& tinygan::cpu::kernel_table<float>();

template const tinygan::KernelTable<tinygan::bfloat16>& tinygan::cpu::kernel_table<tinygan::bfloat16>();
