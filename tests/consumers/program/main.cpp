// Two translation units and a shared library, all including the umbrella: one set of globals, one exception type, equal
// results.
#include <algorithm>
#include <cstdio>
#include <string>

#include "look.hpp"

namespace {

int failures = 0;

void expect(bool ok, const char* what) {
  if (ok) return;
  std::printf("FAILED: %s\n", what);
  ++failures;
}

void expect_same(const Seen& a, const Seen& b, const char* who) {
  expect(a.thread_pool == b.thread_pool, (std::string(who) + " has a thread pool of its own").c_str());
  expect(a.memory_pool == b.memory_pool, (std::string(who) + " has a memory pool of its own").c_str());
  expect(a.generator == b.generator, (std::string(who) + " has a default generator of its own").c_str());
  expect(a.threads == b.threads, (std::string(who) + " sees another number of threads").c_str());
  expect(a.gradient == b.gradient, (std::string(who) + " computes something else").c_str());
}

bool catches_error_of_library() {
  try {
    throw_in_library();
  } catch (const tinygan::Error& e) {
    return e.what() == std::string("library: thrown 1 level down");
  }
  return false;
}

}  // namespace

int main() {
  tinygan::cpu::set_threads(3);
  const Seen mine = look();
  expect(mine.threads == 3, "set_threads(3) has no effect");
  expect(std::any_of(mine.gradient.begin(), mine.gradient.end(), [](float g) { return g != 0.0f; }),
         "the gradient of a convolution is zero");
  expect_same(mine, seen_by_second_unit(), "the second translation unit");
  expect_same(mine, seen_by_library(), "the shared library");
  expect(catches_error_of_library(), "an Error thrown in the shared library is not caught as one");
  if (failures == 0) std::printf("consumer program: ok\n");
  return failures != 0;
}
