// JSON lines of bench_step: one per benchmark, written as it ends.
#pragma once

#include <cmath>
#include <fstream>
#include <locale>
#include <string>

#include <tinygan/base/error.hpp>

namespace tinygan::bench {

/// One line under construction.
class JsonRow {
 public:
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
  JsonRow& field(const std::string& name, bool value) {
    begin(name);
    line_ += value ? "true" : "false";
    return *this;
  }
  JsonRow& field(const std::string& name, const char* value) { return field(name, std::string(value)); }

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
  explicit JsonLines(const std::string& name) : name_(name) {
    if (name.empty()) return;
    file_.imbue(std::locale::classic());
    file_.open(name);
    check(file_.good(), "bench_step", "cannot write ", name);
  }

  void add(const JsonRow& row) {
    if (file_.is_open()) check((file_ << row.line() << '\n').flush().good(), "bench_step", "cannot write ", name_);
  }

 private:
  std::string name_;
  std::ofstream file_;
};

}  // namespace tinygan::bench
