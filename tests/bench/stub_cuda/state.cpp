#include "state.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace stub {

State& state() {
  static State& s = *new State;  // the program's last calls come from destructors
  return s;
}

namespace {

std::string name_of(const StreamState& s) {
  return &s == &state().legacy ? "the legacy stream" : text("stream ", static_cast<const void*>(&s));
}

/// What is queued next on `s` must come after what other streams were given.
void check_order(StreamState& s, const std::string& what) {
  for (StreamState* other : state().used) {
    if (other == &s || (s.blocking && other->blocking)) continue;
    const auto after = s.after.find(other);
    const std::uint64_t known = std::max(other->waited, after == s.after.end() ? 0 : after->second);
    if (other->queued > known)
      fault(text(what, " on ", name_of(s), " while ", other->last, " on ", name_of(*other),
                 " may still run: no synchronisation in between"));
  }
}

}  // namespace

void fault(const std::string& what) {
  const auto& calls = state().calls;
  std::fprintf(stderr, "stub CUDA: %s: %s\n", calls.empty() ? "at the end" : calls.back(), what.c_str());
  std::fflush(nullptr);
  std::abort();
}

Call::Call(const char* name) {
  state().mutex.lock();
  state().calls.push_back(name);
}
Call::~Call() {
  state().calls.pop_back();
  state().mutex.unlock();
}

cudaError_t remember(cudaError_t e) {
  if (e != cudaSuccess) state().last_error = e;
  return e;
}

void count(const std::string& what) { ++state().counts[what]; }

void queue(cudaStream_t stream, const std::string& what, double seconds, const std::function<void()>& run) {
  StreamState& s = stream_of(stream);
  count(what);
  if (s.capturing) {
    s.recorded.push_back({what, seconds, run});
    return;
  }
  if (state().capturing) fault(text(what, " on ", name_of(s), " while another stream is being captured"));
  check_order(s, what);
  ++s.queued;
  s.last = what;
  state().used.insert(&s);
  state().now += seconds;
  if (run) run();
}

void check_not_capturing() {
  if (state().capturing) fault("while a stream is being captured");
}

void wait_for(cudaStream_t stream) {
  check_not_capturing();
  StreamState& s = stream_of(stream);
  s.waited = s.queued;
  if (&s != &state().legacy) return;
  for (StreamState* other : state().used)
    if (other->blocking) other->waited = other->queued;
}

void check_memory(const void* p, std::size_t bytes, const char* what) {
  if (bytes == 0) return;
  const auto* const at = static_cast<const std::byte*>(p);
  const auto holds = [&](const std::map<const std::byte*, std::size_t>& blocks) {
    auto after = blocks.upper_bound(at);
    if (after == blocks.begin()) return false;
    --after;
    return at + bytes <= after->first + after->second;
  };
  if (holds(state().memory)) return;
  if (holds(state().freed)) fault(text(what, " lies in memory that was freed"));
  fault(text(what, ", ", bytes, " bytes, is not, or not all, in the device's memory"));
}

void wait_for_all() {
  check_not_capturing();
  state().legacy.waited = state().legacy.queued;
  for (StreamState* s : state().used) s->waited = s->queued;
}

namespace {

/// What must not be alive when the program ends, and the report.
__attribute__((destructor)) void at_the_end() {
  State& s = state();
  if (std::getenv("STUB_CUDA_REPORT")) {
    std::fprintf(stderr, "stub CUDA: %zu streams, %zu events, %zu graphs", s.streams.created(), s.events.created(),
                 s.graphs.created());
    for (const auto& [what, times] : s.counts) std::fprintf(stderr, "; %s %ld", what.c_str(), times);
    std::fprintf(stderr, "\n");
  }
  const char* const left = std::getenv("STUB_CUDA_STREAMS");
  const long streams = s.streams.alive() - (left ? std::atol(left) : 0);
  if (streams > 0) fault(text(streams, " streams too many were not destroyed"));
  if (s.events.alive() > 0) fault(text(s.events.alive(), " events were not destroyed"));
  if (s.graphs.alive() > 0) fault(text(s.graphs.alive(), " graphs were not destroyed"));
  if (s.ready.alive() > 0) fault(text(s.ready.alive(), " executable graphs were not destroyed"));
  if (s.capturing) fault("a capture was not ended");
}

}  // namespace
}  // namespace stub
