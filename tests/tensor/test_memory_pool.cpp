#include <tinygan/tensor/memory_pool.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <random>

#include "support/catch.hpp"
#include "support/temporary.hpp"

using tinygan::MemoryPool;

namespace {

constexpr std::size_t segment = std::size_t{2} << 20;

/// The system's memory, given back at the end of the program.
void* system_memory(std::size_t bytes, int) {
  struct Free {
    void operator()(void* p) const { std::free(p); }
  };
  static std::vector<std::unique_ptr<void, Free>> segments;
  segments.emplace_back(std::aligned_alloc(MemoryPool::alignment, bytes));
  return segments.back().get();
}

}  // namespace

TEST_CASE("blocks are rounded up to the alignment and do not overlap") {
  MemoryPool pool(&system_memory, 0);
  MemoryPool::Block *a = pool.allocate(1), *b = pool.allocate(257), *c = pool.allocate(0);
  CHECK(a->size == 256);
  CHECK(b->size == 512);
  CHECK(c->size == 256);
  CHECK(b->data == a->data + 256);
  CHECK(c->data == b->data + 512);
  CHECK(pool.stats().in_use == 1024);
  CHECK(pool.stats().reserved == segment);
  CHECK(pool.stats().system_allocations == 1);
}

TEST_CASE("the smallest block that fits is taken") {
  MemoryPool pool(&system_memory, 0);
  MemoryPool::Block* large = pool.allocate(4096);
  pool.allocate(256);  // keeps the free ones apart
  MemoryPool::Block* small = pool.allocate(1024);
  pool.allocate(256);
  std::byte *at_large = large->data, *at_small = small->data;
  pool.release(large);
  pool.release(small);
  CHECK(pool.allocate(1000)->data == at_small);
  CHECK(pool.allocate(1000)->data == at_large);  // split: the rest follows
  CHECK(pool.allocate(3000)->data == at_large + 1024);
}

TEST_CASE("freed neighbours merge, whatever the order") {
  for (const std::array<int, 3>& order : {std::array{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}}) {
    MemoryPool pool(&system_memory, 0);
    MemoryPool::Block* blocks[3] = {pool.allocate(512), pool.allocate(512), pool.allocate(512)};
    MemoryPool::Block* guard = pool.allocate(segment - 3 * 512);  // the rest of the segment
    std::byte* start = blocks[0]->data;
    for (int i : order) pool.release(blocks[i]);
    MemoryPool::Block* all = pool.allocate(3 * 512);
    CHECK(all->data == start);
    CHECK(pool.stats().system_allocations == 1);
    pool.release(all);
    pool.release(guard);
    CHECK(pool.allocate(segment)->data == start);
    CHECK(pool.stats().system_allocations == 1);
  }
}

TEST_CASE("a repeated sequence gets the same addresses and asks the system for nothing") {
  MemoryPool pool(&system_memory, 0);
  const auto step = [&] {
    std::vector<std::byte*> addresses;
    std::vector<MemoryPool::Block*> held;
    std::mt19937 bits(5);
    for (int i = 0; i < 300; ++i) {
      if (held.size() > 20 || (bits() % 3 == 0 && !held.empty())) {
        const std::size_t at = bits() % held.size();
        pool.release(held[at]);
        held.erase(held.begin() + static_cast<std::ptrdiff_t>(at));
      }
      held.push_back(pool.allocate(bits() % 500000));
      addresses.push_back(held.back()->data);
    }
    for (MemoryPool::Block* block : held) pool.release(block);
    return addresses;
  };
  const auto first = step();
  const auto stats = pool.stats();
  const auto second = step();
  CHECK(step() == second);
  CHECK(pool.stats().system_allocations == stats.system_allocations);
  CHECK(pool.stats().reserved == stats.reserved);
  CHECK(pool.stats().in_use == 0);
}

TEST_CASE("random traffic never hands out a byte twice, and all of it comes back") {
  MemoryPool pool(&system_memory, 0);
  std::mt19937 bits(9);
  std::vector<MemoryPool::Block*> held;
  std::size_t in_use = 0;
  const auto overlaps = [&](const MemoryPool::Block* block) {
    for (const MemoryPool::Block* other : held)
      if (block->data < other->data + other->size && other->data < block->data + block->size) return true;
    return false;
  };
  for (int i = 0; i < 2000; ++i) {
    if (bits() % 2 == 0 && !held.empty()) {
      const std::size_t at = bits() % held.size();
      in_use -= held[at]->size;
      pool.release(held[at]);
      held.erase(held.begin() + static_cast<std::ptrdiff_t>(at));
    } else {
      MemoryPool::Block* block = pool.allocate(bits() % (i % 50 == 0 ? 3 * segment : 10000));
      REQUIRE_FALSE(overlaps(block));
      held.push_back(block);
      in_use += block->size;
    }
    REQUIRE(pool.stats().in_use == in_use);
  }
  for (MemoryPool::Block* block : held) pool.release(block);
  CHECK(pool.stats().in_use == 0);
}

TEST_CASE("the peak is kept until it is reset") {
  MemoryPool pool(&system_memory, 0);
  MemoryPool::Block* a = pool.allocate(1024);
  pool.release(pool.allocate(4096));
  CHECK(pool.stats().peak_in_use == 5120);
  pool.reset_peak();
  CHECK(pool.stats().peak_in_use == 1024);
  pool.release(a);
  CHECK(pool.stats().peak_in_use == 1024);
}

TEST_CASE("large requests get segments of whole units") {
  MemoryPool pool(&system_memory, 0);
  pool.allocate(5 * segment + 1);
  CHECK(pool.stats().reserved == 6 * segment);
  CHECK(pool.stats().system_allocations == 1);
}

TEST_CASE("requests that cannot be rounded up are refused, and failed ones leave the pool as it was") {
  MemoryPool pool(&system_memory, 0);
  for (std::size_t bytes :
       {SIZE_MAX, SIZE_MAX - 255, std::size_t{PTRDIFF_MAX}, std::size_t{PTRDIFF_MAX} - segment + 1}) {
    CAPTURE(bytes);
    CHECK(support::error_of([&] { pool.allocate(bytes); }) ==
          tinygan::text("memory: ", bytes, " bytes, more than ", std::size_t{PTRDIFF_MAX} - segment));
  }
  MemoryPool none([](std::size_t bytes, int) -> void* { tinygan::fail("system", "no ", bytes, " bytes"); }, 0);
  for (int attempt = 0; attempt < 3; ++attempt) CHECK_THROWS_AS(none.allocate(std::size_t{1} << 62), tinygan::Error);
  CHECK(none.stats().in_use == 0);
  CHECK(none.stats().reserved == 0);
  CHECK(none.stats().system_allocations == 0);
}
