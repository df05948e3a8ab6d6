// A small thread pool: parallel_for over an index range, chunks claimed dynamically.
#pragma once

#include <algorithm>
#include <atomic>
#include <charconv>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <new>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include <tinygan/base/fork.hpp>
#include <tinygan/base/shape.hpp>
#include <tinygan/cpu/processors.hpp>

namespace tinygan::cpu {

inline constexpr int max_threads = 1024;

/// Runs one job at a time on `threads` threads, the caller among them. Workers spin briefly between jobs, then sleep.
/// What a job computes must not depend on which thread takes which chunk. In a child of fork() the pool works on, with
/// workers of its own that the first job starts.
class ThreadPool {
 public:
  using Job = void (*)(void* context, index_t chunk, int worker);

  /// A number of threads that the system may fall short of.
  struct AtMost {
    int threads;
  };

  /// Throws Error unless 1 <= threads <= max_threads and the system starts them all; `where` begins the message.
  explicit ThreadPool(int threads, std::string_view where = "ThreadPool") : ThreadPool() {
    set_size(*team_.load(), threads, where);
  }
  /// As many threads as the system starts.
  explicit ThreadPool(AtMost wish) : ThreadPool() {
    Team& team = *team_.load();
    grow(team, workers_of(wish.threads, "ThreadPool"));
    threads_.store(static_cast<int>(team.workers.size()) + 1);
  }
  ~ThreadPool() {
    Team* const team = team_.load();
    if (is_inherited(*team)) {
      abandon(team);
    } else {
      shrink(*team, 0);
      delete team;
    }
  }
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const { return threads_.load(std::memory_order_relaxed); }

  /// Waits for a running job. Throws Error, with the threads as before, unless 1 <= threads <= max_threads and the
  /// system starts them all, and inside a job.
  void resize(int threads, std::string_view where = "ThreadPool::resize") {
    check(inside_.worker < 0, where, "the number of threads cannot change inside a job");
    Team& current = team();
    const std::lock_guard busy(current.submit);
    set_size(current, threads, where);
  }

  /// job(context, chunk, worker) for every chunk in [0, chunks); worker < threads() names the thread. Ends when all
  /// chunks have. An exception of a chunk is rethrown here, the first if there are several, and chunks that no thread
  /// has begun by then are dropped. Called from inside a job it runs serially, as worker of that job.
  void run(index_t chunks, void* context, Job job) {
    if (chunks <= 0) return;
    if (inside_.worker >= 0 || threads() == 1 || chunks == 1) return run_serially(chunks, context, job);
    Team& current = team();
    const std::unique_lock busy(current.submit, std::try_to_lock);
    if (!busy) return run_serially(chunks, context, job);  // another user thread has the pool
    renew(current);
    for (index_t first = 0; first < chunks; first += most_chunks)
      run_part(current, first, std::min(chunks, first + most_chunks), context, job);
  }

  /// Ends the workers, as at the end of the program: later jobs run on the calling thread alone. Does nothing while a
  /// job runs.
  void end() {
    Team* const team = team_.load();
    if (inside_.worker >= 0 || is_inherited(*team)) return;
    const std::unique_lock busy(team->submit, std::try_to_lock);
    if (busy) shrink(*team, 0);
  }

 private:
  ThreadPool() = default;

  static constexpr int spin_limit = 20000;  // pauses of 10 to 50 ns: longer than the gap between two kernels of a step
  static constexpr int wait_limit = 1000;   // then a worker that was preempted inside its chunk may need this processor
  static constexpr index_t most_chunks = index_t{1} << 31;            // of one ticket
  static constexpr std::uint64_t most_jobs = std::uint64_t{1} << 31;  // of one set of workers: no ticket comes twice

