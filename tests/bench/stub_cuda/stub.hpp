// A CUDA runtime without a GPU: host memory, kernels that do nothing, and a strict book of streams, events, graphs and
// memory. Whatever is used after its end, before its time or without synchronisation ends the program by abort().
//
// LD_PRELOAD=libstub_cuda.so replaces libcudart, libcublasLt and libcudnn in a program that was linked with
// CMAKE_CUDA_RUNTIME_LIBRARY=Shared. Environment: STUB_CUDA_STREAMS, how many streams may be alive at the end of the
// program (default 0); STUB_CUDA_REPORT, if set, prints what was counted at the end.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <sstream>
#include <string>

namespace stub {

/// The mistake on standard error, with the name of the call, then abort().
[[noreturn]] void fault(const std::string& what);

template <class... Parts>
std::string text(const Parts&... parts) {
  std::ostringstream out;
  (out << ... << parts);
  return out.str();
}

/// Alive during a call of the program: holds the lock, and names the call in messages.
class Call {
 public:
  explicit Call(const char* name);
  ~Call();
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;
};

/// Objects of one kind. Their handles are never reused, so a destroyed one is always recognised.
template <class T>
class Objects {
 public:
  explicit Objects(const char* kind) : kind_(kind) {}

  void* create(T value) {
    auto object = std::make_unique<Object>(Object{std::move(value), true});
    void* const handle = object.get();
    all_.emplace(handle, std::move(object));
    ++alive_;
    return handle;
  }
  T& at(const void* handle) {
    const auto found = all_.find(handle);
    if (found == all_.end()) fault(text(handle ? "something that is not " : "null instead of ", kind_));
    if (!found->second->alive) fault(text(kind_, " that was destroyed"));
    return found->second->value;
  }
  void destroy(const void* handle) {
    at(handle);
    all_.find(handle)->second->alive = false;
    --alive_;
  }
  long alive() const { return alive_; }
  std::size_t created() const { return all_.size(); }

 private:
  struct Object {
    T value;
    bool alive;
  };
  const char* kind_;
  std::map<const void*, std::unique_ptr<Object>> all_;
  long alive_ = 0;
};

/// Work of a stream: it is checked against what other streams still do, and recorded if the stream is being captured.
/// `run` moves the bytes, now or when the graph is launched; `seconds` is what events will see.
void queue(cudaStream_t stream, const std::string& what, double seconds, const std::function<void()>& run = {});

/// The host waits for a stream, which must not be capturing.
void wait_for(cudaStream_t stream);

/// A fault unless [p, p + bytes) lies in memory that was allocated and not freed.
void check_memory(const void* p, std::size_t bytes, const char* what);

/// A fault while any stream is being captured.
void check_not_capturing();

/// Shared memory that a block may ask for.
inline constexpr std::size_t most_shared_bytes = 227 << 10;

/// Keeps an error for cudaGetLastError().
cudaError_t remember(cudaError_t);

/// One more of something, for the report at the end.
void count(const std::string& what);

}  // namespace stub

#define STUB_CALL const ::stub::Call call(__func__)
