// Tensors in a child of fork(), whatever the parent's other threads were doing at that moment.
#include <tinygan/tensor/random.hpp>

#include <atomic>
#include <string>
#include <thread>

#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/temporary.hpp"

using namespace tinygan;
using support::error_of;
using support::status_of_child;

namespace {

bool computes() {
  Generator g(1);
  const auto a = random_uniform<float>({100000}, g);
  g.set_step(0);
  return a.to_vector() == random_uniform<float>({100000}, g).to_vector();
}

}  // namespace

TEST_CASE("a child of fork() allocates, computes and ends") {
  if (support::no_threads_after_fork) return;
  CHECK(status_of_child([] { return computes(); }) == 0);
  CHECK(status_of_child([] { return computes() && status_of_child([] { return computes(); }) == 0; }) == 0);
}

TEST_CASE("a child of fork() finds the memory pools unlocked") {
  if (support::no_threads_after_fork) return;
  std::atomic<bool> stop{false};
  // AddressSanitizer leaves its own allocator locked in a child if another thread is in it at that moment: there the
  // threads take the pools' locks without allocating.
  const auto busy = [&] {
    const MemoryPool& pool = memory_pool(Device::cpu());
    while (!stop) {
      if (support::sanitized) (void)pool.stats();
      else (void)Tensor<float>({1000});
      const GraphPrivatePool memory(Device::cpu());
    }
  };
  std::thread first(busy), second(busy);
  int failed = 0;
  for (int round = 0; round < 30; ++round) failed += status_of_child([] { return computes(); }) != 0;
  stop = true;
  first.join();
  second.join();
  CHECK(failed == 0);
  CHECK(computes());
}

TEST_CASE("a GPU belongs to the process that used it first") {
  const auto uses = [] { detail::check_same_process(Device::cuda(0)); };
  const auto refused = [&] {
    return error_of(uses) == "device cuda:0: a parent process used it before fork(), so that this process cannot; fork "
                             "before the first use";
  };
  CHECK(status_of_child([&] {
          uses();
          uses();
          return status_of_child([&] { return refused() && refused(); }) == 0 && error_of(uses).empty();
        }) == 0);
}
