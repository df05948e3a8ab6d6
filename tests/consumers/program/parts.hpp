// What the three parts of the program - two translation units and a shared library - tell main() about themselves.
#pragma once

#include <vector>

/// What one part sees of the library: results must agree, and there must be one of each global.
struct Seen {
  const void* thread_pool;
  const void* memory_pool;
  const void* generator;  ///< of the thread
  int threads;
  std::vector<float> gradient;
};

Seen seen_by_second_unit();
Seen seen_by_library();

/// Throws tinygan::Error from inside the shared library.
void throw_in_library();
