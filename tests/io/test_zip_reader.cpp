#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <tinygan/io/byte_writer.hpp>
#include <tinygan/io/checksum.hpp>
#include <tinygan/io/zip_reader.hpp>

#include "support/catch.hpp"
#include "support/temporary.hpp"

using namespace tinygan;
using support::contains;
using support::error_of;

namespace {

using Bytes = std::vector<std::uint8_t>;
constexpr std::size_t no_limit = std::size_t{1} << 30;

/// The fields of one header.
struct Header {
  std::uint16_t flags = 0x0800, method = 0;
  std::uint32_t crc = 0, compressed = 0, size = 0;
  std::string name;
  Bytes extra = {};
};

/// A member as its local header and the directory describe it.
struct Member {
  Header local, entry;
  Bytes data;
  std::uint32_t offset = 0;
  std::uint16_t disk = 0;
  bool only_entry = false;  // neither local header nor data
};

Member stored(const std::string& name, const Bytes& data) {
  const auto n = static_cast<std::uint32_t>(data.size());
  const Header h{.crc = io::crc32(data), .compressed = n, .size = n, .name = name};
  return {.local = h, .entry = h, .data = data};
}

/// A member of the bytes 1 2 3, as a deflated stored block.
Member deflated(const std::string& name) {
  Member m = stored(name, {1, 2, 3});
  m.data = {1, 3, 0, 0xFC, 0xFF, 1, 2, 3};
  for (Header* h : {&m.local, &m.entry}) h->method = 8, h->compressed = 8;
  return m;
}

void put(io::detail::ByteWriter& out, const Header& h) {
  out.u16(20).u16(h.flags).u16(h.method).u32(0).u32(h.crc).u32(h.compressed).u32(h.size);
  out.u16(static_cast<std::uint16_t>(h.name.size())).u16(static_cast<std::uint16_t>(h.extra.size()));
}

/// The fields of the end record.
struct End {
  std::uint16_t disk = 0, directory_disk = 0, disk_count = 0, count = 0;
  std::uint32_t size = 0, offset = 0;
  std::uint16_t comment = 0;
};

/// An archive. `change` edits the members when their offsets are known, `change_end` the end record.
Bytes archive(
    std::vector<Member> members, const std::function<void(std::vector<Member>&)>& change = [](auto&) {},
    const std::function<void(End&)>& change_end = [](End&) {}) {
  std::uint32_t at = 0;
  for (Member& m : members) {
    m.offset = at;
    at += static_cast<std::uint32_t>(30 + m.local.name.size() + m.local.extra.size() + m.data.size());
  }
  change(members);
  io::detail::ByteWriter out;
  for (const Member& m : members) {
    if (m.only_entry) continue;
    put(out.u32(0x04034B50), m.local);
    out.raw(m.local.name).raw(m.local.extra).raw(m.data);
  }
  const auto n = static_cast<std::uint16_t>(members.size());
  End end{.disk_count = n, .count = n, .offset = static_cast<std::uint32_t>(out.bytes().size())};
  for (const Member& m : members) {
    put(out.u32(0x02014B50).u16(20), m.entry);
    out.u16(0).u16(m.disk).u16(0).u32(0).u32(m.offset).raw(m.entry.name).raw(m.entry.extra);
  }
  end.size = static_cast<std::uint32_t>(out.bytes().size()) - end.offset;
  change_end(end);
  out.u32(0x06054B50).u16(end.disk).u16(end.directory_disk).u16(end.disk_count).u16(end.count);
  out.u32(end.size).u32(end.offset).u16(end.comment);
  return std::move(out).bytes();
}

std::string message(const Bytes& zip, std::size_t limit = no_limit) {
  return error_of([&] { io::decode_zip(zip, limit, "f.zip"); });
}

/// What is wrong with an archive of `a` (stored) and `b` (deflated) after a change of its members.
std::string changed(const std::function<void(Member& a, Member& b)>& change) {
  return message(archive({stored("a", {7, 8}), deflated("b")}, [&](std::vector<Member>& m) { change(m[0], m[1]); }));
}

std::string changed_end(const std::function<void(End&)>& change) {
  return message(archive(
      {stored("a", {7, 8}), deflated("b")}, [](auto&) {}, change));
}

/// zip64's extra field, with which NumPy begins every member.
Bytes zip64_field(std::uint64_t size, std::uint64_t compressed) {
  io::detail::ByteWriter out;
  out.u16(1).u16(16).u64(size).u64(compressed);
  return std::move(out).bytes();
}

bool same(const std::vector<io::ZipMember>& members, const std::vector<std::pair<std::string, Bytes>>& expected) {
  if (members.size() != expected.size()) return false;
  for (std::size_t i = 0; i < members.size(); ++i)
    if (members[i].name != expected[i].first || members[i].bytes != expected[i].second) return false;
  return true;
}

}  // namespace

