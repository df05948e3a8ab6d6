#include "cli/config_file.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>
#include <system_error>
#include <utility>

#include <nlohmann/json.hpp>

#include <tinygan/base/error.hpp>
#include <tinygan/io/file.hpp>
#include <tinygan/io/json.hpp>

#include "base/byte_text.hpp"

namespace dcgan_mnist {

namespace {

using tinygan::io::detail::Descriptor;
using tinygan::io::detail::reason;
using tinygan::io::detail::shown;

constexpr std::size_t max_bytes = 1 << 20;  // far above any options: a larger file is a mistake

/// The content of a file or a pipe (--config <(program)).
std::string content_of(const std::string& path) {
  // Without O_NONBLOCK a named pipe that nobody writes to would never open; with it that pipe is at its end.
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  struct stat status {};
  if (file.get() < 0 || ::fstat(file.get(), &status) != 0) tinygan::fail(path, "cannot read: ", reason(errno));
  tinygan::check(!S_ISDIR(status.st_mode), path, "is a directory; expected a file, such as the options.json of a run");
  tinygan::check(S_ISREG(status.st_mode) || S_ISFIFO(status.st_mode), path, "is neither a file nor a pipe");
  std::string content;
  std::array<char, 4096> block;
  for (;;) {
    const ssize_t n = ::read(file.get(), block.data(), block.size());
    if (n == 0) break;
    if (n > 0) {
      content.append(block.data(), static_cast<std::size_t>(n));
      tinygan::check(content.size() <= max_bytes, path, "is larger than ", max_bytes >> 20,
                     " MiB, expected a configuration file");
    } else if (errno == EAGAIN) {
      pollfd wait{file.get(), POLLIN, 0};
      ::poll(&wait, 1, -1);
    } else if (errno != EINTR) {
      tinygan::fail(path, "cannot read: ", reason(errno));
    }
  }
  tinygan::check(!content.empty(), path, "is empty; expected lines of the form name = value, or a JSON object");
  return content;
}

/// The text without its byte order mark. Throws Error if it is UTF-16, UTF-32 or binary.
std::string_view without_mark(std::string_view text, const std::string& path) {
  constexpr std::string_view mark = "\xEF\xBB\xBF";
  if (text.starts_with(mark)) text.remove_prefix(mark.size());
  const bool wide = text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF") || text.substr(0, 4).find('\0') < 4;
  tinygan::check(!wide, path, "is UTF-16 or UTF-32 text; expected UTF-8: save it again in that encoding");
  tinygan::check(text.find('\0') == std::string_view::npos, path, "is not a text file: it has zero bytes in it");
  return text;
}

constexpr std::string_view space = " \t\v\f\r";

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(space);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(space) - first + 1);
}

/// Collects the members of a JSON object. Floating-point numbers keep their spelling.
class JsonOptions : public nlohmann::json_sax<nlohmann::ordered_json> {
 public:
  explicit JsonOptions(std::string path) : path_(std::move(path)) {}

  std::vector<ConfigEntry> entries;

  bool null() override { return plain_value_expected(); }
  bool boolean(bool value) override { return add(value ? "true" : "false"); }
  bool number_integer(number_integer_t value) override { return add(std::to_string(value)); }
  bool number_unsigned(number_unsigned_t value) override { return add(std::to_string(value)); }
  bool number_float(number_float_t, const string_t& spelling) override {
    std::string number = spelling;  // with the decimal point of the program's locale
    const auto is_point = [](char c) { return std::string_view("0123456789+-eE").find(c) == std::string_view::npos; };
    std::replace_if(number.begin(), number.end(), is_point, '.');
    return add(number);
  }
  bool string(string_t& value) override { return add(decode_path(value)); }
  bool binary(binary_t&) override { return plain_value_expected(); }
  bool start_object(std::size_t) override { return std::exchange(inside_, true) ? plain_value_expected() : true; }
  bool key(string_t& name) override {
    name_ = name;
    return true;
  }
  bool end_object() override { return true; }
  bool start_array(std::size_t) override { return plain_value_expected(); }
  bool end_array() override { return true; }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception& e) override {
    std::string what = e.what();  // "[json.exception.parse_error.101] parse error at line 1, column 2: ..."
    if (const std::size_t end = what.find("] "); end != std::string::npos) what.erase(0, end + 2);
    tinygan::fail(path_, "is not valid JSON: ", what);
  }

 private:
  bool add(const std::string& value) {
    entries.push_back({name_, value, path_});
    return true;
  }
  bool plain_value_expected() const {
    tinygan::fail(path_, "the value of ", shown(name_), " is not a text, number, true or false");
  }

  std::string path_, name_;
  bool inside_ = false;
};

std::vector<ConfigEntry> read_json(std::string_view text, const std::string& path) {
  JsonOptions options(path);
  nlohmann::ordered_json::sax_parse(text.begin(), text.end(), &options);
  return options.entries;
}

/// A value without its quotes and without the comment after it.
std::string value_of(std::string_view text, const std::string& where) {
  const bool quoted = text.starts_with('"') || text.starts_with('\'');
  if (!quoted) return std::string(trimmed(text.substr(0, text.find('#'))));
  const std::size_t end = text.find(text.front(), 1);
  tinygan::check(end != std::string_view::npos, where, "the quote in ", shown(text), " is not closed");
  const std::string_view rest = trimmed(text.substr(end + 1));
  tinygan::check(rest.empty() || rest.front() == '#', where, "unexpected ", shown(rest), " after the quoted value");
  return std::string(text.substr(1, end - 1));
}

std::vector<ConfigEntry> read_lines(std::string_view text, const std::string& path) {
  std::vector<ConfigEntry> entries;
  for (int number = 1; !text.empty(); ++number) {
    const std::size_t end = text.find_first_of("\r\n");
    const std::string_view line = trimmed(text.substr(0, end));
    const bool two = end != std::string_view::npos && text.substr(end, 2) == "\r\n";
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + (two ? 2 : 1));
    if (line.empty() || line.front() == '#' || line.front() == ';') continue;
    const std::string where = path + ": line " + std::to_string(number);
    tinygan::check(line.front() != '[', where, "found ", shown(line), ", expected name = value; there are no sections");
    const std::size_t equals = line.find('=');
    const std::string name = value_of(trimmed(line.substr(0, equals)), where);
    // A flag may stand alone.
    const std::string value =
        equals == std::string_view::npos ? "true" : value_of(trimmed(line.substr(equals + 1)), where);
    tinygan::check(!name.empty() && name.find_first_of(" \t") == std::string::npos, where, "found ", shown(line),
                   ", expected name = value");
    entries.push_back({name, value, where});
  }
  return entries;
}

}  // namespace

std::vector<ConfigEntry> read_config(const std::string& path) {
  const std::string content = content_of(path);
  const std::string_view text = without_mark(content, path);
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first != std::string_view::npos && text[first] == '{') return read_json(text, path);
  return read_lines(text, path);
}

}  // namespace dcgan_mnist
