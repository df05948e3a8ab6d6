// safetensors: the file format of named tensors.
//
// Layout: the header's length (8 bytes, little-endian), the header (JSON, padded with spaces to 8 bytes), the data. The
// header maps each name to {"dtype", "shape", "data_offsets": [begin, end)}, plus "__metadata__", a map of strings. The
// offsets count from the end of the header and cover the data without gap or overlap. Like the reference implementation
// this one also reads dtypes without kernels, unknown dtypes, unknown keys of a tensor, and white space around the
// header.
// Source: the format's description, https://github.com/huggingface/safetensors.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <tinygan/backend/bfloat16.hpp>
#include <tinygan/base/error.hpp>
#include <tinygan/base/outline.hpp>
#include <tinygan/base/shape.hpp>
#include <tinygan/io/extents.hpp>
#include <tinygan/io/file.hpp>
#include <tinygan/io/file_kind.hpp>
#include <tinygan/io/json.hpp>

namespace tinygan::io {

/// Element types, in the order of the reference implementation (by alignment); `other` is any type unknown to it.
enum class DType {
  other,
  BOOL,
  F4,
  F6_E2M3,
  F6_E3M2,
  U8,
  I8,
  F8_E5M2,
  F8_E4M3,
  F8_E8M0,
  F8_E4M3FNUZ,
  F8_E5M2FNUZ,
  I16,
  U16,
  F16,
  BF16,
  I32,
  U32,
  F32,
  C64,
  F64,
  I64,
  U64
};

/// Name in the file, and bits per element.
struct DTypeInfo {
  const char* name;
  index_t bits;
};
inline constexpr std::array<DTypeInfo, 23> dtype_table = {
    {{"other", 0}, {"BOOL", 8},    {"F4", 4},      {"F6_E2M3", 6}, {"F6_E3M2", 6},     {"U8", 8},
     {"I8", 8},    {"F8_E5M2", 8}, {"F8_E4M3", 8}, {"F8_E8M0", 8}, {"F8_E4M3FNUZ", 8}, {"F8_E5M2FNUZ", 8},
     {"I16", 16},  {"U16", 16},    {"F16", 16},    {"BF16", 16},   {"I32", 32},        {"U32", 32},
     {"F32", 32},  {"C64", 64},    {"F64", 64},    {"I64", 64},    {"U64", 64}}};
/// Name and size of an element type.
constexpr const DTypeInfo& dtype_info(DType t) { return dtype_table[static_cast<std::size_t>(t)]; }

/// The DType of a C++ type: float, double, bfloat16, bool and the integers of 8 to 64 bits.
template <class T>
constexpr DType dtype_of() {
  if constexpr (std::is_same_v<T, float>) return DType::F32;
  else if constexpr (std::is_same_v<T, double>) return DType::F64;
  else if constexpr (std::is_same_v<T, bfloat16>) return DType::BF16;
  else if constexpr (std::is_same_v<T, bool>) return DType::BOOL;
  else {
    static_assert(std::is_integral_v<T>, "no safetensors dtype for this type");
    constexpr bool s = std::is_signed_v<T>;
    if constexpr (sizeof(T) == 1) return s ? DType::I8 : DType::U8;
    else if constexpr (sizeof(T) == 2) return s ? DType::I16 : DType::U16;
    else if constexpr (sizeof(T) == 4) return s ? DType::I32 : DType::U32;
    else return s ? DType::I64 : DType::U64;
  }
}

/// One named tensor: row-major, little-endian bytes. An empty shape is a scalar; extents may be 0.
struct SafetensorsEntry {
  std::string name;
  DType dtype = DType::F32;
  std::vector<index_t> shape;
  std::vector<std::uint8_t> bytes;
  std::string other_dtype = {};  ///< name in the file if `dtype` is `other`

  /// Name of the element type in the file.
  std::string dtype_name() const { return dtype == DType::other ? other_dtype : dtype_info(dtype).name; }

  friend bool operator==(const SafetensorsEntry&, const SafetensorsEntry&) = default;
};

/// The content of a file: tensors with unique names, in any order, and a map of metadata.
struct SafetensorsFile {
  std::vector<SafetensorsEntry> tensors;
  std::map<std::string, std::string> metadata;

