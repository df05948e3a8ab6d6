// The kind of an unexpected file, recognised by its first bytes, for error texts.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <tinygan/base/outline.hpp>
#include <tinygan/io/json.hpp>

namespace tinygan::io {

/// The kind of file that the bytes seem to be, such as "a gzip file"; "" if unknown.
std::string kind_of_content(std::span<const std::uint8_t> bytes);

}  // namespace tinygan::io

#ifdef TINYGAN_FUNC

namespace tinygan::io::detail {

using namespace std::string_view_literals;

/// The magic number of a kind of file.
struct Signature {
  std::string_view bytes;
  const char* kind;
};

inline constexpr Signature signatures[] = {
    {"\x1F\x8B"sv, "a gzip file"},
    {"PK\x03\x04"sv, "a zip archive (as .npz, .keras and PyTorch's .pt files are)"},
    {"PK\x05\x06"sv, "an empty zip archive"},
    {"\x93NUMPY"sv, "a NumPy array (.npy)"},
    {"\x89HDF\r\n\x1A\n"sv, "an HDF5 file (as Keras' .h5 files are)"},
    {"\x80\x02"sv, "a Python pickle (as old .pt and .pkl files are)"},
    {"\x80\x03"sv, "a Python pickle"},
    {"\x80\x04"sv, "a Python pickle"},
    {"\x80\x05"sv, "a Python pickle"},
    {"GGUF"sv, "a GGUF file"},
    {"\xFD\x37zXZ\0"sv, "an xz file"},
    {"\x28\xB5\x2F\xFD"sv, "a zstd file"},
    {"BZh"sv, "a bzip2 file"},
    {"7z\xBC\xAF\x27\x1C"sv, "a 7z archive"},
    {"Rar!\x1A\x07"sv, "a RAR archive"},
    {"\x89PNG\r\n\x1A\n"sv, "a PNG image"},
    {"%PDF-"sv, "a PDF document"},
    {"\x7F\x45LF"sv, "a program (ELF)"},
    {"version https://git-lfs.github.com/spec/"sv, "a Git LFS pointer; git lfs pull fetches the file"}};

/// The tag with which an HTML page begins, "" for any other file. Servers send a page in place of a missing file.
TINYGAN_FUNC std::string html_tag(std::span<const std::uint8_t> bytes) {
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

/// Whether the first bytes are UTF-8 text; the last character may be incomplete.
TINYGAN_FUNC bool is_text(std::string_view head) {
  const auto control = [](char c) {
    return static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\r' && c != '\t';
  };
  const std::size_t bad = find_non_utf8(head);
  return !head.empty() && (bad == std::string_view::npos || bad + 3 >= head.size()) &&
         std::none_of(head.begin(), head.end(), control);
}

}  // namespace tinygan::io::detail

namespace tinygan::io {

TINYGAN_FUNC std::string kind_of_content(std::span<const std::uint8_t> bytes) {
  const std::string_view all(reinterpret_cast<const char*>(bytes.data()), bytes.size()), head = all.substr(0, 512);
  for (const detail::Signature& s : detail::signatures)
    if (all.starts_with(s.bytes)) return s.kind;
  if (const std::string tag = detail::html_tag(bytes); !tag.empty())
    return text("an HTML page (it begins with '", tag, "'), saved from a dead link?");
  if (all.size() > 262 && all.substr(257, 5) == "ustar") return "a tar archive";
  if (all.size() >= 4 && bytes[0] == 0 && bytes[1] == 0 && bytes[2] >= 8 && bytes[2] <= 14 && bytes[3] >= 1 &&
      bytes[3] <= 6)
    return "an IDX file (as MNIST's are)";
  if (all.size() > 10 && bytes[8] == '{' && bytes[5] == 0 && bytes[6] == 0 && bytes[7] == 0)
    return "a safetensors file";
  if (!all.empty() && all.find_first_not_of('\0') == std::string_view::npos) return "zero bytes only";
  if (detail::is_text(head)) return text("text (it begins with ", detail::shown(head, 24), ')');
  return "";
}

}  // namespace tinygan::io

#endif