TEST_CASE("A zip archive's members are read in the order of their data") {
  const Bytes zip = archive({stored("a", {7, 8}), deflated("b"), stored("", {})}, [](std::vector<Member>& m) {
    std::swap(m[0].entry, m[1].entry), std::swap(m[0].offset, m[1].offset);
  });
  CHECK(same(io::decode_zip(zip, no_limit, "f"), {{"a", {7, 8}}, {"b", {1, 2, 3}}, {"", {}}}));
  CHECK(io::decode_zip(archive({}), no_limit, "f").empty());

  Member numpy = deflated("n");  // sizes in zip64's field, other fields behind it
  numpy.local.extra = zip64_field(3, 8);
  numpy.local.extra.insert(numpy.local.extra.end(), {9, 9, 1, 0, 5});
  numpy.local.size = numpy.local.compressed = 0xFFFFFFFF;
  numpy.entry.extra = {1, 2, 0, 0};
  CHECK(same(io::decode_zip(archive({numpy}), no_limit, "f"), {{"n", {1, 2, 3}}}));
  numpy.local.extra[4] = 4;
  CHECK(contains(message(archive({numpy})), "member 'n' has a local header that differs"));
  numpy.local.extra.resize(19);
  CHECK(contains(message(archive({numpy})), "member 'n' has a local header that differs"));
}

TEST_CASE("The limit of an archive counts all its members") {
  const Bytes zip = archive({stored("a", {7, 8}), deflated("b")});
  CHECK(message(zip, 5) == "");
  CHECK(message(zip, 4) == "f.zip: member 'b' of 3 bytes exceeds what is left of the limit, 2");
}

TEST_CASE("A zip archive that is cut anywhere is an error, and never more is read") {
  const Bytes zip = archive({stored("a", {7, 8}), deflated("b")});
  for (std::size_t n = 0; n < zip.size(); ++n) {
    const Bytes cut(zip.begin(), zip.begin() + static_cast<std::ptrdiff_t>(n));  // of its own, for the sanitizers
    INFO("cut to " << n << " of " << zip.size() << ": " << message(cut));
    CHECK(contains(message(cut), n < 4 ? "f.zip: not a zip archive" : "f.zip: the zip archive is truncated"));
  }
  Bytes longer = zip;
  longer.push_back(0);
  CHECK(contains(message(longer), "or a comment follows it"));
}

TEST_CASE("A flipped bit of a zip archive is an error or changes nothing") {
  const std::vector<std::pair<std::string, Bytes>> expected = {{"a", {7, 8}}, {"b", {1, 2, 3}}};
  const Bytes zip = archive({stored("a", {7, 8}), deflated("b")});
  std::size_t accepted = 0;
  for (std::size_t bit = 0; bit < 8 * zip.size(); ++bit) {
    Bytes damaged = zip;
    damaged[bit / 8] = static_cast<std::uint8_t>(damaged[bit / 8] ^ 1u << bit % 8);
    if (!message(damaged).empty()) continue;
    ++accepted;
    INFO("bit " << bit);
    CHECK(same(io::decode_zip(damaged, no_limit, "f"), expected));
  }
  // Of each local header: version, time, date. Of each entry: both versions, time, date, attributes (2 and 4 bytes).
  // And the unused bits of the deflated block's first byte.
  CHECK(accepted == 8 * (2 * 6 + 2 * 14) + 5);
}

