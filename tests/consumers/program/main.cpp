// Two translation units and two shared libraries, all including tinygan: one set of globals, one exception type, equal
// results, tensors and gradients that go from one to the other.
#include <algorithm>
#include <cstdio>
#include <string>

#include <sys/wait.h>
#include <unistd.h>

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
  expect(a.devices == b.devices, (std::string(who) + " has a registry of devices of its own").c_str());
  expect(a.threads == b.threads, (std::string(who) + " sees another number of threads").c_str());
}

bool catches_error_of_library() {
  try {
    throw_in_library();
  } catch (const tinygan::Error& e) {
    return e.what() == std::string("library: thrown 1 level down");
  }
  return false;
}

/// Whether a child of fork() computes: the handlers of a second copy of the library would lock its mutexes once more.
bool forks() {
  const pid_t child = fork();
  if (child == 0) {
    alarm(60);
    _exit(look().threads == 3 ? 0 : 1);
  }
  int status = 0;
  return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace

int main() {
  tinygan::cpu::set_threads(3);
  const Seen mine = look();
  expect(mine.threads == 3, "set_threads(3) has no effect");
  expect(std::any_of(mine.gradient.begin(), mine.gradient.end(), [](float g) { return g != 0.0f; }),
         "the gradient of a convolution is zero");
  const Seen second = seen_by_second_unit(), library = seen_by_library();
  expect_same(mine, second, "the second translation unit");
  expect_same(mine, library, "the shared library");
  expect_same(mine, seen_by_other_library(), "the other shared library");
  expect(mine.gradient == second.gradient, "the second translation unit computes something else");
  expect(mine.gradient == library.gradient, "the shared library computes something else");

  // A leaf of the other library's memory, a loss of the first library's tape, differentiated here.
  const tinygan::Variable<float> w(tensor_of_other_library(), /*requires_grad=*/true);
  expect(tinygan::grad(loss_in_library(w), {w})[0].value().to_vector() == std::vector<float>{2, 4, 6},
         "the gradient of the library's loss at the other library's tensor is wrong");
  expect(!tinygan::has_backend(tinygan::DeviceType::emulated), "there is an emulated device");
  register_in_other_library();
  expect(tinygan::backend({tinygan::DeviceType::emulated, 6}).count() == 7,
         "the device that the other library registers is not there");
  expect(catches_error_of_library(), "an Error thrown in the shared library is not caught as one");
  alarm(60);
  expect(forks(), "a child of fork() does not compute");
  if (failures == 0) std::printf("consumer program: ok\n");
  return failures != 0;
}
