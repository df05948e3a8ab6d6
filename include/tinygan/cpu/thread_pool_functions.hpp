// The functions of cpu/thread_pool.hpp.
#pragma once

#include <tinygan/cpu/thread_pool.hpp>

#ifdef TINYGAN_FUNC

namespace tinygan::cpu {

TINYGAN_CTOR ThreadPool::ThreadPool(int threads, std::string_view where) : ThreadPool() {
  set_size(*team_.load(), threads, where);
}

TINYGAN_CTOR ThreadPool::ThreadPool(AtMost wish) : ThreadPool() {
  Team& team = *team_.load();
  grow(team, workers_of(wish.threads, "ThreadPool"));
  threads_.store(static_cast<int>(team.workers.size()) + 1);
}

TINYGAN_CTOR ThreadPool::~ThreadPool() {
  Team* const team = team_.load();
  if (is_inherited(*team)) {
    abandon(team);
  } else {
    shrink(*team, 0);
    delete team;
  }
}

TINYGAN_FUNC void ThreadPool::resize(int threads, std::string_view where) {
  check(inside_.worker < 0, where, "the number of threads cannot change inside a job");
  Team& current = team();
  const std::lock_guard busy(current.submit);
  set_size(current, threads, where);
}

TINYGAN_FUNC void ThreadPool::run(index_t chunks, void* context, Job job) {
  if (chunks <= 0) return;
  if (inside_.worker >= 0 || threads() == 1 || chunks == 1) return run_serially(chunks, context, job);
  Team& current = team();
  const std::unique_lock busy(current.submit, std::try_to_lock);
  if (!busy) return run_serially(chunks, context, job);  // another user thread has the pool
  renew(current);
  for (index_t first = 0; first < chunks; first += most_chunks)
    run_part(current, first, std::min(chunks, first + most_chunks), context, job);
}

TINYGAN_FUNC void ThreadPool::end() {
  Team* const team = team_.load();
  if (inside_.worker >= 0 || is_inherited(*team)) return;
  const std::unique_lock busy(team->submit, std::try_to_lock);
  if (busy) shrink(*team, 0);
}

TINYGAN_FUNC ThreadPool::Team& ThreadPool::team() {
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

TINYGAN_FUNC void ThreadPool::abandon(Team* team) {
  team->next = abandoned_.load();
  while (!abandoned_.compare_exchange_weak(team->next, team)) {
  }
}

TINYGAN_FUNC std::size_t ThreadPool::workers_of(int threads, std::string_view where) {
  check(threads >= 1 && threads <= max_threads, where, threads, " threads, expected 1 to ", max_threads);
  return static_cast<std::size_t>(threads) - 1;
}

TINYGAN_FUNC void ThreadPool::set_size(Team& team, int threads, std::string_view where) {
  const std::size_t before = team.workers.size(), count = workers_of(threads, where);
  if (const std::string reason = grow(team, count); !reason.empty()) {
    const std::size_t got = team.workers.size() + 1;
    shrink(team, before);
    fail(where, threads, " threads, but the system starts only ", got, " (", reason, ")");
  }
  shrink(team, count);
  threads_.store(threads);
}

TINYGAN_FUNC std::string ThreadPool::grow(Team& team, std::size_t count) {
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

TINYGAN_FUNC void ThreadPool::shrink(Team& team, std::size_t count) {
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

TINYGAN_FUNC void ThreadPool::renew(Team& team) {
  const bool worn_out = team.generation.load(std::memory_order_relaxed) - team.started_at >= most_jobs;
  if (team.started && !worn_out) return;
  const std::size_t count = worn_out ? team.workers.size() : static_cast<std::size_t>(threads()) - 1;
  shrink(team, 0);
  grow(team, count);
}

TINYGAN_FUNC void ThreadPool::run_serially(index_t chunks, void* context, Job job) {
  const Inside outer = inside_;
  inside_ = {this, outer.pool == this ? outer.worker : 0};
  struct Restore {
    Inside outer;
    ~Restore() { inside_ = outer; }
  } restore{outer};
  for (index_t c = 0; c < chunks; ++c) job(context, c, inside_.worker);
}

TINYGAN_FUNC void ThreadPool::run_part(Team& team, index_t first, index_t last, void* context, Job job) {
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

TINYGAN_FUNC void ThreadPool::loop(Team& team, int worker, std::uint64_t seen) {
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

TINYGAN_FUNC bool ThreadPool::has_chunk(std::uint64_t ticket, std::uint64_t generation) {
  return ticket >> 32 == (generation & 0xffffffffu) && (ticket & 0xffffffffu) != 0;
}

TINYGAN_FUNC void ThreadPool::work(Team& team, int worker, std::uint64_t generation) {
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

TINYGAN_FUNC index_t ThreadPool::drop_chunks(Team& team, std::uint64_t generation) {
  for (std::uint64_t ticket = team.ticket.load(std::memory_order_acquire); has_chunk(ticket, generation);)
    if (team.ticket.compare_exchange_weak(ticket, generation << 32, std::memory_order_acq_rel,
                                          std::memory_order_acquire))
      return static_cast<index_t>(ticket & 0xffffffffu);
  return 0;
}

TINYGAN_FUNC void ThreadPool::pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("isb");  // a delay like x86's pause; `yield` does nothing on most processors (rust-lang/rust#84725)
#endif
}

}  // namespace tinygan::cpu

namespace tinygan::cpu::detail {

TINYGAN_FUNC int threads_of_environment() {
  const char* const wish = std::getenv("TINYGAN_THREADS");
  if (!wish) return 0;
  const std::string_view text = wish;
  int count = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), count);
  check(end.ec == std::errc{} && end.ptr == text.data() + text.size() && count >= 1 && count <= max_threads,
        "TINYGAN_THREADS", "'", text, "', expected a number from 1 to ", max_threads);
  return count;
}

TINYGAN_FUNC ThreadPool& ProcessPool::get() {
  if (ThreadPool* const made = pool.load(std::memory_order_acquire)) return *made;
  const std::lock_guard lock(mutex);
  if (ThreadPool* const made = pool.load(std::memory_order_relaxed)) return *made;
  const int wish = threads_of_environment();
  auto* const made = wish ? new ThreadPool(wish, "TINYGAN_THREADS")
                          : new ThreadPool(ThreadPool::AtMost{std::min(usable_processors(), max_threads)});
  pool.store(made, std::memory_order_release);
  return *made;
}

TINYGAN_CTOR ProcessPool::~ProcessPool() {
  if (ThreadPool* const made = pool.load()) made->end();
}

}  // namespace tinygan::cpu::detail

#endif
