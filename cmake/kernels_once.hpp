// For programs of many files: included ahead of each, so that the CPU's kernels are compiled once, in kernels_once.cpp, and not
// again in every file that touches a tensor.
#pragma once

#include <tinygan/cpu/table.hpp>

extern template const tinygan::KernelTable<float>& tinygan::cpu::kernel_table<float>();
extern template const tinygan::KernelTable<double>& tinygan::cpu::kernel_table<double>();
