// Where the tests' own files lie.
#pragma once

#include <string>

/// Path of a file in tests/, for example test_file("golden/adam.safetensors"). Defined in main.cpp, the one file that knows
/// the source folder, so that a compiler cache serves all others to any checkout.
std::string test_file(const std::string& name);