  /// Appends a tensor. The bytes are checked against the shape when the file is written.
  template <class T>
  void add(std::string name, std::span<const T> values, std::vector<index_t> shape) {
    static_assert(std::endian::native == std::endian::little, "the bytes of a safetensors file are little-endian");
    SafetensorsEntry e{std::move(name), dtype_of<T>(), std::move(shape), {}};
    e.bytes.resize(values.size_bytes());
    if (!values.empty()) std::memcpy(e.bytes.data(), values.data(), values.size_bytes());
    tensors.push_back(std::move(e));
  }

  /// The entry of that name, or null.
  const SafetensorsEntry* find(std::string_view name) const;

  /// The values of one tensor. Throws Error if the name is unknown or the dtype is not that of T.
  template <class T>
  std::vector<T> values(std::string_view name) const {
    const SafetensorsEntry* e = find(name);
    check(e != nullptr, "safetensors", "no tensor named ", detail::shown(name));
    check(e->dtype == dtype_of<T>(), "safetensors", "tensor ", detail::shown(name), " is ",
          detail::printable(e->dtype_name()), ", expected ", dtype_info(dtype_of<T>()).name);
    std::vector<T> out(e->bytes.size() / sizeof(T));
    if (!out.empty()) std::memcpy(out.data(), e->bytes.data(), out.size() * sizeof(T));
    return out;
  }

  friend bool operator==(const SafetensorsFile&, const SafetensorsFile&) = default;
};

/// The bytes of a file, the same for the same content: tensors by decreasing alignment, then by name, like the
/// reference implementation. Throws Error (naming `name`) on a duplicate or reserved name, a name or metadata that is
/// not UTF-8, or bytes that do not match the shape.
std::vector<std::uint8_t> encode_safetensors(const SafetensorsFile& file, const std::string& name);

/// Parses the bytes of a file; tensors are in the order of their data. Throws Error naming `name` and the tensor if the
/// bytes are not a well-formed file; for another kind of file the text names the kind.
SafetensorsFile decode_safetensors(std::span<const std::uint8_t> bytes, const std::string& name);

/// Reads a safetensors file. Throws Error as read_file and decode_safetensors do.
SafetensorsFile read_safetensors(const std::filesystem::path& path);

/// Writes a safetensors file atomically. Throws Error as encode_safetensors and write_file do.
void write_safetensors(const std::filesystem::path& path, const SafetensorsFile& file);

}  // namespace tinygan::io

#ifdef TINYGAN_FUNC

namespace tinygan::io {

TINYGAN_FUNC const SafetensorsEntry* SafetensorsFile::find(std::string_view name) const {
  const auto it = std::find_if(tensors.begin(), tensors.end(), [&](const auto& e) { return e.name == name; });
  return it == tensors.end() ? nullptr : &*it;
}

}  // namespace tinygan::io

