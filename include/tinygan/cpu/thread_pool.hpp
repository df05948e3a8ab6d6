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
#include <tinygan/base/outline.hpp>
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
  explicit ThreadPool(int threads, std::string_view where = "ThreadPool");
  /// As many threads as the system starts.
  explicit ThreadPool(AtMost wish);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const { return threads_.load(std::memory_order_relaxed); }

  /// Waits for a running job. Throws Error, with the threads as before, unless 1 <= threads <= max_threads and the
  /// system starts them all, and inside a job.
  void resize(int threads, std::string_view where = "ThreadPool::resize");

  /// job(context, chunk, worker) for every chunk in [0, chunks); worker < threads() names the thread. Ends when all
  /// chunks have. An exception of a chunk is rethrown here, the first if there are several, and chunks that no thread
  /// has begun by then are dropped. Called from inside a job it runs serially, as worker of that job.
  void run(index_t chunks, void* context, Job job);

  /// Ends the workers, as at the end of the program: later jobs run on the calling thread alone. Does nothing while a
  /// job runs.
  void end();

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
    /// The job's generation and its number of chunks that no thread has begun, 32 bits each. A thread that
    /// decrements it owns a chunk: a worker that wakes late finds none left, and no thread waits for it.
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
  Team& team();

  /// Keeps a parent's team reachable for leak checkers.
  static void abandon(Team* team);

  static std::size_t workers_of(int threads, std::string_view where);

  void set_size(Team& team, int threads, std::string_view where);

  /// Starts workers until there are `count`. Returns why there are fewer.
  std::string grow(Team& team, std::size_t count);

  /// Ends workers until there are `count`.
  static void shrink(Team& team, std::size_t count);

  /// Workers for a child of fork(), as many as the system starts, and new ones before a generation's 32 bits come
  /// again.
  void renew(Team& team);

  void run_serially(index_t chunks, void* context, Job job);

  /// The chunks [first, last) of a job.
  void run_part(Team& team, index_t first, index_t last, void* context, Job job);

  void loop(Team& team, int worker, std::uint64_t seen);

  static bool has_chunk(std::uint64_t ticket, std::uint64_t generation);

  /// Chunks of the job of this generation, while there are any.
  void work(Team& team, int worker, std::uint64_t generation);

  /// Drops the chunks that no thread has begun. Returns their number.
  static index_t drop_chunks(Team& team, std::uint64_t generation);

  static void pause();

  /// The pool whose chunk this thread runs, and as which worker.
  struct Inside {
    const ThreadPool* pool;
    int worker;
  };
  [[gnu::visibility("default")]] inline static thread_local Inside inside_{nullptr, -1};
  [[gnu::visibility("default")]] inline static constinit std::atomic<Team*> abandoned_{nullptr};

  std::atomic<Team*> team_{new Team};
  std::atomic<int> threads_{1};
};

namespace detail {

/// TINYGAN_THREADS; 0 where it is not set. Throws Error on anything but a decimal number from 1 to max_threads.
int threads_of_environment();

/// The pool of this process. It is never destroyed, so that jobs may run at any time; its workers end with the program.
struct ProcessPool {
  std::mutex mutex;  // while it is made
  std::atomic<ThreadPool*> pool{nullptr};

  ThreadPool& get();
  ~ProcessPool();
};

[[gnu::visibility("default")]] inline constinit ProcessPool process_pool;
[[gnu::visibility("default")]] inline const bool process_pool_survives_fork =
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

#ifdef TINYGAN_FUNC
#include <tinygan/cpu/thread_pool_functions.hpp>
#endif
