// Event files of TensorBoard: scalars and images over the steps of a run.
//
// A file is a sequence of records: length (8 bytes), masked CRC-32C of those, data, masked CRC-32C of the data; numbers
// little-endian. The data is an Event in protocol buffer encoding. These fields are written:
//   Event        1 wall_time (double)   2 step (varint)   3 file_version (bytes)   5 summary   7 session_log
//   Summary      1 value (repeated)     Value: 1 tag   2 simple_value (float)   4 image
//   Image        1 height   2 width   3 colorspace (1 grey, 3 RGB)   4 encoded_image_string (PNG)
//   SessionLog   1 status (1 START): readers discard events of earlier files from this step on
// Sources: tensorflow/core/lib/io/record_writer.cc, tensorflow/core/util/event.proto, .../framework/summary.proto.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <tinygan/base/error.hpp>
#include <tinygan/base/outline.hpp>
#include <tinygan/base/shape.hpp>
#include <tinygan/io/byte_writer.hpp>
#include <tinygan/io/checksum.hpp>
#include <tinygan/io/file.hpp>
#include <tinygan/io/protocol_buffer.hpp>

namespace tinygan::io {

namespace detail {

/// A CRC in masked form, as it may be part of data with a CRC.
constexpr std::uint32_t masked(std::uint32_t crc) { return std::rotr(crc, 15) + 0xA282EAD8u; }

/// `data` as a record of an event file.
std::vector<std::uint8_t> event_record(std::span<const std::uint8_t> data);

}  // namespace detail

/// The size of an image, and its channels: 1 grey, 3 RGB.
struct ImageExtents {
  index_t height = 0, width = 0, channels = 1;
};

/// Writes one event file. Every call appends complete records or, if it throws, none. Not thread-safe.
class EventFile {
 public:
  /// A value and its tag, "group/name".
  struct Scalar {
    std::string tag;
    double value;
  };

  /// A new file in `directory`, last in the reading order. A resumed run writes a new file; readers discard the events
  /// of earlier files from `first_step` on. Wall times are seconds since 1970. Throws Error if the file cannot be
  /// created.
  EventFile(const std::filesystem::path& directory, double wall_time, std::int64_t first_step = 0);

  const std::filesystem::path& path() const { return path_; }

  /// The values of one step. Throws Error if they cannot be written.
  void scalars(std::int64_t step, std::span<const Scalar> values, double wall_time);

  /// An image as the bytes of a PNG file of 1 or 3 channels. Throws Error if it cannot be written.
  void image(std::int64_t step, const std::string& tag, std::span<const std::uint8_t> png, const ImageExtents& extents,
             double wall_time);

 private:
  using Message = detail::Message;
  static constexpr std::string_view prefix_ = "events.out.tfevents.";

  /// "events.out.tfevents.<seconds>.<number>.tinygan": TensorBoard reads a directory's files in the order of their
  /// names, so the seconds never decrease, even if the clock does, and the number is one more than the highest.
  static std::filesystem::path next_path(const std::filesystem::path& directory, double wall_time);

  static std::string padded(std::uint64_t n, std::size_t digits);

  static Message event(double wall_time, std::int64_t step) { return Message().real(1, wall_time).integer(2, step); }

  void append(const Message& event);

  std::filesystem::path path_;
  detail::Descriptor file_;
  off_t size_ = 0;  // of the complete records
};

}  // namespace tinygan::io

#ifdef TINYGAN_FUNC

namespace tinygan::io::detail {

TINYGAN_FUNC std::vector<std::uint8_t> event_record(std::span<const std::uint8_t> data) {
  ByteWriter record;
  record.u64(data.size());
  record.u32(masked(crc32c(record.bytes())));
  return std::move(record.raw(data).u32(masked(crc32c(data)))).bytes();
}

}  // namespace tinygan::io::detail

namespace tinygan::io {

TINYGAN_CTOR EventFile::EventFile(const std::filesystem::path& directory, double wall_time, std::int64_t first_step)
    : path_(next_path(directory, wall_time)),
      file_(::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0666)) {
  if (!file_.open()) fail(path_.string(), "cannot write: ", detail::reason(errno));
  append(event(wall_time, 0).bytes(3, std::string_view("brain.Event:2")));
  append(event(wall_time, first_step).message(7, Message().integer(1, 1)));
}

TINYGAN_FUNC void EventFile::scalars(std::int64_t step, std::span<const Scalar> values, double wall_time) {
  Message summary;
  for (const Scalar& s : values) summary.message(1, Message().bytes(1, s.tag).real(2, static_cast<float>(s.value)));
  append(event(wall_time, step).message(5, summary));
}

TINYGAN_FUNC void EventFile::image(std::int64_t step, const std::string& tag, std::span<const std::uint8_t> png,
                                   const ImageExtents& extents, double wall_time) {
  const Message image =
      Message().integer(1, extents.height).integer(2, extents.width).integer(3, extents.channels).bytes(4, png);
  append(event(wall_time, step).message(5, Message().message(1, Message().bytes(1, tag).message(4, image))));
}

TINYGAN_FUNC std::filesystem::path EventFile::next_path(const std::filesystem::path& directory, double wall_time) {
  auto seconds = static_cast<std::uint64_t>(std::clamp(wall_time, 0.0, 9999999999.0));
  std::uint64_t number = 0;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(prefix_)) continue;
    const char* end = name.data() + name.size();
    std::uint64_t s = 0, n = 0;
    const auto [dot, ok] = std::from_chars(name.data() + prefix_.size(), end, s);
    if (ok != std::errc{} || dot == end || s > 9999999999u) continue;
    if (std::from_chars(dot + 1, end, n).ec == std::errc{} && n < 99999) number = std::max(number, n + 1);
    seconds = std::max(seconds, s);
  }
  if (error) fail(directory.string(), "cannot list the directory: ", error.message());
  return directory / text(prefix_, padded(seconds, 10), '.', padded(number, 5), ".tinygan");
}

TINYGAN_FUNC std::string EventFile::padded(std::uint64_t n, std::size_t digits) {
  const std::string s = std::to_string(n);
  return std::string(digits - std::min(digits, s.size()), '0') + s;
}

TINYGAN_FUNC void EventFile::append(const Message& event) {
  const std::vector<std::uint8_t> record = detail::event_record(event.encoded());
  if (!detail::write_all(file_.get(), record)) {
    const int error = errno;
    // Removes an incomplete record, after which no other could be read. If that fails, the reader's checksum detects
    // it.
    [[maybe_unused]] const int cut = ::ftruncate(file_.get(), size_);
    fail(path_.string(), "cannot write: ", detail::reason(error));
  }
  size_ += static_cast<off_t>(record.size());
}

}  // namespace tinygan::io

#endif
