// Zip archives: a strict reader of what zipfile, zip and NumPy write.
//
// An archive is its members, each behind a local header, then the central directory, which repeats the headers, then
// the end record. Read are members that are stored or deflated; members and archive are below 4 GiB. Members cover the
// bytes before the directory without gap or overlap, so that no byte is decoded twice. Errors: zip64 (but for the local
// headers that NumPy writes, whose sizes stand in a zip64 field), encryption, several volumes, a comment of the
// archive, and a local header that differs from the directory.
// Source: PKWARE's APPNOTE.TXT, sections 4.3 to 4.5.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tinygan/base/error.hpp>
#include <tinygan/base/outline.hpp>
#include <tinygan/io/checksum.hpp>
#include <tinygan/io/file_kind.hpp>
#include <tinygan/io/inflate.hpp>
#include <tinygan/io/json.hpp>

namespace tinygan::io {

/// One file in an archive.
struct ZipMember {
  std::string name;
  std::vector<std::uint8_t> bytes;
};

/// The members of an archive in the order of their data, uncompressed, their CRC-32 checked. Throws Error naming `name`
/// and the member if the archive is damaged, truncated, needs what this reader lacks, or if the members together are
/// larger than `limit` when uncompressed.
std::vector<ZipMember> decode_zip(std::span<const std::uint8_t> bytes, std::size_t limit, const std::string& name);

}  // namespace tinygan::io

#ifdef TINYGAN_FUNC

namespace tinygan::io::detail {

/// An entry of the central directory.
struct ZipEntry {
  std::string name;
  std::uint16_t flags = 0, method = 0;
  std::uint32_t crc = 0, compressed = 0, size = 0, offset = 0;
};

class ZipReader {
 public:
  ZipReader(std::span<const std::uint8_t> bytes, std::size_t limit, const std::string& name)
      : bytes_(bytes), limit_(limit), name_(name) {}