namespace tinygan::io::detail {

inline constexpr std::string_view metadata_key = "__metadata__";

inline constexpr std::size_t max_safetensors_header = 100'000'000;  // the reference implementation's limit

/// Bytes of a tensor by shape and dtype; nullopt if the size of the dtype is unknown. Throws Error naming file and
/// tensor on a negative extent, overflow, or a number of bits that is not a multiple of 8.
TINYGAN_FUNC std::optional<std::uint64_t> byte_count(const SafetensorsEntry& e, const std::string& file) {
  const std::string tensor = "tensor " + shown(e.name);
  for (const index_t extent : e.shape)
    check(extent >= 0, file, tensor, " has extent ", extent, ", expected at least 0");
  if (e.dtype == DType::other) return std::nullopt;
  const auto bits = product(e.shape, dtype_info(e.dtype).bits);
  check(bits.has_value(), file, tensor, " has a shape whose size overflows 64 bits");
  check(*bits % 8 == 0, file, tensor, " has ", *bits, " bits by its shape ", shape_text(e.shape), " and dtype ",
        dtype_info(e.dtype).name, ", expected whole bytes");
  return static_cast<std::uint64_t>(*bits / 8);
}

/// A tensor's entry in the header.
struct SafetensorsRecord {
  SafetensorsEntry entry;
  std::uint64_t begin = 0, end = 0;
};

/// Reads {"dtype": .., "shape": [..], "data_offsets": [begin, end]} in any order, each key once; skips other keys.
TINYGAN_FUNC SafetensorsRecord read_record(JsonReader& json, std::string name, const std::string& file) {
  SafetensorsRecord r;
  r.entry.name = std::move(name);
  const std::string tensor = "tensor " + shown(r.entry.name);
  std::set<std::string> seen;
  json.expect('{');
  json.each('}', [&] {
    std::string key = json.string("a key");
    json.expect(':');
    if (key == "dtype") {
      std::string dtype = json.string("a dtype");
      const auto it =
          std::find_if(dtype_table.begin() + 1, dtype_table.end(), [&](const DTypeInfo& t) { return t.name == dtype; });
      r.entry.dtype = it == dtype_table.end() ? DType::other : static_cast<DType>(it - dtype_table.begin());
      if (r.entry.dtype == DType::other) r.entry.other_dtype = std::move(dtype);
    } else if (key == "shape") {
      json.expect('[');
      json.each(']', [&] {
        const std::uint64_t extent = json.unsigned_integer("an extent");
        check(extent <= std::uint64_t{std::numeric_limits<index_t>::max()}, file, tensor, " has extent ", extent,
              ", expected less than 2^63");
        r.entry.shape.push_back(static_cast<index_t>(extent));
      });
    } else if (key == "data_offsets") {
      json.expect('[');
      r.begin = json.unsigned_integer("an offset");
      json.expect(',');
      r.end = json.unsigned_integer("an offset");
      json.expect(']');
    } else {
      json.skip_value();
      return;
    }
    check(seen.insert(key).second, file, tensor, " has the key ", shown(key), " twice");
  });
  for (const char* key : {"dtype", "shape", "data_offsets"}) check(seen.contains(key), file, tensor, " has no ", key);
  return r;
}

/// Header and data of a file, not yet parsed.
struct SafetensorsParts {
  std::string_view header;
  std::span<const std::uint8_t> data;
};

TINYGAN_FUNC SafetensorsParts split_safetensors(std::span<const std::uint8_t> bytes, const std::string& name) {
  const std::string_view all(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const auto other_file = [&]<class... What>(const What&... what) {
    const std::string kind = kind_of_content(bytes);
    fail(name, "not a safetensors file: ", kind.empty() ? text(what...) : "it seems to be " + kind);
  };
  if (all.size() < 8) other_file(all.size(), " bytes, expected at least 8, the header's length");
  std::uint64_t length = 0;
  for (std::size_t i = 0; i < 8; ++i) length |= std::uint64_t{bytes[i]} << (8 * i);
  if (length > max_safetensors_header)
    other_file("a header of ", length, " bytes, expected at most ", max_safetensors_header);
  const std::string_view header = all.substr(8, static_cast<std::size_t>(length));
  const std::size_t first = header.find_first_not_of(" \t\r\n");
  if (length == 0 || (!header.empty() && (first == std::string_view::npos || header[first] != '{')))
    other_file("the header does not begin with '{'");
  check(length <= all.size() - 8, name, "truncated: a header of ", length, " bytes in a file of ", all.size());
  return {header, bytes.subspan(8 + header.size())};
}

}  // namespace tinygan::io::detail

namespace tinygan::io {

TINYGAN_FUNC std::vector<std::uint8_t> encode_safetensors(const SafetensorsFile& file, const std::string& name) {
  std::vector<const SafetensorsEntry*> order;
  for (const SafetensorsEntry& e : file.tensors) order.push_back(&e);
  std::sort(order.begin(), order.end(),
            [](const auto* a, const auto* b) { return std::tie(b->dtype, a->name) < std::tie(a->dtype, b->name); });
  const auto utf8 = [&](const std::string& s) {
    check(detail::find_non_utf8(s) == std::string::npos, name, "the text ", detail::shown(s), " is not UTF-8");
  };

  std::string header = "{";
  if (!file.metadata.empty()) {
    header += detail::json_string(detail::metadata_key) + ":{";
    for (const auto& [key, value] : file.metadata) {
      utf8(key), utf8(value);
      if (header.back() != '{') header += ',';
      header += detail::json_string(key) + ':' + detail::json_string(value);
    }
    header += '}';
  }
  std::set<std::string_view> names;
  std::size_t offset = 0;
  for (const SafetensorsEntry* e : order) {
    utf8(e->name);
    check(e->name != detail::metadata_key, name, "a tensor may not be named ", detail::metadata_key);
    check(names.insert(e->name).second, name, "two tensors are named ", detail::shown(e->name));
    const std::uint64_t expected = detail::byte_count(*e, name).value_or(e->bytes.size());
    check(e->bytes.size() == expected, name, "tensor ", detail::shown(e->name), " has ", e->bytes.size(),
          " bytes, expected ", expected, " by its shape and dtype");
    utf8(e->dtype_name());
    if (header.size() > 1) header += ',';
    header += detail::json_string(e->name) + ":{\"dtype\":" + detail::json_string(e->dtype_name()) + ",\"shape\":[";
    for (std::size_t i = 0; i < e->shape.size(); ++i) header += text(i > 0 ? "," : "", e->shape[i]);
    header += text("],\"data_offsets\":[", offset, ',', offset + e->bytes.size(), "]}");
    offset += e->bytes.size();
  }
  header += '}';
  header.resize((header.size() + 7) / 8 * 8, ' ');
  check(header.size() <= detail::max_safetensors_header, name, "a header of ", header.size(),
        " bytes, expected at most ", detail::max_safetensors_header);

  std::vector<std::uint8_t> out(8);
  for (std::size_t i = 0; i < 8; ++i) out[i] = static_cast<std::uint8_t>(std::uint64_t{header.size()} >> (8 * i));
  out.reserve(8 + header.size() + offset);
  out.insert(out.end(), header.begin(), header.end());
  for (const SafetensorsEntry* e : order) out.insert(out.end(), e->bytes.begin(), e->bytes.end());
  return out;
}

TINYGAN_FUNC SafetensorsFile decode_safetensors(std::span<const std::uint8_t> bytes, const std::string& name) {
  const auto split = detail::split_safetensors(bytes, name);
  const std::string_view header = split.header;
  const std::span<const std::uint8_t> data = split.data;

  SafetensorsFile file;
  std::vector<detail::SafetensorsRecord> records;
  std::set<std::string> names;
  detail::JsonReader json(header, name);
  json.expect('{');
  json.each('}', [&] {
    std::string key = json.string("a tensor's name");
    json.expect(':');
    check(names.insert(key).second, name, "the name ", detail::shown(key), " appears twice");
    if (key != detail::metadata_key) {
      records.push_back(detail::read_record(json, std::move(key), name));
      return;
    }
    if (json.accept_null()) return;
    json.expect('{');
    json.each('}', [&] {
      std::string item = json.string("a metadata key");
      json.expect(':');
      std::string value = json.string("a metadata value");
      check(file.metadata.emplace(item, std::move(value)).second, name, "the metadata key ", detail::shown(item),
            " appears twice");
    });
  });
  json.expect_end();

  std::stable_sort(records.begin(), records.end(),
                   [](const auto& a, const auto& b) { return std::tie(a.begin, a.end) < std::tie(b.begin, b.end); });
  std::uint64_t at = 0;
  for (auto& [entry, begin, end] : records) {
    const std::string tensor = "tensor " + detail::shown(entry.name);
    const auto expected = detail::byte_count(entry, name);
    check(begin <= end && end - begin == expected.value_or(end - begin), name, tensor, " has the data offsets ", begin,
          " to ", end, expected ? text(", expected ", *expected, " bytes by its shape and dtype") : std::string());
    check(begin == at, name, tensor, " begins at byte ", begin, " of the data, expected ", at,
          begin < at ? " (overlap)" : " (gap)");
    check(end <= data.size(), name, "truncated: ", tensor, " ends at byte ", end, " of the data, which has ",
          data.size());
    const auto content = data.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin));
    entry.bytes.assign(content.begin(), content.end());
    file.tensors.push_back(std::move(entry));
    at = end;
  }
  check(at == data.size(), name, data.size() - at, " bytes follow the last tensor, expected none");
  return file;
}

TINYGAN_FUNC SafetensorsFile read_safetensors(const std::filesystem::path& path) {
  return decode_safetensors(read_file(path), path.string());
}

TINYGAN_FUNC void write_safetensors(const std::filesystem::path& path, const SafetensorsFile& file) {
  write_file(path, encode_safetensors(file, path.string()));
}

}  // namespace tinygan::io

#endif
