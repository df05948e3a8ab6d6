// MemoryPool: a caching allocator for the memory of one device. Its segments live until the program ends.
//
// Best fit with splitting and merging inside large segments. A training step repeats its sequence of allocations. From
// the second step on each of them gets the same address, and the system allocates nothing. Graph capture needs that on
// a GPU; on a CPU it saves page faults.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <set>
#include <utility>
#include <vector>

#include <tinygan/base/error.hpp>
#include <tinygan/base/outline.hpp>

namespace tinygan {

/// Bytes and counts since the start; `system_allocations` is constant in the steady state of a loop.
struct MemoryPoolStats {
  std::size_t in_use = 0, peak_in_use = 0, reserved = 0, system_allocations = 0;
};

/// A caching allocator of one device: blocks of large segments, best fit, split and merged.
class MemoryPool {
 public:
  /// A run of bytes inside a segment, linked to its neighbours by address.
  struct Block {
    std::byte* data = nullptr;
    std::size_t size = 0;
    bool free = false;
    Block *prev = nullptr, *next = nullptr;
  };

  /// Memory from the system, or null.
  using SystemAllocate = void* (*)(std::size_t bytes, int device_index);

  static constexpr std::size_t alignment = 256;

  MemoryPool(SystemAllocate system, int device_index) : system_(system), device_index_(device_index) {}

  /// A block of at least `bytes`. Throws Error if the system is out of memory.
  Block* allocate(std::size_t bytes);

  /// Gives a block back to the pool, merged with its free neighbours.
  void release(Block* block);

  MemoryPoolStats stats() const;
  /// Peak use counts from now on.
  void reset_peak();

  /// Exclude other threads, for fork().
  void lock() { mutex_.lock(); }
  /// Ends lock(), in the parent and in the child.
  void unlock() { mutex_.unlock(); }

 private:
  static constexpr std::size_t segment_unit = std::size_t{2} << 20;  // a huge page
  static constexpr std::size_t largest_growth = std::size_t{64} << 20;
  static constexpr std::size_t max_bytes = PTRDIFF_MAX - segment_unit;  // may be rounded up

  struct Key {
    std::size_t size;
    std::byte* data;
    Block* block;
    bool operator<(const Key& other) const { return size != other.size ? size < other.size : data < other.data; }
  };
  using FreeSet = std::set<Key>;

  static std::size_t round_up(std::size_t n, std::size_t unit) { return (n + unit - 1) / unit * unit; }
  static Key key(Block* b) { return {b->size, b->data, b}; }

  /// A new segment of at least a quarter of the reserved bytes, so that the number of segments grows with their
  /// logarithm.
  FreeSet::iterator grow(std::size_t size);

  void split(Block* block, std::size_t size);

  /// Merges a free block with its free right neighbour and removes from free_ those that are in it.
  void merge(Block* left, Block* right, bool left_listed = false);

  Block* new_block();

  /// Adds a block to free_ and removes one. The set's nodes are kept: each would be an allocation of its own.
  FreeSet::iterator list(Block* block);
  void unlist(FreeSet::iterator listed) { nodes_.push_back(free_.extract(listed)); }

  mutable std::mutex mutex_;
  SystemAllocate system_;
  int device_index_;
  FreeSet free_;
  std::vector<std::unique_ptr<Block>> owned_;
  std::vector<Block*> spare_;
  std::vector<FreeSet::node_type> nodes_;
  MemoryPoolStats stats_;
};

}  // namespace tinygan

#ifdef TINYGAN_FUNC

namespace tinygan {

TINYGAN_FUNC MemoryPool::Block* MemoryPool::allocate(std::size_t bytes) {
  check(bytes <= max_bytes, "memory", bytes, " bytes, more than ", max_bytes);
  const std::size_t size = round_up(std::max<std::size_t>(bytes, 1), alignment);
  const std::lock_guard lock(mutex_);
  auto found = free_.lower_bound(Key{size, nullptr, nullptr});
  if (found == free_.end()) found = grow(size);
  Block* block = found->block;
  unlist(found);
  if (block->size > size) split(block, size);
  block->free = false;
  stats_.in_use += block->size;
  stats_.peak_in_use = std::max(stats_.peak_in_use, stats_.in_use);
  return block;
}

TINYGAN_FUNC void MemoryPool::release(Block* block) {
  const std::lock_guard lock(mutex_);
  stats_.in_use -= block->size;
  block->free = true;
  if (block->next && block->next->free) merge(block, block->next);
  if (block->prev && block->prev->free) {
    block = block->prev;
    merge(block, block->next, true);
  }
  list(block);
}

TINYGAN_FUNC MemoryPoolStats MemoryPool::stats() const {
  const std::lock_guard lock(mutex_);
  return stats_;
}

TINYGAN_FUNC void MemoryPool::reset_peak() {
  const std::lock_guard lock(mutex_);
  stats_.peak_in_use = stats_.in_use;
}

TINYGAN_FUNC MemoryPool::FreeSet::iterator MemoryPool::grow(std::size_t size) {
  const std::size_t quarter = std::min(largest_growth, stats_.reserved / 4);
  const std::size_t bytes = round_up(std::max(size, quarter), segment_unit);
  auto* const data = static_cast<std::byte*>(system_(bytes, device_index_));
  Block* block = new_block();
  *block = {data, bytes, true, nullptr, nullptr};
  stats_.reserved += bytes;
  ++stats_.system_allocations;
  return list(block);
}

TINYGAN_FUNC MemoryPool::FreeSet::iterator MemoryPool::list(Block* block) {
  if (nodes_.empty()) return free_.insert(key(block)).first;
  FreeSet::node_type node = std::move(nodes_.back());
  nodes_.pop_back();
  node.value() = key(block);
  return free_.insert(std::move(node)).position;
}

TINYGAN_FUNC void MemoryPool::split(Block* block, std::size_t size) {
  Block* rest = new_block();
  *rest = {block->data + size, block->size - size, true, block, block->next};
  if (rest->next) rest->next->prev = rest;
  block->next = rest;
  block->size = size;
  list(rest);
}

TINYGAN_FUNC void MemoryPool::merge(Block* left, Block* right, bool left_listed) {
  unlist(free_.find(key(left_listed ? left : right)));
  left->size += right->size;
  left->next = right->next;
  if (left->next) left->next->prev = left;
  spare_.push_back(right);
}

TINYGAN_FUNC MemoryPool::Block* MemoryPool::new_block() {
  if (spare_.empty()) {
    owned_.push_back(std::make_unique<Block>());
    return owned_.back().get();
  }
  Block* block = spare_.back();
  spare_.pop_back();
  return block;
}

}  // namespace tinygan

#endif