TEST_CASE("Each kind of damage of a zip archive has its error") {
  CHECK(contains(message({'P', 'K', 3, 4}), "truncated"));
  CHECK(message({}) == "f.zip: not a zip archive");
  CHECK(contains(message({0x1f, 0x8b, 8, 0}), "f.zip: not a zip archive: it seems to be a gzip file"));

  CHECK(contains(changed_end([](End& e) { e.count = e.disk_count = 0xFFFF; }), "f.zip: a zip64 archive"));
  CHECK(contains(changed_end([](End& e) { e.size = 0xFFFFFFFF; }), "f.zip: a zip64 archive"));
  CHECK(contains(changed_end([](End& e) { e.offset = 0xFFFFFFFF; }), "f.zip: a zip64 archive"));
  CHECK(contains(changed_end([](End& e) { e.disk = 1; }), "several volumes"));
  CHECK(contains(changed_end([](End& e) { e.directory_disk = 1; }), "several volumes"));
  CHECK(contains(changed_end([](End& e) { e.disk_count = 1; }), "several volumes"));
  CHECK(contains(changed([](Member& a, Member&) { a.disk = 1; }), "several volumes"));
  CHECK(contains(changed_end([](End& e) { e.comment = 3; }), "a comment of 3 bytes is missing"));
  CHECK(contains(changed_end([](End& e) { e.offset -= 1; }), "expected to end at byte"));
  CHECK(contains(changed_end([](End& e) { e.offset -= 1, e.size += 1; }), "no entry of the directory at byte"));
  CHECK(contains(changed_end([](End& e) { e.offset += 1, e.size -= 1; }), "no entry of the directory at byte"));
  CHECK(
      contains(changed_end([](End& e) { e.count = e.disk_count = 1; }), "47 bytes follow the directory's last entry"));
  CHECK(contains(changed_end([](End& e) { e.count = e.disk_count = 3; }), "the directory ends within an entry"));
  CHECK(contains(changed([](Member&, Member& b) { b.entry.name += "xyz", b.entry.extra = {1}; }), "differs"));

  Bytes with_locator = archive({stored("a", {7, 8})});
  const Bytes end(with_locator.end() - 22, with_locator.end());
  with_locator.resize(with_locator.size() - 22);
  with_locator.insert(with_locator.end(), {'P', 'K', 6, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0});
  with_locator.insert(with_locator.end(), end.begin(), end.end());
  CHECK(contains(message(with_locator), "f.zip: a zip64 archive"));

  const auto both = [](Member& m, auto&& change) { change(m.local), change(m.entry); };
  CHECK(changed([&](Member& a, Member&) { both(a, [](Header& h) { h.flags |= 1; }); }) ==
        "f.zip: member 'a' is encrypted");
  CHECK(contains(changed([&](Member& a, Member&) { both(a, [](Header& h) { h.flags |= 8; }); }), "written to a pipe"));
  CHECK(contains(changed([&](Member& a, Member&) { both(a, [](Header& h) { h.flags = 16; }); }), "has the flags 16"));
  CHECK(contains(changed([&](Member& a, Member&) { both(a, [](Header& h) { h.method = 12; }); }), "method 12"));
  CHECK(contains(changed([](Member& a, Member&) { a.entry.size = 0xFFFFFFFF; }), "a zip64 member"));
  CHECK(contains(changed([](Member& a, Member&) { a.entry.compressed = 0xFFFFFFFF; }), "a zip64 member"));
  CHECK(contains(changed([](Member&, Member& b) { b.offset = 0xFFFFFFFF; }), "a zip64 member"));
  CHECK(contains(changed([](Member& a, Member&) { a.entry.size = 3; }), "stored in 2 bytes, expected its size, 3"));
  CHECK(contains(changed([&](Member&, Member& b) { both(b, [](Header& h) { h.name = "a"; }); }), "'a' appears twice"));

  CHECK(changed([](Member&, Member& b) { b.offset -= 1; }) ==
        "f.zip: member 'b' begins at byte 32, expected 33 (overlap)");
  CHECK(changed([](Member&, Member& b) { b.offset = 0; }).ends_with("(overlap)"));
  CHECK(changed([](Member&, Member& b) { b.offset += 1; }).ends_with("(gap)"));
  CHECK(contains(changed([&](Member&, Member& b) { both(b, [](Header& h) { h.compressed = 7; }); }), "is truncated"));
  CHECK(contains(changed([&](Member&, Member& b) { both(b, [](Header& h) { h.compressed = 9; }); }),
                 "reaches beyond byte"));
  CHECK(contains(changed([](Member&, Member& b) { b.data.push_back(0); }),
                 "the directory begins at byte 73, expected 72"));
  CHECK(
      contains(changed([](Member&, Member& b) { b.data.clear(); }), "'b' reaches beyond byte 64, where the directory"));
  CHECK(contains(changed([](Member&, Member& b) { b.only_entry = true; }), "'b' reaches beyond byte 33, where"));
  CHECK(contains(changed([](Member& a, Member&) { a.only_entry = true, a.entry.name = "b2"; }),
                 "'b2' has a local header"));
  for (const auto change :
       {+[](Header& h) { h.name = "c"; }, +[](Header& h) { h.flags = 0; }, +[](Header& h) { h.method = 8; },
        +[](Header& h) { h.crc += 1; }, +[](Header& h) { h.compressed += 1; }, +[](Header& h) { h.size += 1; }})
    CHECK(changed([&](Member& a, Member&) { change(a.local); }) ==
          "f.zip: member 'a' has a local header that differs from the directory");
  CHECK(changed([&](Member& a, Member&) { both(a, [](Header& h) { h.crc ^= 1; }); }) ==
        "f.zip: member 'a': the CRC-32 of the data does not match");
  CHECK(changed([&](Member&, Member& b) { both(b, [](Header& h) { h.size = 2; }); }) ==
        "f.zip: member 'b': expands to more than the limit of 2 bytes");
  CHECK(changed([&](Member&, Member& b) { both(b, [](Header& h) { h.size = 4; }); }) ==
        "f.zip: member 'b': decodes to 3 bytes, expected 4");
  CHECK(contains(changed([](Member&, Member& b) { b.data[0] = 7; }), "f.zip: member 'b': damaged DEFLATE data"));
}
