#include <clocale>
#include <locale>
#include <optional>
#include <string>
#include <vector>

#include <tinygan/io/event_file.hpp>
#include <tinygan/io/npz.hpp>
#include <tinygan/io/safetensors.hpp>

#include "support/catch.hpp"
#include "support/temporary.hpp"

using namespace tinygan;
using support::error_of;

namespace {

using Bytes = std::vector<std::uint8_t>;

/// Numbers as in much of Europe: 1.234.567,5.
class CommaNumbers : public std::numpunct<char> {
 protected:
  char do_decimal_point() const override { return ','; }
  char do_thousands_sep() const override { return '.'; }
  std::string do_grouping() const override { return "\3"; }
  std::string do_truename() const override { return "wahr"; }
};

/// Makes a locale the program's own, and puts back the one that was. Setting a named one sets C's as well.
class ProgramLocale {
 public:
  explicit ProgramLocale(const std::locale& l) : before_(std::locale::global(l)) {}
  ~ProgramLocale() { std::locale::global(before_); }
  ProgramLocale(const ProgramLocale&) = delete;
  ProgramLocale& operator=(const ProgramLocale&) = delete;

 private:
  std::locale before_;
};

/// Every kind of file, names included, and texts of all kinds of number.
std::vector<std::string> everything_written() {
  const support::TemporaryFolder folder;
  std::vector<std::string> all;
  const auto add = [&](const Bytes& b) { all.emplace_back(b.begin(), b.end()); };
  const std::vector<float> values(123456, 1.5f);
  io::SafetensorsFile weights;
  weights.metadata = {{"count", text(1234567)}, {"rate", text(0.25)}};
  weights.add<float>("w", values, {1929, 64});
  weights.add<float>("v", std::span(values).first(1000), {1000, 1});
  add(io::encode_safetensors(weights, "f"));
  io::NpzFile arrays;
  arrays.add<float>("w", std::span(values), {1929, 64});
  arrays.add<float>("v", std::span(values).first(1000), {1000});
  add(arrays.encode("f"));
  io::EventFile events(folder.path(), 1700000000);
  const io::EventFile::Scalar scalar{"loss", 1234.5};
  events.scalars(1234567, {&scalar, 1}, 1700000000.5);
  events.image(1234567, "grid", Bytes(5000, 1), {2048, 1024}, 1700000000.5);
  all.push_back(events.path().filename().string());
  add(io::read_file(events.path()));
  all.push_back(io::md5(Bytes(123456, 7)));
  all.push_back(text(Shape{1000, 2000}, ' ', 1234567, ' ', 12345.5, ' ', 0.001f, ' ', true, ' ', std::size_t{98765}));
  all.push_back(io::shape_text(std::vector<index_t>{1234567}));
  all.push_back(error_of([] { fail("f", 1234, " of ", 56789.25); }));
  all.push_back(error_of([&] { io::decode_safetensors(Bytes(12345, 0xFF), "f"); }));
  return all;
}

void check_same(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  REQUIRE(a.size() == b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    INFO("part " << i);
    CHECK((a[i] == b[i]));
  }
}

}  // namespace

TEST_CASE("files, their names and messages are the same whatever the program's locale") {
  const std::vector<std::string> expected = everything_written();
  CHECK(expected[5] == "(1000, 2000) 1234567 12345.5 0.001 1 98765");
  std::vector<std::string> found;
  {
    const ProgramLocale grouping(std::locale(std::locale::classic(), new CommaNumbers));
    found = everything_written();
  }
  check_same(found, expected);

  std::optional<std::locale> named;
  for (const char* name : {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "de_DE"}) {
    try {
      if (!named) named.emplace(name);
    } catch (const std::runtime_error&) {
    }
  }
  if (!named) {
    WARN("no German or French locale is installed: C's own decimal comma is not tried");
    return;
  }
  {
    const ProgramLocale comma(*named);
    CHECK(std::string(std::localeconv()->decimal_point) == ",");
    found = everything_written();
  }
  check_same(found, expected);
}

TEST_CASE("what was written under a grouping locale is read under it and under any other") {
  io::SafetensorsFile weights;
  weights.add<float>("w", std::vector<float>(6000, 1.5f), {1500, 4});
  Bytes bytes;
  {
    const ProgramLocale grouping(std::locale(std::locale::classic(), new CommaNumbers));
    bytes = io::encode_safetensors(weights, "f");
    CHECK(io::decode_safetensors(bytes, "f") == weights);
  }
  CHECK(io::decode_safetensors(bytes, "f") == weights);
}
