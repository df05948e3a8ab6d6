// Included ahead of every test of the layers above the kernels: the CPU's kernels are compiled once, in kernels_once.cpp,
// and not again in each test that touches a tensor.
#pragma once

#include <tinygan/cpu/table.hpp>

extern template const tinygan::KernelTable<float>& tinygan::cpu::kernel_table<float>();
extern template const tinygan::KernelTable<double>& tinygan::cpu::kernel_table<double>();
