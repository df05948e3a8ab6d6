// IDX: the file format of the MNIST family. Plain and gzipped files are told apart by their bytes, not their names.
//
// Layout: two zero bytes, the element type, the number of dimensions, each dimension (4 bytes, big-endian), the data.
// Source: http://yann.lecun.com/exdb/mnist/, "the IDX file format".
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tinygan/base/error.hpp>
#include <tinygan/base/shape.hpp>
#include <tinygan/io/file.hpp>
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

/// The first bytes as hexadecimal numbers, for messages.
inline std::string hex(std::span<const std::uint8_t> bytes) {
  std::string out;
  for (const std::uint8_t b : bytes) {
    if (!out.empty()) out += ' ';
    out += {"0123456789ABCDEF"[b >> 4], "0123456789ABCDEF"[b & 15]};
  }
  return out;
}

inline std::string extents(std::span<const index_t> dims) {
  std::ostringstream out;
  for (std::size_t i = 0; i < dims.size(); ++i) out << (i > 0 ? "x" : "") << dims[i];
  return out.str();
}

/// The tag that shows a file to be a web page, "" if it is none: what servers send in place of a file that has moved.
inline std::string html_tag(std::span<const std::uint8_t> bytes) {
  std::string head;
  for (const std::uint8_t b : bytes.first(std::min<std::size_t>(bytes.size(), 512)))
    head += b >= 'A' && b <= 'Z' ? static_cast<char>(b - 'A' + 'a') : static_cast<char>(b);
  std::size_t start = head.starts_with("\xEF\xBB\xBF") ? 3 : 0;
  start = std::min(head.find_first_not_of(" \t\r\n", start), head.size());
  for (const std::string_view tag : {"<!doctype", "<html", "<head", "<body", "<?xml", "<!--"}) {
    if (head.compare(start, tag.size(), tag) != 0) continue;
    const auto found = bytes.subspan(start, tag.size());
    return {found.begin(), found.end()};
  }
  return "";
}

inline const char* idx_type(unsigned code) {
  switch (code) {
    case 0x08: return "unsigned byte";
    case 0x09: return "signed byte";
    case 0x0B: return "16-bit integer";
    case 0x0C: return "32-bit integer";
    case 0x0D: return "float";
    case 0x0E: return "double";
    default: return nullptr;
  }
}

inline void check_no_html(std::span<const std::uint8_t> bytes, const std::string& name) {
  const std::string tag = html_tag(bytes);
  check(tag.empty(), name, "an HTML page (it begins with '", tag, "'), not a data file; saved from a dead link?");
}

}  // namespace detail

/// The bytes of a file, uncompressed if it is a gzip file. Throws Error if it cannot be read, is a web page, or is
/// damaged gzip data.
inline std::vector<std::uint8_t> read_maybe_gzip(const std::filesystem::path& path) {
  const std::string name = path.string();
  std::vector<std::uint8_t> bytes = io::read_file(path);
  check(bytes.size() <= detail::max_idx_bytes, name, bytes.size(), " bytes, at most ", detail::max_idx_bytes,
        " are read");
  detail::check_no_html(bytes, name);
  if (!io::is_gzip(bytes)) return bytes;
  bytes = io::gunzip(bytes, detail::max_idx_bytes, name);
  detail::check_no_html(bytes, name);
  check(!bytes.empty(), name, "nothing is in the gzip file");
  return bytes;
}

/// The array in the bytes of an uncompressed IDX file. Throws Error naming `name`, what was found and what was
/// expected, if the magic number, the element type, the dimensions or the file's length is wrong.
inline IdxFile parse_idx(std::vector<std::uint8_t> file, const std::string& name) {
  const std::span<const std::uint8_t> all(file);
  detail::check_no_html(all, name);
  check(all.size() >= 4, name, "truncated: ", all.size(), " bytes, an IDX header has at least 8");
  check(all[0] == 0 && all[1] == 0 && detail::idx_type(all[2]) != nullptr, name,
        "not an IDX file: it begins with ", detail::hex(all.first(4)),
        ", expected 00 00 08 and the number of dimensions");
  check(all[2] == 0x08, name, "has elements of type ", detail::hex(all.subspan(2, 1)), " (", detail::idx_type(all[2]),
        "), expected 08 (unsigned byte)");
  const std::size_t rank = all[3], header = 4 + 4 * rank;
  check(rank >= 1 && rank <= Shape::max_rank, name, "has ", rank, " dimensions, expected 1 to ", Shape::max_rank);
  check(all.size() >= header, name, "truncated: ", all.size(), " bytes, a header of ", rank, " dimensions has ",
        header);

  IdxFile idx;
  for (std::size_t i = 0; i < rank; ++i) {
    index_t extent = 0;
    for (std::size_t b = 0; b < 4; ++b) extent = extent << 8 | all[4 + 4 * i + b];
    idx.dims.push_back(extent);
  }
  const std::string dims = detail::extents(idx.dims);
  index_t expected = 1;
  for (const index_t extent : idx.dims) {
    check(extent >= 1, name, "has the dimensions ", dims, ", expected at least 1 each");
    check(expected <= static_cast<index_t>(detail::max_idx_bytes) / extent, name, "has the dimensions ", dims,
          ", more than the limit of ", detail::max_idx_bytes, " bytes");
    expected *= extent;
  }
  const auto found = static_cast<index_t>(all.size() - header);
  check(found >= expected, name, "truncated: ", found, " bytes of data, expected ", expected, " (", dims, ")");
  check(found <= expected, name, found - expected, " bytes too many: ", found, " bytes of data, expected ", expected,
        " (", dims, ")");
  file.erase(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(header));
  idx.bytes = std::move(file);
  return idx;
}

/// Reads an IDX file, plain or gzipped. Throws Error as read_maybe_gzip and parse_idx do.
inline IdxFile read_idx(const std::filesystem::path& path) { return parse_idx(read_maybe_gzip(path), path.string()); }

}  // namespace tinygan::data
