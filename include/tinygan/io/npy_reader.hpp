// NumPy's .npy files: a strict reader of one array.
//
// Layout: "\x93NUMPY", the version (two bytes: 1.0, 2.0 or 3.0), the header's length (2 bytes, from version 2.0 on 4),
// the header, the data. The header is a Python dictionary with the keys descr, fortran_order and shape, then spaces and
// a newline. Read are booleans, numbers, texts and raw bytes of any byte order; not structured types and not objects,
// whose data are pickles.
// Source: NumPy's format description (numpy.lib.format).
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <tinygan/base/error.hpp>
#include <tinygan/base/outline.hpp>
#include <tinygan/base/shape.hpp>
#include <tinygan/io/checksum.hpp>
#include <tinygan/io/extents.hpp>
#include <tinygan/io/file_kind.hpp>
#include <tinygan/io/json.hpp>
#include <tinygan/io/npz.hpp>

namespace tinygan::io {

/// An array: row-major bytes. An empty shape is a scalar; extents may be 0.
struct NpyArray {
  std::string dtype;  ///< NumPy's name of the element type, such as "<f4": byte order, kind, size
  std::vector<index_t> shape;
  std::vector<std::uint8_t> bytes;

  /// The values. Throws Error (naming `name`) if the dtype is not that of T.
  template <class T>
  std::vector<T> values(std::string_view name) const {
    static_assert(std::endian::native == std::endian::little, "the values of a '<' type are little-endian");
    const std::string expected = detail::npy_descr<T>();
    // The byte order of single bytes is written as '|' by NumPy, also as '<' by others.
    check(dtype.substr(1) == expected.substr(1) && (sizeof(T) == 1 || dtype[0] == '<'), name, "the dtype is ", dtype,
          ", expected ", expected);
    std::vector<T> out(bytes.size() / sizeof(T));
    if constexpr (std::is_same_v<T, bool>) {
      std::transform(bytes.begin(), bytes.end(), out.begin(), [](std::uint8_t b) { return b != 0; });
    } else {
      if (!out.empty()) std::memcpy(out.data(), bytes.data(), bytes.size());
    }
    return out;
  }
};

/// The array of an .npy file; one in Fortran order is transposed to row-major. Throws Error naming `name` if the bytes
/// are not a well-formed file, or the dtype is unsupported.
NpyArray decode_npy(std::span<const std::uint8_t> bytes, const std::string& name);

}  // namespace tinygan::io

#ifdef TINYGAN_FUNC

namespace tinygan::io::detail {

/// What an .npy header says.
struct NpyHeader {
  std::string dtype;
  bool fortran_order = false;
  std::vector<index_t> shape;
};

/// Reads the header, a Python dictionary with exactly these keys. Every member throws Error, naming the byte, on an
/// unexpected token.
class NpyHeaderReader {
 public:
  NpyHeaderReader(std::string_view header, const std::string& name) : header_(header), name_(name) {}

  NpyHeader read() {
    NpyHeader out;
    std::set<std::string> seen;
    expect('{');
    while (!accept('}')) {
      const std::string key = quoted("a key");
      expect(':');
      if (key == "descr") out.dtype = dtype();
      else if (key == "fortran_order") out.fortran_order = boolean();
      else if (key == "shape") out.shape = tuple();
      else fail(name_, "the header has the key ", shown(key), ", expected descr, fortran_order and shape");
      check(seen.insert(key).second, name_, "the header has the key ", key, " twice");
      if (accept(',')) continue;
      expect('}');
      break;
    }
    for (const char* key : {"descr", "fortran_order", "shape"})
      check(seen.contains(key), name_, "the header has no ", key);
    check(header_.find_first_not_of(' ', at_) == header_.size() - 1 && header_.back() == '\n', name_,
          "the header does not end with spaces and a newline");
    return out;
  }

 private:
  bool accept(char c) {
    skip_spaces();
    if (at_ == header_.size() || header_[at_] != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!accept(c)) wrong(text('\'', c, '\''));
  }
  bool word(std::string_view w) {
    skip_spaces();
    if (!header_.substr(at_).starts_with(w)) return false;
    at_ += w.size();
    return true;
  }
  void skip_spaces() { at_ = std::min(header_.find_first_not_of(' ', at_), header_.size()); }

  [[noreturn]] void wrong(const std::string& expected) const {
    const std::string found = at_ < header_.size() ? shown(header_.substr(at_), 12) : "the end";
    fail(name_, "invalid header at its byte ", at_, ": found ", found, ", expected ", expected);
  }

  /// A text in single or double quotes, without escapes.
  std::string quoted(const char* what) {
    skip_spaces();
    const char quote = at_ < header_.size() ? header_[at_] : ' ';
    if (quote != '\'' && quote != '"') wrong(what);
    const std::size_t end = header_.find(quote, at_ + 1);
    const std::string_view inside = header_.substr(at_ + 1, end - at_ - 1);
    if (end == std::string_view::npos || inside.find_first_of("\\\n") != std::string_view::npos) wrong(what);
    at_ = end + 1;
    return std::string(inside);
  }

  bool boolean() {
    if (word("True")) return true;
    if (!word("False")) wrong("True or False");
    return false;
  }

  std::string dtype() {
    skip_spaces();
    check(!header_.substr(at_).starts_with('['), name_, "an array of a structured type, which is not supported");
    return quoted("the dtype");
  }

  /// "()", "(2,)", "(2, 3)" or "(2, 3,)".
  std::vector<index_t> tuple() {
    std::vector<index_t> out;
    expect('(');
    bool comma = true;
    while (!accept(')')) {
      if (!comma) wrong("','");
      out.push_back(extent());
      comma = accept(',');
    }
    if (out.size() == 1 && !comma) fail(name_, "the shape is ", out[0], ", expected a tuple");
    return out;
  }

