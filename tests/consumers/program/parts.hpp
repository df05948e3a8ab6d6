// What the four parts of the program - two translation units and two shared libraries - tell main() about themselves.
#pragma once

#include <vector>

#include <tinygan/autograd/variable.hpp>
#include <tinygan/tensor/tensor.hpp>

// The shared libraries hide every symbol but these where they are compiled with -fvisibility=hidden.
#define PART_OF_PROGRAM [[gnu::visibility("default")]]

/// What one part sees of the library: results must agree, and there must be one of each global.
struct Seen {
  const void* thread_pool;
  const void* memory_pool;
  const void* generator;  ///< of the thread
  const void* devices;    ///< the registry of backends
  int threads;
  std::vector<float> gradient;
};

Seen seen_by_second_unit();
PART_OF_PROGRAM Seen seen_by_library();
PART_OF_PROGRAM Seen seen_by_other_library();  ///< without a gradient: it includes tensors only

/// Recorded in the shared library: sum(w w).
PART_OF_PROGRAM tinygan::Variable<float> loss_in_library(const tinygan::Variable<float>& w);

/// Of memory that the other library allocated: 1, 2, 3.
PART_OF_PROGRAM tinygan::Tensor<float> tensor_of_other_library();
/// Makes the emulated device one of 7 that compute nothing, for everybody.
PART_OF_PROGRAM void register_in_other_library();

/// Throws tinygan::Error from inside the shared library.
PART_OF_PROGRAM void throw_in_library();
