#include <tinygan/cpu/thread_pool.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <latch>
#include <numeric>
#include <stdexcept>
#include <thread>
#include <vector>

#include "support/catch.hpp"

namespace cpu = tinygan::cpu;
using tinygan::index_t;

namespace {

/// Sets the number of threads for one test.
class Threads {
 public:
  explicit Threads(int count) : before_(cpu::threads()) { cpu::set_threads(count); }
  ~Threads() { cpu::set_threads(before_); }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

 private:
  int before_;
};

/// How often each chunk of one parallel_chunks() ran.
std::vector<int> visits(index_t chunks) {
  std::vector<std::atomic<int>> count(static_cast<std::size_t>(chunks));
  cpu::parallel_chunks(chunks, [&](index_t chunk, int) { ++count[static_cast<std::size_t>(chunk)]; });
  return {count.begin(), count.end()};
}

}  // namespace

TEST_CASE("Every chunk runs exactly once, at any number of threads") {
  for (int threads : {1, 2, 3, 7}) {
    const Threads use(threads);
    REQUIRE(cpu::threads() == threads);
    for (index_t chunks : {0, 1, 2, 3, 64, 1000}) {
      CAPTURE(threads, chunks);
      CHECK(visits(chunks) == std::vector<int>(static_cast<std::size_t>(chunks), 1));
    }
  }
}

TEST_CASE("Worker numbers stay below the number of threads and are never shared at one time") {
  const Threads use(3);
  std::atomic<int> busy[3] = {};
  std::atomic<int> wrong{0};
  for (int job = 0; job < 50; ++job)
    cpu::parallel_chunks(40, [&](index_t, int worker) {
      if (worker < 0 || worker >= 3) {
        ++wrong;
        return;
      }
      if (busy[worker].fetch_add(1) != 0) ++wrong;
      std::this_thread::yield();
      busy[worker].fetch_sub(1);
    });
  CHECK(wrong == 0);
}

TEST_CASE("parallel_for cuts by n and grain alone") {
  for (int threads : {1, 3}) {
    const Threads use(threads);
    for (index_t n : {0, 1, 63, 64, 65, 1000}) {
      CAPTURE(threads, n);
      const index_t grain = 64, pieces = (n + grain - 1) / grain;
      std::vector<index_t> end(static_cast<std::size_t>(pieces), -1);
      cpu::parallel_for(n, grain, [&](index_t first, index_t last) {
        if (first % grain == 0) end[static_cast<std::size_t>(first / grain)] = last;
      });
      for (index_t i = 0; i < pieces; ++i) CHECK(end[static_cast<std::size_t>(i)] == std::min(n, (i + 1) * grain));
    }
  }
}

TEST_CASE("What the workers wrote is there when parallel_for returns") {
  const Threads use(3);
  for (int job = 0; job < 200; ++job) {
    std::vector<index_t> values(500, -1);
    cpu::parallel_for(500, 16, [&](index_t first, index_t last) {
      for (index_t i = first; i < last; ++i) values[static_cast<std::size_t>(i)] = i;
    });
    REQUIRE(std::accumulate(values.begin(), values.end(), index_t{0}) == 500 * 499 / 2);
  }
}

TEST_CASE("An exception of a chunk reaches the caller, and the pool works on") {
  for (int threads : {1, 3}) {
    const Threads use(threads);
    for (int attempt = 0; attempt < 20; ++attempt) {
      const auto throwing = [](index_t chunk, int) {
        if (chunk % 10 == 3) throw std::runtime_error("chunk failed");
      };
      CHECK_THROWS_WITH(cpu::parallel_chunks(100, throwing), "chunk failed");
      CHECK(visits(100) == std::vector<int>(100, 1));
    }
  }
}

TEST_CASE("A job inside a job runs serially, as the worker of the outer one") {
  const Threads use(3);
  std::vector<std::atomic<int>> count(20 * 30);
  std::atomic<int> wrong{0};
  cpu::parallel_chunks(20, [&](index_t outer, int outer_worker) {
    const auto thread = std::this_thread::get_id();
    cpu::parallel_chunks(30, [&](index_t inner, int inner_worker) {
      if (inner_worker != outer_worker || std::this_thread::get_id() != thread) ++wrong;
      ++count[static_cast<std::size_t>(outer * 30 + inner)];
    });
  });
  CHECK(wrong == 0);
  CHECK(std::vector<int>(count.begin(), count.end()) == std::vector<int>(20 * 30, 1));
}

TEST_CASE("An exception of an inner job reaches the outer caller") {
  const Threads use(3);
  const auto inner_throws = [](index_t outer, int) {
    cpu::parallel_chunks(8, [&](index_t inner, int) {
      if (outer == 5 && inner == 6) throw std::runtime_error("inner failed");
    });
  };
  CHECK_THROWS_WITH(cpu::parallel_chunks(20, inner_throws), "inner failed");
  CHECK(visits(50) == std::vector<int>(50, 1));
}

TEST_CASE("Two user threads use the pool at once") {
  const Threads use(3);
  constexpr index_t chunks = 32;
  std::latch both_here(2);
  std::atomic<int> wrong{0};
  const auto user = [&] {
    both_here.arrive_and_wait();
    for (int job = 0; job < 200; ++job) {
      std::vector<std::atomic<int>> count(static_cast<std::size_t>(chunks));
      cpu::parallel_chunks(chunks, [&](index_t chunk, int) {
        ++count[static_cast<std::size_t>(chunk)];
        std::this_thread::yield();  // the other user's turn, in the middle of this job
      });
      if (std::vector<int>(count.begin(), count.end()) != std::vector<int>(static_cast<std::size_t>(chunks), 1)) ++wrong;
    }
  };
  std::thread first(user), second(user);
  first.join();
  second.join();
  CHECK(wrong == 0);
}

TEST_CASE("The number of threads can change between jobs, and must be sensible") {
  const Threads restore(2);
  for (int threads : {1, 4, 2, 8, 1}) {
    cpu::set_threads(threads);
    CHECK(cpu::threads() == threads);
    CHECK(visits(100) == std::vector<int>(100, 1));
  }
  CHECK_THROWS_WITH(cpu::set_threads(0), "set_threads: 0 threads, expected 1 to 1024");
  CHECK_THROWS_AS(cpu::set_threads(-1), tinygan::Error);
  CHECK_THROWS_AS(cpu::set_threads(1025), tinygan::Error);
  CHECK(cpu::threads() == 1);
}

TEST_CASE("A pool of one's own comes and goes") {
  for (int round = 0; round < 20; ++round) {
    cpu::ThreadPool pool(1 + round % 4);
    std::atomic<index_t> sum{0};
    pool.run(10, &sum, [](void* context, index_t chunk, int) { *static_cast<std::atomic<index_t>*>(context) += chunk; });
    CHECK(sum == 45);
  }
}
