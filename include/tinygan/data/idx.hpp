// IDX: the file format of the MNIST family. Gzipped files are recognised by their bytes, not their names.
//
// Layout: two zero bytes, the element type, the number of dimensions, each dimension (4 bytes, big-endian), the data
// (big-endian too).
// Source: http://yann.lecun.com/exdb/mnist/, "the IDX file format".
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tinygan/base/error.hpp>
#include <tinygan/base/outline.hpp>
#include <tinygan/base/shape.hpp>
#include <tinygan/io/extents.hpp>
#include <tinygan/io/file.hpp>
#include <tinygan/io/file_kind.hpp>
#include <tinygan/io/inflate.hpp>

namespace tinygan::data {

/// An array of bytes, row-major.
struct IdxFile {
  std::vector<index_t> dims;
  std::vector<std::uint8_t> bytes;
};

namespace detail {

/// The largest file read, uncompressed; EMNIST, the largest of the family, takes 0.55 GB.
inline constexpr std::size_t max_idx_bytes = std::size_t{1} << 31;

/// Bytes as hexadecimal numbers, for error texts.
std::string hex(std::span<const std::uint8_t> bytes);

std::string extents(std::span<const index_t> dims);

/// An element type: its code in the file, its size in bytes.
struct IdxType {
  unsigned code;
  const char* name;
  index_t size;
};
inline constexpr IdxType idx_types[] = {{0x08, "unsigned byte", 1},  {0x09, "signed byte", 1},
                                        {0x0B, "16-bit integer", 2}, {0x0C, "32-bit integer", 4},
                                        {0x0D, "float", 4},          {0x0E, "double", 8}};
inline constexpr unsigned idx_byte = 0x08, idx_int32 = 0x0C;

inline const IdxType* find_idx_type(unsigned code) {
  for (const IdxType& t : idx_types)
    if (t.code == code) return &t;
  return nullptr;
}

void check_no_html(std::span<const std::uint8_t> bytes, const std::string& name);

}  // namespace detail

/// The bytes of a file, uncompressed if it is a gzip file. Throws Error if it cannot be read, is a web page, or is
/// damaged gzip data.
std::vector<std::uint8_t> read_maybe_gzip(const std::filesystem::path& path);

/// The header of an IDX file.
struct IdxHeader {
  unsigned type = 0;  ///< code of the element type
  std::vector<index_t> dims;
  std::size_t bytes = 0;  ///< of the header itself
};

/// Parses the header of an uncompressed IDX file. Throws Error naming `name` if the magic number, the dimensions or the
/// length of the file is wrong, or if the element type is not in `types` (empty: any type).
IdxHeader parse_idx_header(std::span<const std::uint8_t> file, const std::string& name,
                           std::span<const unsigned> types = {});

/// The array in the bytes of an uncompressed IDX file. Throws Error as parse_idx_header does, and on elements other
/// than unsigned bytes.
IdxFile parse_idx(std::vector<std::uint8_t> file, const std::string& name);

/// Class labels, one per image, in the bytes of an uncompressed IDX file: a list of bytes or 32-bit integers, or the
/// first column of a table of integers, as in QMNIST. Throws Error like parse_idx_header and on a label outside 0..255.
std::vector<std::uint8_t> parse_idx_labels(std::vector<std::uint8_t> file, const std::string& name);

/// Reads an IDX file, plain or gzipped. Throws Error as read_maybe_gzip and parse_idx do.
inline IdxFile read_idx(const std::filesystem::path& path) { return parse_idx(read_maybe_gzip(path), path.string()); }

}  // namespace tinygan::data

#ifdef TINYGAN_FUNC

namespace tinygan::data::detail {

TINYGAN_FUNC std::string hex(std::span<const std::uint8_t> bytes) {
  std::string out;
  for (const std::uint8_t b : bytes) {
    if (!out.empty()) out += ' ';
    out += {"0123456789ABCDEF"[b >> 4], "0123456789ABCDEF"[b & 15]};
  }
  return out;
}

TINYGAN_FUNC std::string extents(std::span<const index_t> dims) {
  std::string out;
  for (const index_t extent : dims) out += text(out.empty() ? "" : "x", extent);
  return out;
}

TINYGAN_FUNC void check_no_html(std::span<const std::uint8_t> bytes, const std::string& name) {
  const std::string tag = io::detail::html_tag(bytes);
  check(tag.empty(), name, "an HTML page (it begins with '", tag, "'), expected a data file; saved from a dead link?");
}

}  // namespace tinygan::data::detail

