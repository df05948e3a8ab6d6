// Reading and atomic writing of files (POSIX).
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <tinygan/base/error.hpp>
#include <tinygan/base/outline.hpp>

namespace tinygan::io {

namespace detail {

/// An open file, closed when it goes out of scope.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor();
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  int get() const { return fd_; }
  bool open() const { return fd_ >= 0; }
  /// Closes now; false with errno set if the system reports a late write error.
  bool close() { return ::close(std::exchange(fd_, -1)) == 0; }

 private:
  int fd_;
};

inline std::string reason(int error) { return std::generic_category().message(error); }

/// The kind of a file that is not a regular file, for error texts.
inline const char* kind_of_file(mode_t mode) {
  if (S_ISDIR(mode)) return "a directory";
  if (S_ISCHR(mode) || S_ISBLK(mode)) return "a device";
  return S_ISFIFO(mode) ? "a pipe" : "not a regular file";
}

bool write_all(int fd, std::span<const std::uint8_t> bytes);

}  // namespace detail

/// The bytes of a file. Throws Error naming the path if it is missing, unreadable, empty or not a regular file.
std::vector<std::uint8_t> read_file(const std::filesystem::path& path);

/// Writes a file atomically: writes a temporary file in the same directory, flushes it to disk, renames it. After a
/// crash, a full disk or a kill the old file is unchanged. Throws Error naming the path and the reason.
[[gnu::visibility("default")]] void write_file(const std::filesystem::path& path, std::span<const std::uint8_t> bytes);

}  // namespace tinygan::io

#ifdef TINYGAN_FUNC

namespace tinygan::io::detail {

TINYGAN_CTOR Descriptor::~Descriptor() {
  if (fd_ >= 0) ::close(fd_);
}

TINYGAN_FUNC bool write_all(int fd, std::span<const std::uint8_t> bytes) {
  constexpr std::size_t max_write = std::size_t{1} << 30;  // write() is limited to 2 GiB
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), std::min(bytes.size(), max_write));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
  return true;
}

}  // namespace tinygan::io::detail

namespace tinygan::io {

TINYGAN_FUNC std::vector<std::uint8_t> read_file(const std::filesystem::path& path) {
  const std::string name = path.string();
  // O_NONBLOCK: open() of a pipe without a writer would block.
  detail::Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.open()) fail(name, errno == ENOENT ? "file not found" : "cannot open: " + detail::reason(errno));
  struct stat info {};
  if (::fstat(file.get(), &info) != 0) fail(name, "cannot examine: ", detail::reason(errno));
  check(S_ISREG(info.st_mode), name, "is ", detail::kind_of_file(info.st_mode), ", expected a file");
  check(info.st_size > 0, name, "the file is empty");

  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(info.st_size));
  std::size_t have = 0;
  while (have < bytes.size()) {
    const ssize_t n = ::read(file.get(), bytes.data() + have, std::min(bytes.size() - have, std::size_t{1} << 30));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail(name, "cannot read: ", detail::reason(errno));
    if (n == 0) break;
    have += static_cast<std::size_t>(n);
  }
  check(have == bytes.size(), name, "became shorter while it was read: ", have, " bytes, expected ", bytes.size());
  return bytes;
}

TINYGAN_FUNC void write_file(const std::filesystem::path& path, std::span<const std::uint8_t> bytes) {
  static std::atomic<unsigned> serial{0};
  const std::string name = path.string();
  struct stat info {};
  if (::stat(path.c_str(), &info) == 0)  // renaming over a device would destroy it
    check(S_ISREG(info.st_mode), name, "is ", detail::kind_of_file(info.st_mode), ", cannot be replaced by a file");

  std::string temporary;
  int fd = -1;
  for (int tries = 0; tries < 1000 && fd < 0; ++tries) {  // a killed process of the same number may have used the name
    temporary = text(name, ".tmp-", ::getpid(), '-', serial.fetch_add(1));
    fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0 && errno != EEXIST) break;
  }
  detail::Descriptor file(fd);
  if (!file.open()) fail(name, "cannot write: ", detail::reason(errno));
  const auto remove_and_fail = [&](const char* what) {
    const int error = errno;
    ::unlink(temporary.c_str());
    fail(name, what, ": ", detail::reason(error));
  };
  if (!detail::write_all(file.get(), bytes)) remove_and_fail("cannot write");
  if (::fsync(file.get()) != 0) remove_and_fail("cannot flush to disk");
  if (!file.close()) remove_and_fail("cannot write");
  if (::rename(temporary.c_str(), path.c_str()) != 0) remove_and_fail("cannot rename the temporary file");

  // The rename is durable once the directory is flushed. Some file systems cannot flush one; the file is complete
  // anyway.
  const std::filesystem::path parent = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  detail::Descriptor directory(::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.open()) ::fsync(directory.get());
}

}  // namespace tinygan::io

#endif
