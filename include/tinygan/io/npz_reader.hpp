// Reading .npz files, zip archives of .npy files: what numpy.savez and numpy.savez_compressed write, and write_npz.
// The limits of the two formats are those of io/zip_reader.hpp and io/npy_reader.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tinygan/base/error.hpp>
#include <tinygan/base/outline.hpp>
#include <tinygan/io/file.hpp>
#include <tinygan/io/json.hpp>
#include <tinygan/io/npy_reader.hpp>
#include <tinygan/io/zip_reader.hpp>

namespace tinygan::io {

/// The arrays of an .npz file by name.
class NpzArrays {
 public:
  NpzArrays(std::map<std::string, NpyArray, std::less<>> arrays, std::string file)
      : arrays_(std::move(arrays)), file_(std::move(file)) {}

  const std::map<std::string, NpyArray, std::less<>>& all() const { return arrays_; }

  /// One array. Throws Error naming the file and its arrays if it has none of this name.
  const NpyArray& at(std::string_view name) const;

  /// The values of one array. Throws Error as at() does, or if the dtype is not that of T.
  template <class T>
  std::vector<T> values(std::string_view name) const {
    return at(name).template values<T>(text(file_, ": array ", detail::shown(name)));
  }

 private:
  std::map<std::string, NpyArray, std::less<>> arrays_;
  std::string file_;
};

/// Memory for the arrays of one file, unless the caller gives another limit.
inline constexpr std::size_t max_npz_bytes = std::size_t{1} << 32;

/// Parses the bytes of an .npz file. Throws Error (naming `name` and the array) as decode_zip and decode_npy do, or if
/// a member is not an .npy file.
NpzArrays decode_npz(std::span<const std::uint8_t> bytes, const std::string& name, std::size_t limit = max_npz_bytes);

/// Reads an .npz file. Throws Error as read_file and decode_npz do.
NpzArrays read_npz(const std::filesystem::path& path, std::size_t limit = max_npz_bytes);

}  // namespace tinygan::io

#ifdef TINYGAN_FUNC

namespace tinygan::io {

TINYGAN_FUNC const NpyArray& NpzArrays::at(std::string_view name) const {
  const auto found = arrays_.find(name);
  if (found != arrays_.end()) return found->second;
  std::string names;
  for (const auto& [other, array] : arrays_) names += (names.empty() ? "" : ", ") + detail::shown(other);
  fail(file_, "no array ", detail::shown(name), ", expected one of: ", names.empty() ? "(none)" : names);
}

TINYGAN_FUNC NpzArrays decode_npz(std::span<const std::uint8_t> bytes, const std::string& name, std::size_t limit) {
  constexpr std::string_view suffix = ".npy";
  std::map<std::string, NpyArray, std::less<>> arrays;
  std::vector<ZipMember> members = decode_zip(bytes, limit, name);
  for (ZipMember& m : members) {
    check(m.name.ends_with(suffix), name, "member ", detail::shown(m.name),
          " is not an array, whose name ends in .npy");
    const std::string array = m.name.substr(0, m.name.size() - suffix.size());
    arrays.emplace(array, decode_npy(m.bytes, text(name, ": array ", detail::shown(array))));
    m = {};  // frees the copy
  }
  return {std::move(arrays), name};
}

TINYGAN_FUNC NpzArrays read_npz(const std::filesystem::path& path, std::size_t limit) {
  return decode_npz(read_file(path), path.string(), limit);
}

}  // namespace tinygan::io

#endif
