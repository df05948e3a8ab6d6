// A pull parser for the JSON of safetensors headers (RFC 8259): strings, unsigned integers, and values that are
// skipped. The caller asks for the next value by its type. Nested input does not recurse, so that hostile input cannot
// exhaust the stack.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <tinygan/base/error.hpp>
#include <tinygan/base/outline.hpp>

namespace tinygan::io::detail {

/// Length of the well-formed UTF-8 sequence at the start of s, 0 if there is none (Unicode 15, table 3-7).
std::size_t utf8_sequence(std::string_view s);

/// Index of the first byte that is not UTF-8, or npos.
std::size_t find_non_utf8(std::string_view s);

/// Untrusted text for a message: truncated to about `max_length` bytes, unprintable bytes replaced by ?.
std::string printable(std::string_view s, std::size_t max_length = 80);

/// printable() in quotes.
std::string shown(std::string_view s, std::size_t max_length = 80);

/// s as a JSON string, in quotes. s must be UTF-8.
std::string json_string(std::string_view s);

}  // namespace tinygan::io::detail

#ifdef TINYGAN_FUNC

namespace tinygan::io::detail {

TINYGAN_FUNC std::size_t utf8_sequence(std::string_view s) {
  const auto byte = [&](std::size_t i) { return i < s.size() ? static_cast<unsigned char>(s[i]) : 0u; };
  const unsigned first = byte(0);
  if (first < 0x80) return s.empty() ? 0 : 1;
  const std::size_t length = first >= 0xC2 && first <= 0xDF   ? 2
                             : first >= 0xE0 && first <= 0xEF ? 3
                             : first >= 0xF0 && first <= 0xF4 ? 4
                                                              : 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((byte(i) & 0xC0u) != 0x80u) return 0;
  const unsigned second = byte(1);  // overlong forms, surrogates, beyond U+10FFFF
  const bool excluded = (first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F) ||
                        (first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F);
  return excluded ? 0 : length;
}

TINYGAN_FUNC std::size_t find_non_utf8(std::string_view s) {
  for (std::size_t i = 0; i < s.size();) {
    const std::size_t length = utf8_sequence(s.substr(i));
    if (length == 0) return i;
    i += length;
  }
  return std::string_view::npos;
}

TINYGAN_FUNC void append_utf8(std::string& out, std::uint32_t c) {
  const auto put = [&](std::uint32_t byte) { out += static_cast<char>(static_cast<unsigned char>(byte)); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xC0 | c >> 6), put(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    put(0xE0 | c >> 12), put(0x80 | (c >> 6 & 0x3F)), put(0x80 | (c & 0x3F));
  } else {
    put(0xF0 | c >> 18), put(0x80 | (c >> 12 & 0x3F)), put(0x80 | (c >> 6 & 0x3F)), put(0x80 | (c & 0x3F));
  }
}

TINYGAN_FUNC std::string printable(std::string_view s, std::size_t max_length) {
  std::string out;
  std::size_t i = 0;
  while (i < s.size() && i < max_length) {
    const std::size_t length = utf8_sequence(s.substr(i));
    if (length > 1) out += s.substr(i, length);
    else out += length == 0 || static_cast<unsigned char>(s[i]) < 0x20 || s[i] == 0x7F ? '?' : s[i];
    i += length == 0 ? 1 : length;
  }
  return out + (i < s.size() ? "..." : "");
}

TINYGAN_FUNC std::string shown(std::string_view s, std::size_t max_length) {
  return text('\'', printable(s, max_length), '\'');
}

TINYGAN_FUNC std::string json_string(std::string_view s) {
  std::string out = "\"";
  for (const char c : s) {
    constexpr std::string_view plain = "\"\\\b\f\n\r\t", letters = "\"\\bfnrt";
    if (const auto i = plain.find(c); i != std::string_view::npos) {
      out += '\\';
      out += letters[i];
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += "\\u00";
      out += "0123456789abcdef"[c >> 4];
      out += "0123456789abcdef"[c & 15];
    } else {
      out += c;
    }
  }
  return out + '"';
}

/// Reads JSON text token by token. Every member throws Error, naming `name` and the byte, on an unexpected token.
class JsonReader {
 public:
  JsonReader(std::string_view json, const std::string& name) : json_(json), name_(name) {
    const std::size_t bad = find_non_utf8(json);
    if (bad != std::string_view::npos) fail(name, "invalid header: not UTF-8 at byte ", bad);
  }

  /// Skips white space, then the character c if it comes next.
  bool accept(char c) {
    skip_space();
    if (at_ == json_.size() || json_[at_] != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!accept(c)) wrong(text("'", c, "'"));
  }
  bool accept_null() {
    skip_space();
    return word("null");
  }
  /// Expects white space to the end.
  void expect_end() {
    skip_space();
    if (at_ != json_.size()) wrong("the end");
  }