  std::vector<ZipMember> run() {
    std::vector<ZipEntry> entries = read_directory();
    std::stable_sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.offset < b.offset; });
    std::vector<ZipMember> members;
    std::size_t at = 0;
    for (const ZipEntry& e : entries) {
      check(e.offset == at, name_, member(e), " begins at byte ", e.offset, ", expected ", at,
            e.offset < at ? " (overlap)" : " (gap)");
      const std::span<const std::uint8_t> data = data_of(e);
      at = static_cast<std::size_t>(data.data() - bytes_.data()) + data.size();
      members.push_back({e.name, decode(e, data)});
    }
    check(at == directory_, name_, "the directory begins at byte ", directory_, ", expected ", at,
          ", the end of the last member");
    return members;
  }

 private:
  static constexpr std::uint32_t local_signature = 0x04034B50, entry_signature = 0x02014B50,
                                 zip64_signature = 0x07064B50, end_signature = 0x06054B50;
  static constexpr std::size_t local_size = 30, entry_size = 46, zip64_size = 20, end_size = 22;
  static constexpr std::uint32_t in_zip64 = 0xFFFFFFFF;  // the value of a 32-bit field that a zip64 field replaces

  std::uint16_t u16(std::size_t at) const { return load_little_endian<std::uint16_t>(bytes_.data() + at); }
  std::uint32_t u32(std::size_t at) const { return load_little_endian<std::uint32_t>(bytes_.data() + at); }
  std::string text_at(std::size_t at, std::size_t n) const {
    return {reinterpret_cast<const char*>(bytes_.data()) + at, n};
  }
  static std::string member(const ZipEntry& e) { return "member " + shown(e.name); }

  /// The end record's position.
  std::size_t find_end() const {
    const bool begins = bytes_.size() >= 4 && (u32(0) == local_signature || u32(0) == end_signature);
    if (!begins) {
      const std::string kind = kind_of_content(bytes_);
      fail(name_, "not a zip archive", kind.empty() ? "" : ": it seems to be " + kind);
    }
    const bool ends = bytes_.size() >= end_size && u32(bytes_.size() - end_size) == end_signature;
    check(ends, name_, "the zip archive is truncated, or a comment follows it: no end record in its last 22 bytes");
    return bytes_.size() - end_size;
  }

  std::vector<ZipEntry> read_directory() {
    const std::size_t end = find_end();
    const std::uint16_t count = u16(end + 10);
    const std::uint32_t size = u32(end + 12), offset = u32(end + 16);
    const bool zip64 = end >= zip64_size && u32(end - zip64_size) == zip64_signature;
    check(!zip64 && count != 0xFFFF && size != in_zip64 && offset != in_zip64, name_,
          "a zip64 archive (of 65535 members or 4 GiB, or more), which is not supported");
    check(u16(end + 4) == 0 && u16(end + 6) == 0 && u16(end + 8) == count, name_,
          "an archive of several volumes, which is not supported");
    check(u16(end + 20) == 0, name_, "truncated: a comment of ", u16(end + 20), " bytes is missing");
    check(std::size_t{offset} + size == end, name_, "a directory of ", size, " bytes from byte ", offset,
          " on, expected to end at byte ", end);
    directory_ = offset;
    std::vector<ZipEntry> entries;
    std::set<std::string_view> names;
    std::size_t at = offset;
    for (std::size_t i = 0; i < count; ++i) {
      entries.push_back(read_entry(at, end));
      check_supported(entries.back());
    }
    check(at == end, name_, end - at, " bytes follow the directory's last entry, expected none");
    for (const ZipEntry& e : entries) check(names.insert(e.name).second, name_, member(e), " appears twice");
    return entries;
  }

  /// The entry at byte `at`, which then is that of the next one.
  ZipEntry read_entry(std::size_t& at, std::size_t end) const {
    check(end - at >= entry_size, name_, "the directory ends within an entry, at byte ", end);
    check(u32(at) == entry_signature, name_, "no entry of the directory at byte ", at);
    const std::size_t name_size = u16(at + 28), more = std::size_t{u16(at + 30)} + u16(at + 32);
    check(end - at - entry_size >= name_size + more, name_, "the directory ends within an entry, at byte ", end);
    check(u16(at + 34) == 0, name_, "an archive of several volumes, which is not supported");
    ZipEntry e{text_at(at + entry_size, name_size),
               u16(at + 8),
               u16(at + 10),
               u32(at + 16),
               u32(at + 20),
               u32(at + 24),
               u32(at + 42)};
    at += entry_size + name_size + more;
    return e;
  }

  void check_supported(const ZipEntry& e) const {
    constexpr unsigned encrypted = 1, effort = 6, descriptor = 8, utf8 = 0x0800;
    const unsigned flags = e.flags;
    check((flags & encrypted) == 0, name_, member(e), " is encrypted");
    check((flags & descriptor) == 0, name_, member(e),
          " has its sizes behind its data, as where an archive is written to a pipe, which is not supported");
    check((flags & ~(effort | utf8)) == 0, name_, member(e), " has the flags ", flags, ", expected bits of 2054 only");
    check(e.method == 0 || e.method == 8, name_, member(e), " has the compression method ", e.method,
          ", expected 0 (stored) or 8 (deflate)");
    check(e.compressed != in_zip64 && e.size != in_zip64 && e.offset != in_zip64, name_, member(e),
          " is a zip64 member (of 4 GiB or more), which is not supported");
    check(e.method != 0 || e.compressed == e.size, name_, member(e), " is stored in ", e.compressed,
          " bytes, expected its size, ", e.size);
  }

  /// The member's compressed bytes, behind its local header.
  std::span<const std::uint8_t> data_of(const ZipEntry& e) const {
    const std::size_t at = e.offset;
    const auto room = [&](std::size_t n) {
      check(n <= directory_ - at, name_, member(e), " reaches beyond byte ", directory_,
            ", where the directory begins");
    };
    room(local_size);
    check(u32(at) == local_signature, name_, member(e), " has no local header at byte ", at);
    const std::size_t name_size = u16(at + 26), extra_size = u16(at + 28), header = local_size + name_size + extra_size;
    room(header);
    const auto extra = bytes_.subspan(at + local_size + name_size, extra_size);
    const bool same = text_at(at + local_size, name_size) == e.name && u16(at + 6) == e.flags &&
                      u16(at + 8) == e.method && u32(at + 14) == e.crc &&
                      same_sizes(e, u32(at + 18), u32(at + 22), extra);
    check(same, name_, member(e), " has a local header that differs from the directory");
    room(header + e.compressed);
    return bytes_.subspan(at + header, e.compressed);
  }

  /// Whether sizes of a local header are those of the directory: as they are or, if both are 0xFFFFFFFF, in the first
  /// extra field, zip64's, as NumPy writes for members of any size.
  static bool same_sizes(const ZipEntry& e, std::uint32_t compressed, std::uint32_t size,
                         std::span<const std::uint8_t> extra) {
    if (compressed != in_zip64 || size != in_zip64) return compressed == e.compressed && size == e.size;
    return extra.size() >= 20 && load_little_endian<std::uint32_t>(extra.data()) == (16u << 16 | 1u) &&
           load_little_endian<std::uint64_t>(extra.data() + 4) == e.size &&
           load_little_endian<std::uint64_t>(extra.data() + 12) == e.compressed;
  }

  std::vector<std::uint8_t> decode(const ZipEntry& e, std::span<const std::uint8_t> data) {
    check(e.size <= limit_, name_, member(e), " of ", e.size, " bytes exceeds what is left of the limit, ", limit_);
    limit_ -= e.size;
    const std::string where = name_ + ": " + member(e);
    std::vector<std::uint8_t> out(data.begin(), e.method == 0 ? data.end() : data.begin());
    if (e.method == 8) out = inflate(data, e.size, where);
    check(out.size() == e.size, where, "decodes to ", out.size(), " bytes, expected ", e.size);
    check(crc32(out) == e.crc, where, "the CRC-32 of the data does not match");
    return out;
  }

  std::span<const std::uint8_t> bytes_;
  std::size_t limit_;
  const std::string& name_;
  std::size_t directory_ = 0;  // its first byte
};

}  // namespace tinygan::io::detail

namespace tinygan::io {

TINYGAN_FUNC std::vector<ZipMember> decode_zip(std::span<const std::uint8_t> bytes, std::size_t limit,
                                               const std::string& name) {
  return detail::ZipReader(bytes, limit, name).run();
}

}  // namespace tinygan::io

#endif
