// A small thread pool: parallel_for over an index range, chunks handed out dynamically.
#pragma once

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include <tinygan/base/shape.hpp>

namespace tinygan::cpu {

/// Runs one job at a time on `threads` threads, the caller among them. Workers spin briefly between jobs, then sleep.
/// What a job computes must not depend on which thread takes which chunk.
class ThreadPool {
 public:
  using Job = void (*)(void* context, index_t chunk, int worker);

  explicit ThreadPool(int threads) { start(threads); }
  ~ThreadPool() { stop(); }
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const { return static_cast<int>(workers_.size()) + 1; }

  void resize(int threads) {
    const std::lock_guard busy(submit_);
    stop();
    start(threads);
  }

  /// job(context, chunk, worker) for every chunk in [0, chunks); worker < threads() names the thread. Exceptions thrown by a
  /// chunk are rethrown here once all threads are done. Called from inside a job it runs serially, as worker of that job.
  void run(index_t chunks, void* context, Job job) {
    if (chunks <= 0) return;
    if (inside_ >= 0 || workers_.empty() || chunks == 1) return run_serially(chunks, context, job);
    const std::unique_lock busy(submit_, std::try_to_lock);
    if (!busy) return run_serially(chunks, context, job);  // another user thread has the pool
    {
      const std::lock_guard lock(mutex_);
      context_ = context;
      job_ = job;
      chunks_ = chunks;
      next_.store(0, std::memory_order_relaxed);
      working_.store(static_cast<int>(workers_.size()), std::memory_order_relaxed);
      generation_.fetch_add(1, std::memory_order_release);
    }
    wake_.notify_all();
    work(0);
    for (int spin = 0; working_.load(std::memory_order_acquire) != 0; ++spin)
      if (spin > spin_limit) std::this_thread::yield();
    if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
  }

 private:
  static constexpr int spin_limit = 20000;  // some 20-50 us: longer than the gap between two kernels of a step

  void run_serially(index_t chunks, void* context, Job job) {
    const int outer = inside_;
    inside_ = std::max(outer, 0);
    struct Restore {
      int outer;
      ~Restore() { inside_ = outer; }
    } restore{outer};
    for (index_t c = 0; c < chunks; ++c) job(context, c, inside_);
  }

  void start(int threads) {
    quit_.store(false, std::memory_order_relaxed);
    const std::uint64_t seen = generation_.load();
    for (int i = 1; i < threads; ++i) workers_.emplace_back([this, i, seen] { loop(i, seen); });
  }

  void stop() {
    {
      const std::lock_guard lock(mutex_);
      quit_.store(true);
      generation_.fetch_add(1, std::memory_order_release);
    }
    wake_.notify_all();
    for (std::thread& t : workers_) t.join();
    workers_.clear();
  }

  void loop(int worker, std::uint64_t seen) {
    for (;;) {
      for (int spin = 0; spin < spin_limit && generation_.load(std::memory_order_acquire) == seen; ++spin) pause();
      if (generation_.load(std::memory_order_acquire) == seen) {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [&] { return generation_.load(std::memory_order_acquire) != seen; });
      }
      seen = generation_.load(std::memory_order_acquire);
      if (quit_.load(std::memory_order_acquire)) return;
      work(worker);
      working_.fetch_sub(1, std::memory_order_acq_rel);
    }
  }

  void work(int worker) {
    inside_ = worker;
    try {
      for (index_t c; (c = next_.fetch_add(1, std::memory_order_relaxed)) < chunks_;) job_(context_, c, worker);
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (!error_) error_ = std::current_exception();
      next_.store(chunks_, std::memory_order_relaxed);
    }
    inside_ = -1;
  }

  static void pause() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
  }

  inline static thread_local int inside_ = -1;  // the worker number of this thread while it runs a chunk

  std::vector<std::thread> workers_;
  std::mutex submit_, mutex_;
  std::condition_variable wake_;
  void* context_ = nullptr;
  Job job_ = nullptr;
  index_t chunks_ = 0;
  std::exception_ptr error_;
  std::atomic<index_t> next_{0};
  std::atomic<int> working_{0};
  std::atomic<std::uint64_t> generation_{0};
  std::atomic<bool> quit_{false};
};

inline constexpr int max_threads = 1024;

namespace detail {

/// TINYGAN_THREADS, or one thread per processor. Throws Error on anything but a number from 1 to max_threads.
inline int initial_threads() {
  const char* wish = std::getenv("TINYGAN_THREADS");
  if (!wish || !*wish) return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  char* end = nullptr;
  const long count = std::strtol(wish, &end, 10);
  check(*end == '\0' && count >= 1 && count <= max_threads, "TINYGAN_THREADS", "'", wish, "', expected 1 to ", max_threads);
  return static_cast<int>(count);
}

}  // namespace detail

/// The pool of this process, sized by TINYGAN_THREADS or to the machine until set_threads() says otherwise.
inline ThreadPool& thread_pool() {
  static ThreadPool pool(detail::initial_threads());
  return pool;
}

/// Number of threads the CPU backend uses, the caller among them.
inline int threads() { return thread_pool().threads(); }

/// Sets it. Throws Error unless 1 <= count <= max_threads. Not to be called while a kernel runs.
inline void set_threads(int count) {
  check(count >= 1 && count <= max_threads, "set_threads", count, " threads, expected 1 to ", max_threads);
  thread_pool().resize(count);
}

/// f(chunk, worker) for every chunk in [0, chunks).
template <class F>
void parallel_chunks(index_t chunks, F&& f) {
  using Body = std::remove_reference_t<F>;
  thread_pool().run(chunks, const_cast<void*>(static_cast<const void*>(&f)),
                    [](void* body, index_t chunk, int worker) { (*static_cast<Body*>(body))(chunk, worker); });
}

/// f(begin, end) over [0, n) cut into pieces of `grain` elements, the last one shorter. The cut depends on n and grain only.
template <class F>
void parallel_for(index_t n, index_t grain, F&& f) {
  parallel_chunks((n + grain - 1) / grain,
                  [&](index_t chunk, int) { f(chunk * grain, std::min(n, (chunk + 1) * grain)); });
}

}  // namespace tinygan::cpu