  /// The workers of one process and what they share with the caller.
  struct Team {
    const std::uint32_t process = tinygan::detail::fork_count();
    std::mutex submit;  // held by the thread whose job runs; guards the next three
    std::vector<std::thread> workers;
    std::uint64_t started_at = 0;  // the generation at which the first of them started
    bool started = false;
    std::mutex mutex;  // guards changes of generation and keep, and the next three
    std::condition_variable wake;
    int sleeping = 0;
    std::exception_ptr error;
    std::atomic<std::uint64_t> generation{0};  // counts jobs
    std::atomic<int> keep{0};                  // workers with a higher number end
    /// The job's generation and its number of chunks that no thread has begun, 32 bits each. Whoever counts it down
    /// owns a chunk, so a worker that wakes late finds nothing to do, and no thread waits for it.
    std::atomic<std::uint64_t> ticket{0};
    std::atomic<void*> context{nullptr};
    std::atomic<Job> job{nullptr};
    std::atomic<index_t> end{0};
    std::atomic<index_t> left{0};  // chunks that have not ended
    Team* next = nullptr;          // in the list of parents' teams
  };

  static bool is_inherited(const Team& team) { return team.process != tinygan::detail::fork_count(); }

  /// The team of this process. In a child of fork() the parent's locks may be locked, and its threads are not there to
  /// be joined.
  Team& team() {
    Team* team = team_.load(std::memory_order_acquire);
    while (is_inherited(*team)) {
      auto* const own = new Team;
      if (team_.compare_exchange_strong(team, own)) {
        abandon(team);
        return *own;
      }
      delete own;
    }
    return *team;
  }

  /// Keeps a parent's team reachable for leak checkers.
  static void abandon(Team* team) {
    team->next = abandoned_.load();
    while (!abandoned_.compare_exchange_weak(team->next, team)) {
    }
  }

  static std::size_t workers_of(int threads, std::string_view where) {
    check(threads >= 1 && threads <= max_threads, where, threads, " threads, expected 1 to ", max_threads);
    return static_cast<std::size_t>(threads) - 1;
  }

  void set_size(Team& team, int threads, std::string_view where) {
    const std::size_t before = team.workers.size(), count = workers_of(threads, where);
    if (const std::string reason = grow(team, count); !reason.empty()) {
      const std::size_t got = team.workers.size() + 1;
      shrink(team, before);
      fail(where, threads, " threads, but the system starts only ", got, " (", reason, ")");
    }
    shrink(team, count);
    threads_.store(threads);
  }

  /// Starts workers until there are `count`. Returns why there are fewer.
  std::string grow(Team& team, std::size_t count) {
    team.started = true;
    if (team.workers.empty()) team.started_at = team.generation.load();
    team.keep.store(max_threads);
    try {
      team.workers.reserve(count);
      for (std::size_t have = team.workers.size(); have < count; ++have)
        team.workers.emplace_back([this, &team, number = static_cast<int>(have) + 1, seen = team.generation.load()] {
          loop(team, number, seen);
        });
    } catch (const std::system_error& e) {
      return e.code().message();
    } catch (const std::bad_alloc&) {
      return "out of memory";
    }
    return "";
  }

  /// Ends workers until there are `count`.
  static void shrink(Team& team, std::size_t count) {
    if (team.workers.size() <= count) return;
    {
      const std::lock_guard lock(team.mutex);
      team.keep.store(static_cast<int>(count));
      team.generation.fetch_add(1, std::memory_order_release);
    }
    team.wake.notify_all();
    while (team.workers.size() > count) {
      team.workers.back().join();
      team.workers.pop_back();
    }
  }

  /// Workers for a child of fork(), as many as the system starts, and new ones before a generation's 32 bits come
  /// again.
  void renew(Team& team) {
    const bool worn_out = team.generation.load(std::memory_order_relaxed) - team.started_at >= most_jobs;
    if (team.started && !worn_out) return;
    const std::size_t count = worn_out ? team.workers.size() : static_cast<std::size_t>(threads()) - 1;
    shrink(team, 0);
    grow(team, count);
  }

