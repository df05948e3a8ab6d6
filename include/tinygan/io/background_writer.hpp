// BackgroundWriter: a thread that writes files while training goes on.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include <tinygan/base/error.hpp>
#include <tinygan/base/fork.hpp>
#include <tinygan/base/outline.hpp>

namespace tinygan::io {

/// Runs jobs sequentially, in the order of their submission, in a thread of its own. A job owns copies of its data. If
/// a job throws, later jobs are dropped, and every call rethrows its exception. In a child of fork() the thread does
/// not exist: calls throw Error there, and the parent alone finishes the jobs.
class BackgroundWriter {
 public:
  /// At most `capacity` jobs wait: with a slow disk the run is slower, and memory use stays bounded. Throws Error if
  /// the thread cannot be started.
  explicit BackgroundWriter(std::size_t capacity = 8);

  /// Finishes all jobs. Ignores exceptions: call flush() before to see them.
  ~BackgroundWriter();
  BackgroundWriter(const BackgroundWriter&) = delete;
  BackgroundWriter& operator=(const BackgroundWriter&) = delete;

  /// Appends a job; waits if the queue is full. Rethrows the exception of an earlier job.
  void submit(std::function<void()> job);

  /// Waits for all jobs. Rethrows the exception of a job.
  void flush();

 private:
  /// State shared by the thread and the callers.
  struct Queue {
    std::size_t capacity;
    std::mutex mutex{};
    std::condition_variable changed{};
    std::deque<std::function<void()>> waiting{};
    bool busy = false, closing = false;
    std::exception_ptr failure{};

    void work() {
      std::unique_lock lock(mutex);
      for (;;) {
        changed.wait(lock, [this] { return !waiting.empty() || closing; });
        if (waiting.empty()) return;
        std::function<void()> job = std::move(waiting.front());
        waiting.pop_front();
        busy = true;
        lock.unlock();
        changed.notify_all();  // there is room for one more
        std::exception_ptr thrown;
        try {
          job();
        } catch (...) {
          thrown = std::current_exception();
        }
        job = nullptr;  // frees its copies before flush() returns
        lock.lock();
        busy = false;
        if (thrown) {
          failure = thrown;
          waiting.clear();
        }
        changed.notify_all();
        if (failure) return;
      }
    }
  };

  bool is_inherited() const { return process_ != tinygan::detail::fork_count(); }
  Queue& queue() const;

  std::uint32_t process_ = tinygan::detail::fork_count();
  std::unique_ptr<Queue> queue_;
  std::thread thread_;
};

}  // namespace tinygan::io

#ifdef TINYGAN_FUNC

namespace tinygan::io {

TINYGAN_CTOR BackgroundWriter::BackgroundWriter(std::size_t capacity) : queue_(new Queue{.capacity = capacity}) {
  try {
    thread_ = std::thread([queue = queue_.get()] { queue->work(); });
  } catch (const std::system_error& e) {
    fail("background writer", "cannot start a thread: ", e.code().message());
  }
}

TINYGAN_CTOR BackgroundWriter::~BackgroundWriter() {
  if (is_inherited()) {
    thread_.detach();
    static_cast<void>(queue_.release());  // the parent's thread may have held its lock
    return;
  }
  {
    const std::lock_guard lock(queue_->mutex);
    queue_->closing = true;
  }
  queue_->changed.notify_all();
  thread_.join();
}

TINYGAN_FUNC void BackgroundWriter::submit(std::function<void()> job) {
  Queue& q = queue();
  std::unique_lock lock(q.mutex);
  q.changed.wait(lock, [&q] { return q.waiting.size() < q.capacity || q.failure; });
  if (q.failure) std::rethrow_exception(q.failure);
  q.waiting.push_back(std::move(job));
  q.changed.notify_all();
}

TINYGAN_FUNC void BackgroundWriter::flush() {
  Queue& q = queue();
  std::unique_lock lock(q.mutex);
  q.changed.wait(lock, [&q] { return (q.waiting.empty() && !q.busy) || q.failure; });
  if (q.failure) std::rethrow_exception(q.failure);
}

TINYGAN_FUNC BackgroundWriter::Queue& BackgroundWriter::queue() const {
  check(!is_inherited(), "background writer", "the thread is in the parent process; make a new writer after fork()");
  return *queue_;
}

}  // namespace tinygan::io

#endif