namespace tinygan::data {

TINYGAN_FUNC std::vector<std::uint8_t> read_maybe_gzip(const std::filesystem::path& path) {
  const std::string name = path.string();
  std::vector<std::uint8_t> bytes = io::read_file(path);
  check(bytes.size() <= detail::max_idx_bytes, name, bytes.size(), " bytes, expected at most ", detail::max_idx_bytes);
  detail::check_no_html(bytes, name);
  if (!io::is_gzip(bytes)) return bytes;
  bytes = io::gunzip(bytes, detail::max_idx_bytes, name);
  detail::check_no_html(bytes, name);
  check(!bytes.empty(), name, "the content of the gzip file is empty");
  return bytes;
}

TINYGAN_FUNC IdxHeader parse_idx_header(std::span<const std::uint8_t> file, const std::string& name,
                                        std::span<const unsigned> types) {
  detail::check_no_html(file, name);
  check(file.size() >= 4, name, "truncated: ", file.size(), " bytes, expected at least 8, an IDX header");
  const detail::IdxType* type = file[0] == 0 && file[1] == 0 ? detail::find_idx_type(file[2]) : nullptr;
  if (type == nullptr) {
    const std::string kind = io::kind_of_content(file);
    fail(name, "not an IDX file: it begins with ", detail::hex(file.first(4)),
         ", expected 00 00 08 and the number of dimensions", kind.empty() ? "" : "; it seems to be ", kind);
  }
  IdxHeader header;
  header.type = type->code;
  std::string allowed;
  bool fits = types.empty();
  for (const unsigned code : types) {
    fits = fits || code == type->code;
    const auto byte = static_cast<std::uint8_t>(code);
    allowed +=
        text(allowed.empty() ? "" : " or ", detail::hex({&byte, 1}), " (", detail::find_idx_type(code)->name, ")");
  }
  check(fits, name, "has elements of type ", detail::hex(file.subspan(2, 1)), " (", type->name, "), expected ",
        allowed);
  const std::size_t rank = file[3];
  header.bytes = 4 + 4 * rank;
  check(rank >= 1 && rank <= Shape::max_rank, name, "has ", rank, " dimensions, expected 1 to ", Shape::max_rank);
  check(file.size() >= header.bytes, name, "truncated: ", file.size(), " bytes, expected at least ", header.bytes,
        ", a header of ", rank, " dimensions");

  for (std::size_t i = 0; i < rank; ++i) {
    index_t extent = 0;
    for (std::size_t b = 0; b < 4; ++b) extent = extent << 8 | file[4 + 4 * i + b];
    header.dims.push_back(extent);
  }
  const std::string dims = detail::extents(header.dims);
  for (const index_t extent : header.dims)
    check(extent >= 1, name, "has the dimensions ", dims, ", expected at least 1 each");
  const auto expected = io::product(header.dims, type->size);
  check(expected && *expected <= static_cast<index_t>(detail::max_idx_bytes), name, "has the dimensions ", dims,
        ", expected at most ", detail::max_idx_bytes, " bytes");
  const auto found = static_cast<index_t>(file.size() - header.bytes);
  check(found >= *expected, name, "truncated: ", found, " bytes of data, expected ", *expected, " (", dims, ")");
  check(found <= *expected, name, found - *expected, " bytes too many: ", found, " bytes of data, expected ", *expected,
        " (", dims, ")");
  return header;
}

TINYGAN_FUNC IdxFile parse_idx(std::vector<std::uint8_t> file, const std::string& name) {
  constexpr unsigned types[] = {detail::idx_byte};
  IdxHeader header = parse_idx_header(file, name, types);
  file.erase(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(header.bytes));
  return {std::move(header.dims), std::move(file)};
}

TINYGAN_FUNC std::vector<std::uint8_t> parse_idx_labels(std::vector<std::uint8_t> file, const std::string& name) {
  constexpr unsigned types[] = {detail::idx_byte, detail::idx_int32};
  const IdxHeader header = parse_idx_header(file, name, types);
  const bool bytes = header.type == detail::idx_byte;
  check(header.dims.size() == 1 || (header.dims.size() == 2 && !bytes), name, "has the dimensions ",
        detail::extents(header.dims), ", expected N", bytes ? "" : " or NxK");
  file.erase(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(header.bytes));
  if (bytes) return file;
  const auto count = static_cast<std::size_t>(header.dims[0]), row = file.size() / count;
  for (std::size_t i = 0; i < count; ++i) {
    std::uint32_t label = 0;
    for (std::size_t b = 0; b < 4; ++b) label = label << 8 | file[i * row + b];
    check(label <= 255, name, "label ", i, " is ", static_cast<std::int32_t>(label), ", expected 0 to 255");
    file[i] = static_cast<std::uint8_t>(label);  // in place: a row has at least 4 bytes
  }
  file.resize(count);
  return file;
}

}  // namespace tinygan::data

#endif
