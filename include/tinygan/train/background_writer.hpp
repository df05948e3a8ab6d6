// BackgroundWriter: a thread that writes files while training goes on.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include <tinygan/base/error.hpp>

namespace tinygan::train {

/// Runs jobs one after the other, in the order in which they were given, in a thread of its own. A job owns copies of
/// what it writes. After a job has thrown, the later ones are dropped, and every call throws what it threw.
class BackgroundWriter {
 public:
  /// At most `capacity` jobs wait, so that a slow disk slows the run instead of filling the memory. Throws Error if the system
  /// starts no thread.
  explicit BackgroundWriter(std::size_t capacity = 8) : capacity_(capacity) {
    try {
      thread_ = std::thread([this] { work(); });
    } catch (const std::system_error& e) {
      fail("background writer", "the system starts no thread (", e.code().message(), ")");
    }
  }

  /// Finishes what was given. An error is lost here: call flush() to hear of it.
  ~BackgroundWriter() {
    {
      const std::lock_guard lock(mutex_);
      closing_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }
  BackgroundWriter(const BackgroundWriter&) = delete;
  BackgroundWriter& operator=(const BackgroundWriter&) = delete;

  /// Waits only if the queue is full. Throws what an earlier job threw.
  void submit(std::function<void()> job) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return waiting_.size() < capacity_ || failure_; });
    if (failure_) std::rethrow_exception(failure_);
    waiting_.push_back(std::move(job));
    changed_.notify_all();
  }

  /// Waits for all jobs. Throws what one of them threw.
  void flush() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return (waiting_.empty() && !busy_) || failure_; });
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  void work() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [this] { return !waiting_.empty() || closing_; });
      if (waiting_.empty()) return;
      std::function<void()> job = std::move(waiting_.front());
      waiting_.pop_front();
      busy_ = true;
      lock.unlock();
      changed_.notify_all();  // there is room for one more
      std::exception_ptr failure;
      try {
        job();
      } catch (...) {
        failure = std::current_exception();
      }
      job = nullptr;  // frees its copies before anybody waits for it
      lock.lock();
      busy_ = false;
      if (failure) {
        failure_ = failure;
        waiting_.clear();
      }
      changed_.notify_all();
      if (failure_) return;
    }
  }

  std::size_t capacity_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> waiting_;
  bool busy_ = false, closing_ = false;
  std::exception_ptr failure_;
  std::thread thread_;
};

}  // namespace tinygan::train
