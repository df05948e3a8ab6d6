// JSON lines: one per measurement, written as it ends.
#pragma once

#include <cmath>
#include <fstream>
#include <locale>
#include <string>
#include <vector>

#include <tinygan/base/error.hpp>
#include <tinygan/base/shape.hpp>

namespace tinygan::bench {

/// One line under construction.
class JsonRow {
 public:
  JsonRow() = default;
  explicit JsonRow(const std::string& name) { field("name", name); }

  JsonRow& field(const std::string& name, const std::string& value) {
    begin(name);
    line_ += '"';
    for (char c : value) {
      if (static_cast<unsigned char>(c) < ' ') c = ' ';
      if (c == '"' || c == '\\') line_ += '\\';
      line_ += c;
    }
    line_ += '"';
    return *this;
  }
  JsonRow& field(const std::string& name, double value) {
    begin(name);
    line_ += std::isfinite(value) ? text(value) : "null";
    return *this;
  }
  JsonRow& field(const std::string& name, index_t value) {
    begin(name);
    line_ += text(value);
    return *this;
  }
  JsonRow& field(const std::string& name, int value) { return field(name, index_t{value}); }
  JsonRow& field(const std::string& name, bool value) {
    begin(name);
    line_ += value ? "true" : "false";
    return *this;
  }
  JsonRow& field(const std::string& name, const char* value) { return field(name, std::string(value)); }
  JsonRow& field(const std::string& name, const std::vector<JsonRow>& rows) {
    begin(name);
    line_ += '[';
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (i > 0) line_ += ',';
      line_ += rows[i].line();
    }
    line_ += ']';
    return *this;
  }

  std::string line() const { return '{' + line_ + '}'; }

 private:
  void begin(const std::string& name) {
    if (!line_.empty()) line_ += ',';
    line_ += '"' + name + "\":";
  }

  std::string line_;
};

/// A file of JSON lines, none if the name is empty. Throws Error where it cannot be written.
class JsonLines {
 public:
  JsonLines(const char* program, const std::string& name) : program_(program), name_(name) {
    if (name.empty()) return;
    file_.imbue(std::locale::classic());
    file_.open(name);
    check(file_.good(), program, "cannot write ", name);
  }

  void add(const JsonRow& row) {
    if (file_.is_open()) check((file_ << row.line() << '\n').flush().good(), program_, "cannot write ", name_);
  }

 private:
  const char* program_;
  std::string name_;
  std::ofstream file_;
};

}  // namespace tinygan::bench
