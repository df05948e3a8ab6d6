// NumPy's files: .npy, one array, and .npz, a zip archive of .npy files.
//
// npy 1.0: "\x93NUMPY", version 1 0, header length (2 bytes), the header (a Python dictionary, padded with spaces to 64
// bytes and ended by a newline), the data. The archive is uncompressed: per member a local header and its bytes, then
// the central directory and its end record. Without the zip64 extension, so that members and archive are below 4 GiB.
// Sources: NumPy's format description (numpy.lib.format), PKWARE's APPNOTE.TXT sections 4.3 and 4.4.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <tinygan/base/error.hpp>
#include <tinygan/base/outline.hpp>
#include <tinygan/base/shape.hpp>
#include <tinygan/io/byte_writer.hpp>
#include <tinygan/io/checksum.hpp>
#include <tinygan/io/extents.hpp>
#include <tinygan/io/file.hpp>

namespace tinygan::io {

namespace detail {

/// NumPy's name of an element type: byte order, kind, bytes.
template <class T>
std::string npy_descr() {
  static_assert(std::is_arithmetic_v<T> && !std::is_same_v<T, long double>, "no NumPy type for this type");
  const char kind = std::is_same_v<T, bool> ? 'b' : std::is_floating_point_v<T> ? 'f' : std::is_signed_v<T> ? 'i' : 'u';
  return text(sizeof(T) == 1 ? '|' : '<', kind, sizeof(T));
}

/// The bytes of an .npy file with elements of that name and size. Throws Error as io::encode_npy does.
std::vector<std::uint8_t> encode_npy(std::string_view descr, std::size_t item, std::span<const std::uint8_t> values,
                                     const std::vector<index_t>& shape);

/// The fields of a member that the local header and the central directory have in common.
void put_zip_member(ByteWriter& out, std::string_view name, std::uint32_t crc, std::uint32_t size);

}  // namespace detail

/// The bytes of an .npy file with values in row-major order. Throws Error if the number of values does not match the
/// shape, or if the header exceeds 64 KiB.
template <class T>
std::vector<std::uint8_t> encode_npy(std::span<const T> values, const std::vector<index_t>& shape) {
  static_assert(std::endian::native == std::endian::little, "the data is written as little-endian");
  return detail::encode_npy(detail::npy_descr<T>(), sizeof(T),
                            {reinterpret_cast<const std::uint8_t*>(values.data()), values.size_bytes()}, shape);
}

/// The arrays of an .npz file.
class NpzFile {
 public:
  /// Appends an array that numpy.load(file)[name] will return. Throws Error as encode_npy does.
  template <class T>
  void add(const std::string& name, std::span<const T> values, const std::vector<index_t>& shape) {
    add_npy(name, encode_npy(values, shape));
  }
  /// Appends the bytes of an .npy file.
  void add_npy(const std::string& name, std::vector<std::uint8_t> npy) {
    members_.emplace_back(name + ".npy", std::move(npy));
  }

  /// The bytes of the file. Throws Error (naming `name`) if the archive reaches 4 GiB or a name 64 KiB.
  std::vector<std::uint8_t> encode(const std::string& name) const;

 private:
  std::vector<std::pair<std::string, std::vector<std::uint8_t>>> members_;
};

/// Writes an .npz file atomically. Throws Error as NpzFile::encode and write_file do.
void write_npz(const std::filesystem::path& path, const NpzFile& file);

}  // namespace tinygan::io

#ifdef TINYGAN_FUNC

namespace tinygan::io::detail {

TINYGAN_FUNC std::vector<std::uint8_t> encode_npy(std::string_view descr, std::size_t item,
                                                  std::span<const std::uint8_t> values,
                                                  const std::vector<index_t>& shape) {
  for (const index_t extent : shape) check(extent >= 0, "npy", "extent ", extent, ", expected at least 0");
  const std::string extents = shape_text(shape);
  const auto count = product(shape);
  check(count.has_value(), "npy", "the size of the shape ", extents, " overflows 64 bits");
  check(static_cast<std::size_t>(*count) == values.size() / item, "npy", values.size() / item, " values for the shape ",
        extents, ", expected ", *count);
  std::string header = text("{'descr': '", descr, "', 'fortran_order': False, 'shape': ", extents, ", }");
  constexpr std::size_t before = 10, alignment = 64;
  header.resize((before + header.size() + 1 + alignment - 1) / alignment * alignment - before - 1, ' ');
  header += '\n';
  check(header.size() <= 0xFFFF, "npy", "a header of ", header.size(), " bytes for ", shape.size(),
        " dimensions, expected at most 65535");

  ByteWriter out;
  out.raw("\x93NUMPY").u16(1);  // version 1.0
  out.u16(static_cast<std::uint16_t>(header.size())).raw(header).raw(values);
  return std::move(out).bytes();
}

TINYGAN_FUNC void put_zip_member(ByteWriter& out, std::string_view name, std::uint32_t crc, std::uint32_t size) {
  out.u16(20);             // readable since version 2.0
  out.u16(0x0800);         // the name is UTF-8
  out.u16(0);              // stored
  out.u16(0).u16(0x0021);  // time and date: 1980-01-01, so that equal content is equal bytes
  out.u32(crc).u32(size).u32(size);
  out.u16(static_cast<std::uint16_t>(name.size())).u16(0);  // no extra field
}

}  // namespace tinygan::io::detail

namespace tinygan::io {

TINYGAN_FUNC std::vector<std::uint8_t> NpzFile::encode(const std::string& name) const {
  std::size_t total = 22;
  for (const auto& [member, bytes] : members_) {
    check(member.size() <= 0xFFFF, name, "an array's name of ", member.size(), " bytes, expected at most 65535");
    total += bytes.size() + 2 * member.size() + 76;
  }
  check(total < 0xFFFFFFFFu && members_.size() < 0xFFFF, name, "an archive of ", members_.size(), " arrays and ", total,
        " bytes, expected below 65535 and 4 GiB");
  detail::ByteWriter out, directory;
  for (const auto& [member, bytes] : members_) {
    const std::uint32_t crc = crc32(bytes);
    const auto size = static_cast<std::uint32_t>(bytes.size()), at = static_cast<std::uint32_t>(out.bytes().size());
    directory.u32(0x02014B50).u16(20);  // made by version 2.0
    detail::put_zip_member(directory, member, crc, size);
    directory.u16(0).u16(0).u16(0).u32(0);  // comment, disk, internal and external attributes
    directory.u32(at).raw(member);

    out.u32(0x04034B50);
    detail::put_zip_member(out, member, crc, size);
    out.raw(member).raw(bytes);
  }
  const auto at = static_cast<std::uint32_t>(out.bytes().size());
  const auto count = static_cast<std::uint16_t>(members_.size());
  out.raw(directory.bytes());
  out.u32(0x06054B50).u16(0).u16(0).u16(count).u16(count);                       // this disk, the directory's disk
  out.u32(static_cast<std::uint32_t>(directory.bytes().size())).u32(at).u16(0);  // no comment
  return std::move(out).bytes();
}

TINYGAN_FUNC void write_npz(const std::filesystem::path& path, const NpzFile& file) {
  write_file(path, file.encode(path.string()));
}

}  // namespace tinygan::io

#endif
