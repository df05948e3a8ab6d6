#include <tinygan/cpu/thread_pool.hpp>

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <latch>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/temporary.hpp"

namespace cpu = tinygan::cpu;
using support::contains;
using support::error_of;
using support::status_of_child;
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
      const index_t grain = 64, chunks = (n + grain - 1) / grain;
      std::vector<index_t> end(static_cast<std::size_t>(chunks), -1);
      cpu::parallel_for(n, grain, [&](index_t first, index_t last) {
        if (first % grain == 0) end[static_cast<std::size_t>(first / grain)] = last;
      });
      for (index_t i = 0; i < chunks; ++i) CHECK(end[static_cast<std::size_t>(i)] == std::min(n, (i + 1) * grain));
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
      if (std::vector<int>(count.begin(), count.end()) != std::vector<int>(static_cast<std::size_t>(chunks), 1))
        ++wrong;
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
    pool.run(10, &sum,
             [](void* context, index_t chunk, int) { *static_cast<std::atomic<index_t>*>(context) += chunk; });
    CHECK(sum == 45);
  }
}

TEST_CASE("A pool has 1 to 1024 threads") {
  CHECK(error_of([] { cpu::ThreadPool pool(0); }) == "ThreadPool: 0 threads, expected 1 to 1024");
  CHECK(error_of([] { cpu::ThreadPool pool(1025); }) == "ThreadPool: 1025 threads, expected 1 to 1024");
  CHECK(error_of([] { cpu::ThreadPool pool(cpu::ThreadPool::AtMost{0}); }) ==
        "ThreadPool: 0 threads, expected 1 to 1024");
  CHECK(cpu::ThreadPool(cpu::ThreadPool::AtMost{3}).threads() == 3);
}

TEST_CASE("A job ends with its chunks, whether all workers have woken or not") {
  const Threads use(8);
  using clock = std::chrono::steady_clock;
  for (int round = 0; round < 20; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));  // the workers sleep
    std::atomic<int> begun{0};
    const auto start = clock::now();
    cpu::parallel_chunks(2, [&](index_t, int) { ++begun; });
    CHECK(begun == 2);
    CHECK(clock::now() - start < std::chrono::seconds(10));
  }
}

TEST_CASE("Chunks that nobody has begun when one throws are left out") {
  constexpr index_t chunks = (index_t{1} << 32) + 5;  // more than a ticket holds
  for (int threads : {1, 3}) {
    const Threads use(threads);
    std::atomic<index_t> ran{0};
    const auto throwing = [&](index_t, int) {
      ++ran;
      throw std::runtime_error("chunk failed");
    };
    CHECK_THROWS_WITH(cpu::parallel_chunks(chunks, throwing), "chunk failed");
    CHECK((ran >= 1 && ran <= threads));
    CHECK(visits(100) == std::vector<int>(100, 1));
  }
}

TEST_CASE("An exception that a chunk catches itself is nobody else's") {
  const Threads use(3);
  std::atomic<int> caught{0};
  cpu::parallel_chunks(50, [&](index_t, int) {
    try {
      cpu::parallel_chunks(2, [](index_t, int) { throw std::runtime_error("inner"); });
    } catch (const std::runtime_error&) {
      ++caught;
    }
  });
  CHECK(caught == 50);
}

TEST_CASE("A job of one pool inside a job of another keeps to the worker numbers of its own") {
  cpu::ThreadPool outer(6), inner(2);
  struct Context {
    cpu::ThreadPool* inner;
    std::atomic<int> wrong{0}, ran{0};
  } context{&inner};
  outer.run(64, &context, [](void* c, index_t, int) {
    static_cast<Context*>(c)->inner->run(4, c, [](void* d, index_t, int worker) {
      ++static_cast<Context*>(d)->ran;
      if (worker < 0 || worker >= 2) ++static_cast<Context*>(d)->wrong;
    });
  });
  CHECK(context.ran == 64 * 4);
  CHECK(context.wrong == 0);
}

TEST_CASE("The number of threads cannot change inside a job; from another thread the change waits for it") {
  const Threads use(2);
  std::atomic<int> refused{0};
  cpu::parallel_chunks(4, [&](index_t, int) {
    refused += error_of([] { cpu::set_threads(3); }) == "set_threads: the number of threads cannot change inside a job";
  });
  CHECK(refused == 4);
  CHECK(cpu::threads() == 2);

  cpu::ThreadPool pool(3);
  std::atomic<bool> stop{false};
  std::atomic<int> wrong{0};
  std::thread user([&] {
    while (!stop) {
      std::atomic<index_t> sum{0};
      pool.run(20, &sum,
               [](void* context, index_t chunk, int) { *static_cast<std::atomic<index_t>*>(context) += chunk; });
      if (sum != 190) ++wrong;
    }
  });
  for (int round = 0; round < 30; ++round) pool.resize(1 + round % 5);
  stop = true;
  user.join();
  CHECK(wrong == 0);
}

