// Asynchronous operations in flight on the emulated device: started by a thread or block, and not waited for yet.
//
// Threads of other blocks reuse the memory, and the waiting thread delivers the copies of others: not instrumented by
// ThreadSanitizer, and no vectors, which it would instrument.
#pragma once

#include <cstdint>
#include <cstdlib>

#include "sanitizer.hpp"

namespace tinygan::cuda {
namespace {
namespace emulate {

/// A copy in flight (cp.async): its bytes are held here until the thread waits for its group.
struct PendingCopy {
  void* to;
  unsigned char bytes[16];
  unsigned size, group;
};

/// The cp.async of one thread, oldest first. Memory is freed at the end only: ThreadSanitizer instruments free() too.
class PendingCopies {
 public:
  PendingCopies() = default;
  ~PendingCopies() {
    while (allocation_count_ > 0) std::free(allocations_[--allocation_count_]);
  }
  PendingCopies(const PendingCopies&) = delete;
  PendingCopies& operator=(const PendingCopies&) = delete;

  TINYGAN_NO_SANITIZE void clear() { first_ = end_ = groups_ = 0; }
  TINYGAN_NO_SANITIZE void commit_group() { ++groups_; }
  TINYGAN_NO_SANITIZE void start(PendingCopy copy) {
    if (end_ == capacity_) {
      capacity_ = 2 * capacity_ + 16;
      void* const larger = std::malloc(capacity_ * sizeof(PendingCopy));
      if (!larger || allocation_count_ == max_allocations) std::abort();  // of a few kilobytes
      allocations_[allocation_count_++] = larger;
      const PendingCopy* const smaller = copies_;
      copies_ = static_cast<PendingCopy*>(larger);
      for (unsigned i = 0; i < end_; ++i) copies_[i] = smaller[i];
    }
    copy.group = groups_;
    copies_[end_++] = copy;
  }
  /// Removes the oldest copy, unless it belongs to the `pending` latest groups or to none yet.
  TINYGAN_NO_SANITIZE bool pop(unsigned pending, PendingCopy& copy) {
    if (first_ == end_ || copies_[first_].group + pending >= groups_) return false;
    copy = copies_[first_++];
    if (first_ == end_) first_ = end_ = 0;
    return true;
  }

 private:
  static constexpr unsigned max_allocations = 16;
  PendingCopy* copies_ = nullptr;
  unsigned first_ = 0, end_ = 0, capacity_ = 0, groups_ = 0;
  void* allocations_[max_allocations];  // the latest is in use
  unsigned allocation_count_ = 0;
};

/// A tensor copy in flight (TMA): done when some thread waits at its mbarrier. `fill` writes the bytes.
struct PendingBulk {
  void* barrier;
  void* to;
  void (*fill)(const PendingBulk&);
  const void* map;
  int at[4];
};

/// The tensor copies of one block, oldest first.
class PendingBulks {
 public:
  static constexpr unsigned capacity = 64;

  TINYGAN_NO_SANITIZE void clear() { count_ = 0; }
  TINYGAN_NO_SANITIZE unsigned count() const { return count_; }
  /// False if the list is full.
  TINYGAN_NO_SANITIZE bool start(const PendingBulk& copy) {
    if (count_ == capacity) return false;
    copies_[count_++] = copy;
    return true;
  }
  /// Delivers the copies bound for `barrier`, in the order in which they were started.
  TINYGAN_NO_SANITIZE void finish(const void* barrier) {
    for (unsigned i = 0; i < count_;) {
      if (copies_[i].barrier != barrier) {
        ++i;
        continue;
      }
      const PendingBulk copy = copies_[i];
      --count_;
      for (unsigned k = i; k < count_; ++k) copies_[k] = copies_[k + 1];
      copy.fill(copy);
    }
  }

 private:
  PendingBulk copies_[capacity];
  unsigned count_ = 0;
};

/// A warpgroup product in flight (wgmma): done when its thread waits for its group.
struct PendingProduct {
  void* accumulator;
  std::uint64_t a, b;  // descriptors
  void (*multiply)(const PendingProduct* const (&lanes)[32], unsigned warp);
  unsigned group;
};

/// The wgmma of one thread, oldest first.
class PendingProducts {
 public:
  static constexpr unsigned capacity = 16;

  TINYGAN_NO_SANITIZE void clear() { count_ = groups_ = 0; }
  TINYGAN_NO_SANITIZE void commit_group() { ++groups_; }
  /// False if the list is full.
  TINYGAN_NO_SANITIZE bool start(PendingProduct p) {
    if (count_ == capacity) return false;
    p.group = groups_;
    products_[count_++] = p;
    return true;
  }
  /// Products in groups other than the `pending` latest.
  TINYGAN_NO_SANITIZE unsigned due(unsigned pending) const {
    unsigned n = 0;
    while (n < count_ && products_[n].group + pending < groups_) ++n;
    return n;
  }
  TINYGAN_NO_SANITIZE const PendingProduct& operator[](unsigned i) const { return products_[i]; }
  TINYGAN_NO_SANITIZE void erase_oldest(unsigned n) {
    count_ -= n;
    for (unsigned i = 0; i < count_; ++i) products_[i] = products_[i + n];
  }

 private:
  PendingProduct products_[capacity];
  unsigned count_ = 0, groups_ = 0;
};

}  // namespace emulate
}  // namespace
}  // namespace tinygan::cuda