  /// Calls item() for each element up to `close`. The opening bracket has been read.
  template <class Item>
  void each(char close, Item&& item) {
    if (accept(close)) return;
    do item();
    while (accept(','));
    expect(close);
  }

  std::uint64_t unsigned_integer(const char* what) {
    skip_space();
    const std::size_t start = at_;
    std::uint64_t value = 0;
    for (; at_ < json_.size() && json_[at_] >= '0' && json_[at_] <= '9'; ++at_) {
      const auto digit = static_cast<std::uint64_t>(json_[at_] - '0');
      if (value > (UINT64_MAX - digit) / 10) fail(name_, "invalid header: ", what, " too large at byte ", start);
      value = 10 * value + digit;
    }
    const bool leading_zero = at_ - start > 1 && json_[start] == '0';
    const bool fraction = at_ < json_.size() && std::string_view(".eE").find(json_[at_]) != std::string_view::npos;
    if (at_ == start || leading_zero || fraction) wrong(text(what, " (a whole number, not negative)"));
    return value;
  }

  std::string string(const char* what) {
    if (!accept('"')) wrong(text(what, " (a string)"));
    std::string out;
    for (;;) {
      if (at_ == json_.size()) wrong("'\"'");
      const char c = json_[at_++];
      if (c == '"') return out;
      if (static_cast<unsigned char>(c) < 0x20)
        fail(name_, "invalid header: a control character inside a string at byte ", at_ - 1);
      if (c == '\\') escape(out);
      else out += c;
    }
  }

  /// Skips a value of any type.
  void skip_value() {
    std::string open;  // the expected closing brackets, innermost last
    const auto key = [&] {
      string("a key");
      expect(':');
    };
    do {
      if (accept('{')) {
        open += '}';
        if (!accept('}')) {
          key();
          continue;
        }
        open.pop_back();
      } else if (accept('[')) {
        open += ']';
        if (!accept(']')) continue;
        open.pop_back();
      } else {
        skip_scalar();
      }
      while (!open.empty() && !accept(',')) {
        expect(open.back());
        open.pop_back();
      }
      if (!open.empty() && open.back() == '}') key();
    } while (!open.empty());
  }

  [[noreturn]] void wrong(std::string_view expected) const {
    const std::string found = at_ < json_.size() ? shown(json_.substr(at_), 12) : "the end";
    fail(name_, "invalid header: found ", found, " at byte ", at_, ", expected ", expected);
  }

 private:
  void skip_space() {
    while (at_ < json_.size() && std::string_view(" \t\n\r").find(json_[at_]) != std::string_view::npos) ++at_;
  }

  bool word(std::string_view w) {
    if (json_.substr(at_, w.size()) != w) return false;
    at_ += w.size();
    return true;
  }

  void skip_scalar() {
    skip_space();
    if (at_ < json_.size() && json_[at_] == '"') {
      string("a string");
      return;
    }
    if (word("null") || word("true") || word("false")) return;
    const auto digits = [&] {
      const std::size_t start = at_;
      while (at_ < json_.size() && json_[at_] >= '0' && json_[at_] <= '9') ++at_;
      if (at_ == start) wrong("a value");
    };
    word("-");
    if (!word("0")) digits();
    if (word(".")) digits();
    if (word("e") || word("E")) {
      if (!word("+")) word("-");
      digits();
    }
  }

  void escape(std::string& out) {
    constexpr std::string_view letters = "\"\\/bfnrt", plain = "\"\\/\b\f\n\r\t";
    const char c = at_ < json_.size() ? json_[at_] : '\0';
    if (const auto i = letters.find(c); i != std::string_view::npos) {
      ++at_;
      out += plain[i];
      return;
    }
    if (c != 'u') wrong("an escape sequence");
    ++at_;
    std::uint32_t code = hex4();
    if (code >= 0xD800 && code < 0xDC00) {  // the first half of a surrogate pair
      if (json_.substr(at_, 2) != "\\u") wrong("the second half of a surrogate pair");
      at_ += 2;
      const std::uint32_t low = hex4();
      if (low < 0xDC00 || low > 0xDFFF) wrong("the second half of a surrogate pair");
      code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    } else if (code >= 0xDC00 && code < 0xE000) {
      wrong("the first half of a surrogate pair");
    }
    append_utf8(out, code);
  }

  std::uint32_t hex4() {
    std::uint32_t value = 0;
    for (int i = 0; i < 4; ++i, ++at_) {
      const char c = at_ < json_.size() ? json_[at_] : ' ';
      const std::size_t digit = std::string_view("0123456789abcdefABCDEF").find(c);
      if (digit == std::string_view::npos) wrong("four hexadecimal digits");
      value = 16 * value + static_cast<std::uint32_t>(digit < 16 ? digit : digit - 6);
    }
    return value;
  }

  std::string_view json_;
  std::string name_;
  std::size_t at_ = 0;
};

}  // namespace tinygan::io::detail

#endif