  void run_serially(index_t chunks, void* context, Job job) {
    const Inside outer = inside_;
    inside_ = {this, outer.pool == this ? outer.worker : 0};
    struct Restore {
      Inside outer;
      ~Restore() { inside_ = outer; }
    } restore{outer};
    for (index_t c = 0; c < chunks; ++c) job(context, c, inside_.worker);
  }

  /// The chunks [first, last) of a job.
  void run_part(Team& team, index_t first, index_t last, void* context, Job job) {
    const index_t chunks = last - first;
    const std::uint64_t generation = team.generation.load(std::memory_order_relaxed) + 1;
    team.context.store(context, std::memory_order_relaxed);
    team.job.store(job, std::memory_order_relaxed);
    team.end.store(last, std::memory_order_relaxed);
    team.left.store(chunks, std::memory_order_relaxed);
    team.ticket.store(generation << 32 | static_cast<std::uint64_t>(chunks), std::memory_order_release);
    index_t to_wake;
    {
      const std::lock_guard lock(team.mutex);
      team.generation.store(generation, std::memory_order_release);
      to_wake = std::min<index_t>(team.sleeping, chunks - 1);
    }
    for (; to_wake > 0; --to_wake) team.wake.notify_one();
    work(team, 0, generation);
    for (int spin = 0; team.left.load(std::memory_order_acquire) != 0; ++spin) {
      if (spin < wait_limit) {
        pause();
        continue;
      }
      std::this_thread::yield();
      check(!is_inherited(team), "thread pool",
            "the process was forked inside a job, whose other chunks have no threads here");
    }
    if (team.error) std::rethrow_exception(std::exchange(team.error, nullptr));
  }

  void loop(Team& team, int worker, std::uint64_t seen) {
    const auto changed = [&] { return team.generation.load(std::memory_order_acquire) != seen; };
    for (;;) {
      for (int spin = 0; spin < spin_limit && !changed(); ++spin) pause();
      if (!changed()) {
        std::unique_lock lock(team.mutex);
        ++team.sleeping;
        team.wake.wait(lock, changed);
        --team.sleeping;
      }
      seen = team.generation.load(std::memory_order_acquire);
      if (worker > team.keep.load(std::memory_order_acquire)) return;
      work(team, worker, seen);
      if (is_inherited(team)) return;  // a chunk has forked, and this is the child
    }
  }

  static bool has_chunk(std::uint64_t ticket, std::uint64_t generation) {
    return ticket >> 32 == (generation & 0xffffffffu) && (ticket & 0xffffffffu) != 0;
  }

  /// Chunks of the job of this generation, while there are any.
  void work(Team& team, int worker, std::uint64_t generation) {
    inside_ = {this, worker};
    for (std::uint64_t ticket = team.ticket.load(std::memory_order_acquire); has_chunk(ticket, generation);) {
      // Of this job if the exchange succeeds: the next job is not written before all chunks of this one have ended.
      void* const context = team.context.load(std::memory_order_relaxed);
      const Job job = team.job.load(std::memory_order_relaxed);
      const index_t chunk = team.end.load(std::memory_order_relaxed) - static_cast<index_t>(ticket & 0xffffffffu);
      if (!team.ticket.compare_exchange_weak(ticket, ticket - 1, std::memory_order_acq_rel, std::memory_order_acquire))
        continue;
      index_t ended = 1;
      try {
        job(context, chunk, worker);
      } catch (...) {
        {
          const std::lock_guard lock(team.mutex);
          if (!team.error) team.error = std::current_exception();
        }
        ended += drop_chunks(team, generation);
      }
      team.left.fetch_sub(ended, std::memory_order_acq_rel);
      ticket = team.ticket.load(std::memory_order_acquire);
    }
    inside_ = {nullptr, -1};
  }

