// The same look at the library, compiled into every part from inline functions and templates of the headers.
#pragma once

#include <tinygan/tinygan.hpp>

#include "parts.hpp"

static Seen look() {
  Seen seen{&tinygan::cpu::thread_pool(), tinygan::cpu::threads(), std::vector<double>(1000)};
  tinygan::cpu::parallel_for(1000, 64, [&](tinygan::index_t begin, tinygan::index_t end) {
    for (tinygan::index_t i = begin; i < end; ++i)
      seen.squares[static_cast<std::size_t>(i)] = static_cast<double>(i) * static_cast<double>(i);
  });
  return seen;
}
