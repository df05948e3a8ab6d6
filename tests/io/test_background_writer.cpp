#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include <tinygan/base/error.hpp>
#include <tinygan/io/background_writer.hpp>

#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/temporary.hpp"

using tinygan::io::BackgroundWriter;

TEST_CASE("jobs run in the order in which they were given, in another thread") {
  std::vector<int> order;
  std::vector<std::thread::id> threads;
  BackgroundWriter writer(4);
  for (int i = 0; i < 100; ++i)
    writer.submit([&, i] {
      order.push_back(i);
      threads.push_back(std::this_thread::get_id());
    });
  writer.flush();
  REQUIRE(order.size() == 100);
  for (int i = 0; i < 100; ++i) CHECK(order[static_cast<std::size_t>(i)] == i);
  CHECK(threads.front() != std::this_thread::get_id());
  CHECK(threads.front() == threads.back());
}

TEST_CASE("submitting does not wait for jobs while there is room, and waits when there is none") {
  std::promise<void> gate;
  auto opened = std::make_shared<std::shared_future<void>>(gate.get_future().share());
  std::atomic<int> done{0};
  BackgroundWriter writer(2);
  writer.submit([opened] { opened->wait(); });  // runs, and holds the others up
  std::atomic<int> submitted{0};
  std::thread user([&] {
    for (int i = 0; i < 5; ++i) {
      writer.submit([&] { ++done; });
      ++submitted;
    }
  });
  // Two fit while the first job runs; the third cannot get in.
  while (submitted < 2) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  CHECK(submitted == 2);
  CHECK(done == 0);
  gate.set_value();
  user.join();
  writer.flush();
  CHECK(done == 5);
}

TEST_CASE("the first error comes back from every later call, and what follows it is not run") {
  BackgroundWriter writer;
  std::atomic<int> ran{0};
  std::promise<void> gate;
  auto opened = std::make_shared<std::shared_future<void>>(gate.get_future().share());
  writer.submit([opened] { opened->wait(); });
  writer.submit([] { tinygan::fail("disk", "full"); });
  writer.submit([&] { ++ran; });
  gate.set_value();
  CHECK(support::error_of([&] { writer.flush(); }) == "disk: full");
  CHECK(support::error_of([&] { writer.submit([&] { ++ran; }); }) == "disk: full");
  CHECK(support::error_of([&] { writer.flush(); }) == "disk: full");
  CHECK(ran == 0);
}

TEST_CASE("a submitter that waits for room hears of the error that frees it") {
  std::promise<void> gate;
  auto opened = std::make_shared<std::shared_future<void>>(gate.get_future().share());
  BackgroundWriter writer(1);
  writer.submit([opened] {
    opened->wait();
    throw std::runtime_error("late");
  });
  std::string heard;
  std::thread user([&] {
    try {
      for (int i = 0; i < 3; ++i) writer.submit([] {});
    } catch (const std::runtime_error& e) {
      heard = e.what();
    }
  });
  gate.set_value();
  user.join();
  CHECK(heard == "late");
}

TEST_CASE("destruction finishes what was given and frees what jobs hold") {
  auto held = std::make_shared<int>(0);
  {
    BackgroundWriter writer;
    for (int i = 0; i < 5; ++i) writer.submit([held] { ++*held; });
  }
  CHECK(*held == 5);
  CHECK(held.use_count() == 1);
  { const BackgroundWriter idle; }
}

TEST_CASE("a thread that cannot be started is an Error") {
  if (support::sanitized) return;  // sanitizers reserve more address space than a limit could leave
  const auto no_room_for_another = [] {
    rlim_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    const rlim_t bytes = pages * static_cast<rlim_t>(::sysconf(_SC_PAGESIZE)) + (64 << 20);
    const rlimit limit{bytes, bytes};
    ::setrlimit(RLIMIT_AS, &limit);
    try {
      for (;;) std::thread([] { ::pause(); }).detach();
    } catch (const std::system_error&) {
    }
    return support::contains(support::error_of([] { BackgroundWriter writer; }),
                             "background writer: cannot start a thread: ");
  };
  CHECK(support::status_of_child(no_room_for_another) == 0);
}

TEST_CASE("in a child of fork() a writer is an Error and no hang, and the parent's goes on") {
  BackgroundWriter writer;
  std::promise<void> gate;
  std::atomic<int> written{0};
  writer.submit([&, open = gate.get_future().share()] {
    open.wait();
    ++written;
  });
  const auto in_child = [&] {
    const std::string expected =
        "background writer: the thread is in the parent process; make a new writer after fork()";
    return support::error_of([&] { writer.flush(); }) == expected &&
           support::error_of([&] { writer.submit([] {}); }) == expected;
  };
  CHECK(support::status_of_child(in_child) == 0);
  {
    auto another = std::make_unique<BackgroundWriter>();
    CHECK(support::status_of_child([&] {
            another.reset();
            return true;
          }) == 0);
  }
  gate.set_value();
  writer.flush();
  CHECK(written == 1);
}
