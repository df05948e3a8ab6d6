// The book that the stub keeps.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "stub.hpp"

namespace stub {

struct Node {
  std::string what;
  double seconds;
  std::function<void()> run;
};
using Nodes = std::vector<Node>;

struct StreamState {
  bool blocking;  // ordered with the legacy stream
  bool capturing = false;
  Nodes recorded{};
  std::uint64_t queued = 0, waited = 0;  // operations so far, and how many of them the host knows to have ended
  std::string last{};                    // what was queued last
  std::map<const StreamState*, std::uint64_t> after{};  // operations of other streams that come before what follows
};

struct EventState {
  StreamState* stream = nullptr;  // null: not recorded
  std::uint64_t after = 0;        // operations of the stream that came before it
  double time = 0;
};

struct State {
  std::recursive_mutex mutex;
  std::vector<const char*> calls;
  Objects<StreamState> streams{"a stream"};
  Objects<EventState> events{"an event"};
  Objects<Nodes> graphs{"a graph"}, ready{"an executable graph"};
  StreamState legacy{true};
  std::set<StreamState*> used;  // streams that something was queued on, the destroyed included
  StreamState* capturing = nullptr;
  std::map<const std::byte*, std::size_t> memory, freed;
  std::map<std::string, long> counts;
  cudaError_t last_error = cudaSuccess;
  double now = 0;  // seconds of work that were queued so far
};
State& state();

inline bool is_legacy(cudaStream_t s) { return s == nullptr || s == cudaStreamLegacy; }

inline StreamState& stream_of(cudaStream_t s) { return is_legacy(s) ? state().legacy : state().streams.at(s); }

/// The host waits for every stream.
void wait_for_all();

}  // namespace stub