TEST_CASE("TINYGAN_THREADS is a decimal number from 1 to 1024 and nothing else") {
  const support::EnvironmentVariable variable("TINYGAN_THREADS");
  const auto found = [&](const char* value) {
    variable.set(value);
    return cpu::detail::threads_of_environment();
  };
  CHECK(found("1") == 1);
  CHECK(found("04") == 4);
  CHECK(found("1024") == 1024);
  for (const char* bad :
       {"", " ", "4 ", " 4", "+4", "-1", "0", "0x4", "4.0", "4,", "1e1", "four", "1025", "99999999999999999999"}) {
    CAPTURE(bad);
    CHECK(error_of([&] { found(bad); }) ==
          tinygan::text("TINYGAN_THREADS: '", bad, "', expected a number from 1 to 1024"));
  }
  variable.unset();
  CHECK(cpu::detail::threads_of_environment() == 0);
}

TEST_CASE("In a child of fork() the pool works with workers of its own, and the child ends") {
  if (support::no_threads_after_fork) return;
  const Threads use(3);
  const std::vector<int> once(100, 1);
  REQUIRE(visits(100) == once);
  SECTION("with all of them") {
    const auto threads_that_work = [] {
      std::latch both(2);  // two chunks that wait for each other need two threads
      cpu::parallel_chunks(2, [&](index_t, int) { both.arrive_and_wait(); });
    };
    CHECK(status_of_child([&] { return threads_that_work(), visits(100) == once && cpu::threads() == 3; }) == 0);
  }
  SECTION("also in a child's child") {
    const auto child = [&] { return visits(100) == once && status_of_child([&] { return visits(100) == once; }) == 0; };
    CHECK(status_of_child(child) == 0);
  }
  SECTION("exit() ends the child, used or not") {
    if (support::sanitized) return;  // a leak checker looks for the threads that the child does not have
    CHECK(status_of_child([]() -> bool { std::exit(7); }) == 7);
    CHECK(status_of_child([&]() -> bool { std::exit(visits(100) == once ? 8 : 9); }) == 8);
  }
  SECTION("the number of threads can change there, and a pool of the parent's goes") {
    auto pool = std::make_unique<cpu::ThreadPool>(4);
    const auto child = [&] {
      cpu::set_threads(2);
      pool.reset();
      return cpu::threads() == 2 && visits(100) == once;
    };
    CHECK(status_of_child(child) == 0);
    CHECK(pool->threads() == 4);
  }
  SECTION("whatever the parent's other threads are doing") {
    std::atomic<bool> stop{false};
    std::thread other([&] {
      while (!stop) visits(50);
    });
    int failed = 0;
    for (int round = 0; round < 20; ++round) failed += status_of_child([&] { return visits(100) == once; }) != 0;
    stop = true;
    other.join();
    CHECK(failed == 0);
  }
  SECTION("a fork inside a job is an Error in the child instead of chunks without threads") {
    std::atomic<int> status{-1};
    const auto forking = [&] {
      const auto parent = ::getpid();
      std::latch all(3);
      std::string error;
      const std::thread::id caller = std::this_thread::get_id();
      error = error_of([&] {
        cpu::parallel_chunks(3, [&](index_t, int) {
          if (::getpid() == parent) all.arrive_and_wait();  // every thread has a chunk
          if (std::this_thread::get_id() == caller && ::getpid() == parent) status = support::fork_here([] {});
          if (::getpid() == parent) std::this_thread::sleep_for(std::chrono::milliseconds(50));
        });
      });
      if (::getpid() != parent)
        ::_exit(contains(error, "forked inside a job") && visits(10) == std::vector<int>(10, 1) ? 0 : 1);
    };
    forking();
    CHECK(support::wait_for(status) == 0);
  }
  CHECK(visits(100) == once);
}

TEST_CASE(
    "Threads that cannot be started are an Error with the number of those that can, and the pool stays as it was") {
  if (support::sanitized) return;  // sanitizers reserve more address space than a limit permits
  const Threads use(2);
  const auto limited = [] {
    const rlimit limit{rlim_t{400} << 20, rlim_t{400} << 20};
    ::setrlimit(RLIMIT_AS, &limit);
  };
  const auto set = [&] {
    limited();
    const std::string error = error_of([] { cpu::set_threads(1000); });
    const bool named =
        contains(error, "set_threads: 1000 threads, but the system starts only ") && contains(error, " (");
    return named && cpu::threads() == 2 && visits(100) == std::vector<int>(100, 1);
  };
  CHECK(status_of_child(set) == 0);
  const auto make = [&] {
    limited();
    const std::string error = error_of([] { cpu::ThreadPool pool(1000); });
    cpu::ThreadPool fewer(cpu::ThreadPool::AtMost{1000});
    return contains(error, "ThreadPool: 1000 threads, but the system starts only ") && fewer.threads() > 1 &&
           fewer.threads() < 1000;
  };
  CHECK(status_of_child(make) == 0);
}