  /// Drops the chunks that no thread has begun. Returns their number.
  static index_t drop_chunks(Team& team, std::uint64_t generation) {
    for (std::uint64_t ticket = team.ticket.load(std::memory_order_acquire); has_chunk(ticket, generation);)
      if (team.ticket.compare_exchange_weak(ticket, generation << 32, std::memory_order_acq_rel,
                                            std::memory_order_acquire))
        return static_cast<index_t>(ticket & 0xffffffffu);
    return 0;
  }

  static void pause() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
  }

  /// The pool whose chunk this thread runs, and as which worker.
  struct Inside {
    const ThreadPool* pool;
    int worker;
  };
  inline static thread_local Inside inside_{nullptr, -1};
  inline static constinit std::atomic<Team*> abandoned_{nullptr};

  std::atomic<Team*> team_{new Team};
  std::atomic<int> threads_{1};
};

namespace detail {

/// TINYGAN_THREADS; 0 where it is not set. Throws Error on anything but a decimal number from 1 to max_threads.
inline int threads_of_environment() {
  const char* const wish = std::getenv("TINYGAN_THREADS");
  if (!wish) return 0;
  const std::string_view text = wish;
  int count = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), count);
  check(end.ec == std::errc{} && end.ptr == text.data() + text.size() && count >= 1 && count <= max_threads,
        "TINYGAN_THREADS", "'", text, "', expected a number from 1 to ", max_threads);
  return count;
}

/// The pool of this process. It is never destroyed, so that jobs may run at any time; its workers end with the program.
struct ProcessPool {
  std::mutex mutex;  // while it is made
  std::atomic<ThreadPool*> pool{nullptr};

  ThreadPool& get() {
    if (ThreadPool* const made = pool.load(std::memory_order_acquire)) return *made;
    const std::lock_guard lock(mutex);
    if (ThreadPool* const made = pool.load(std::memory_order_relaxed)) return *made;
    const int wish = threads_of_environment();
    auto* const made = wish ? new ThreadPool(wish, "TINYGAN_THREADS")
                            : new ThreadPool(ThreadPool::AtMost{std::min(usable_processors(), max_threads)});
    pool.store(made, std::memory_order_release);
    return *made;
  }
  ~ProcessPool() {
    if (ThreadPool* const made = pool.load()) made->end();
  }
};

inline constinit ProcessPool process_pool;
inline const bool process_pool_survives_fork =
    tinygan::detail::at_fork([] { process_pool.mutex.lock(); }, [] { process_pool.mutex.unlock(); });

}  // namespace detail

/// The pool of this process: TINYGAN_THREADS threads, or one for each processor that the process may use as far as the
/// system starts them, unless set_threads() has changed it. Throws Error on a bad TINYGAN_THREADS.
inline ThreadPool& thread_pool() { return detail::process_pool.get(); }

/// Number of threads the CPU backend uses, the caller among them.
inline int threads() { return thread_pool().threads(); }

/// Sets it. Throws Error, and changes nothing, unless 1 <= count <= max_threads and the system starts as many; also
/// inside a job. Not to be called while a kernel runs.
inline void set_threads(int count) { thread_pool().resize(count, "set_threads"); }

/// f(chunk, worker) for every chunk in [0, chunks).
template <class F>
void parallel_chunks(index_t chunks, F&& f) {
  using Body = std::remove_reference_t<F>;
  thread_pool().run(chunks, const_cast<void*>(static_cast<const void*>(&f)),
                    [](void* body, index_t chunk, int worker) { (*static_cast<Body*>(body))(chunk, worker); });
}

/// f(begin, end) over [0, n) cut into chunks of `grain` elements, the last one shorter. The cut depends on n and grain
/// only.
template <class F>
void parallel_for(index_t n, index_t grain, F&& f) {
  parallel_chunks((n + grain - 1) / grain,
                  [&](index_t chunk, int) { f(chunk * grain, std::min(n, (chunk + 1) * grain)); });
}

}  // namespace tinygan::cpu