  index_t extent() {
    skip_spaces();
    const std::size_t first = at_;
    index_t n = 0;
    for (; at_ < header_.size() && header_[at_] >= '0' && header_[at_] <= '9'; ++at_)
      if (__builtin_mul_overflow(n, index_t{10}, &n) || __builtin_add_overflow(n, index_t{header_[at_] - '0'}, &n))
        fail(name_, "the shape has an extent of 2^63 or more");
    if (at_ == first || (header_[first] == '0' && at_ > first + 1)) at_ = first, wrong("an extent");
    return n;
  }

  std::string_view header_;
  const std::string& name_;
  std::size_t at_ = 0;
};

/// Bytes of one element, by NumPy's name of the type: byte order, kind, size, and the unit of a time in brackets.
TINYGAN_FUNC index_t item_size(std::string_view dtype, const std::string& name) {
  const auto unsupported = [&](const char* why) { fail(name, "the dtype ", shown(dtype), why); };
  if (dtype.size() < 2 || std::string_view("<>|").find(dtype[0]) == std::string_view::npos)
    unsupported(" does not begin with a byte order");
  const char kind = dtype[1];
  if (kind == 'O') unsupported(" is that of Python objects, whose data are a pickle; these are not supported");
  std::string_view size = dtype.substr(2);
  if (kind == 'm' || kind == 'M') size = size.substr(0, size.find('['));
  const auto one_of = [&](std::initializer_list<std::string_view> sizes) {
    return std::find(sizes.begin(), sizes.end(), size) != sizes.end();
  };
  const bool digits = !size.empty() && size.size() <= 9 && size.find_first_not_of("0123456789") == size.npos;
  const bool known = kind == 'b'                  ? one_of({"1"})
                     : kind == 'i' || kind == 'u' ? one_of({"1", "2", "4", "8"})
                     : kind == 'f'                ? one_of({"2", "4", "8", "12", "16"})
                     : kind == 'c'                ? one_of({"8", "16", "24", "32"})
                     : kind == 'm' || kind == 'M' ? one_of({"8"})
                                                  : (kind == 'S' || kind == 'U' || kind == 'V') && digits;
  if (!known) unsupported(" is unknown");
  index_t n = 0;
  for (const char c : size) n = 10 * n + (c - '0');
  return kind == 'U' ? 4 * n : n;
}

/// The elements of an array in Fortran order (first index fastest), in row-major order.
TINYGAN_FUNC std::vector<std::uint8_t> row_major(std::span<const std::uint8_t> from, const std::vector<index_t>& shape,
                                                 std::size_t item) {
  std::vector<std::uint8_t> to(from.size());
  std::vector<std::size_t> stride, index(shape.size(), 0);  // in bytes of `from`
  for (std::size_t n = item; const index_t extent : shape) stride.push_back(n), n *= static_cast<std::size_t>(extent);
  std::size_t source = 0;
  for (std::size_t at = 0; at < to.size(); at += item) {
    std::memcpy(to.data() + at, from.data() + source, item);
    for (std::size_t axis = shape.size(); axis-- > 0;) {  // the next index, last axis fastest
      source += stride[axis];
      if (++index[axis] < static_cast<std::size_t>(shape[axis])) break;
      source -= stride[axis] * index[axis];
      index[axis] = 0;
    }
  }
  return to;
}

}  // namespace tinygan::io::detail

namespace tinygan::io {

TINYGAN_FUNC NpyArray decode_npy(std::span<const std::uint8_t> bytes, const std::string& name) {
  constexpr std::string_view magic = "\x93NUMPY";
  const std::string_view all(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (!all.starts_with(magic)) {
    const std::string kind = kind_of_content(bytes);
    fail(name, "not a NumPy array", kind.empty() ? "" : ": it seems to be " + kind);
  }
  check(all.size() >= 8, name, "truncated: ", all.size(), " bytes");
  const unsigned major = bytes[6], minor = bytes[7];
  check(major >= 1 && major <= 3 && minor == 0, name, "version ", major, '.', minor, ", expected 1.0, 2.0 or 3.0");
  const std::size_t before = major == 1 ? 10 : 12;
  check(all.size() >= before, name, "truncated: ", all.size(), " bytes");
  const std::size_t length = major == 1 ? std::size_t{detail::load_little_endian<std::uint16_t>(bytes.data() + 8)}
                                        : std::size_t{detail::load_little_endian<std::uint32_t>(bytes.data() + 8)};
  check(length <= all.size() - before, name, "truncated: a header of ", length, " bytes in ", all.size());

  detail::NpyHeader header = detail::NpyHeaderReader(all.substr(before, length), name).read();
  const index_t item = detail::item_size(header.dtype, name);
  const auto expected = product(header.shape, item);
  check(expected.has_value(), name, "the size of the shape ", shape_text(header.shape), " overflows 64 bits");
  const auto data = bytes.subspan(before + length);
  check(data.size() == static_cast<std::uint64_t>(*expected), name, data.size(), " bytes of data, expected ", *expected,
        " by its shape ", shape_text(header.shape), " and dtype ", header.dtype);
  NpyArray array{std::move(header.dtype), std::move(header.shape), {}};
  if (header.fortran_order) array.bytes = detail::row_major(data, array.shape, static_cast<std::size_t>(item));
  else array.bytes.assign(data.begin(), data.end());
  return array;
}

}  // namespace tinygan::io

#endif
