// The files of the MNIST family: finds the data sets in a folder, under their published names and layouts.
//
//   [SET-]train-images-idx3-ubyte   [SET-]train-labels-idx1-ubyte   or, as QMNIST has them, [SET-]train-labels-idx2-int
//   [SET-]t10k-images-idx3-ubyte    ...                             or [SET-]test-images-idx3-ubyte
//
// each also gzipped with the ending .gz, and with '.' or '_' for any '-'. MNIST, Fashion-MNIST and KMNIST have no SET;
// EMNIST has emnist-balanced, emnist-byclass, ...; QMNIST has qmnist. Some archives pack each file into a folder of the
// file's name.
#pragma once

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <tuple>
#include <utility>
#include <vector>

#include <tinygan/base/ascii.hpp>
#include <tinygan/base/error.hpp>
#include <tinygan/base/outline.hpp>
#include <tinygan/data/dataset.hpp>

namespace tinygan::data {

/// The files of one set; the path of a missing file is empty.
struct MnistSet {
  std::filesystem::path folder;
  std::string name;  ///< prefix of the files' names, such as "emnist-digits"; "" for MNIST's own names
  std::filesystem::path train_images, train_labels, test_images, test_labels;

  /// The images file of a part.
  const std::filesystem::path& images(Split s) const { return s == Split::train ? train_images : test_images; }
  /// The labels file of a part.
  const std::filesystem::path& labels(Split s) const { return s == Split::train ? train_labels : test_labels; }
};

namespace detail {

/// The file of a set that a file name denotes.
struct MnistName {
  std::string set;
  Split split = Split::train;
  bool labels = false;
  int preference = 0;  // of several names of one file the lowest is used

  bool same_file(const MnistName& o) const;
};

std::optional<MnistName> parse_mnist_name(const std::string& name);

inline std::string file_name(const std::filesystem::path& p) { return p.filename().string(); }

/// Entries of a folder in the order of their names. None if it cannot be listed.
std::vector<std::filesystem::path> sorted_entries(const std::filesystem::path& folder);

bool is_file(const std::filesystem::path& p);
bool is_folder(const std::filesystem::path& p);

/// The sets in one folder, by name.
std::vector<MnistSet> mnist_sets_of(const std::filesystem::path& folder);

/// Subfolders, without hidden ones and those that contain a single file of their name.
std::vector<std::filesystem::path> subfolders(const std::filesystem::path& folder);

}  // namespace detail

/// The sets in a folder that meet a condition, or, if there are none, those in its subfolders, at most three levels
/// down (torchvision's MNIST/raw, EMNIST's gzip). Only the sets of the first level that has any.
std::vector<MnistSet> find_mnist_sets(
    const std::filesystem::path& directory,
    const std::function<bool(const MnistSet&)>& wanted = [](const MnistSet&) { return true; });

namespace detail {

/// The default among several sets: the one with MNIST's own file names, and of several of those the one in a folder
/// named mnist.
inline const MnistSet* default_set(const std::vector<MnistSet>& sets, const std::filesystem::path& directory) {
  const auto only = [&](const auto& condition) {
    const auto meets = [&](const MnistSet& s) { return s.name.empty() && condition(s); };
    const auto it = std::find_if(sets.begin(), sets.end(), meets);
    return it != sets.end() && std::none_of(it + 1, sets.end(), meets) ? &*it : nullptr;
  };
  if (sets.size() == 1) return &sets.front();
  if (const MnistSet* s = only([](const MnistSet&) { return true; })) return s;
  return only([&](const MnistSet& s) {
    const std::filesystem::path below = s.folder.lexically_relative(directory);
    return std::any_of(below.begin(), below.end(),
                       [](const auto& part) { return tinygan::detail::lower_case(part.string()) == "mnist"; });
  });
}

}  // namespace detail

/// The set with a split's images: in `directory` or below, or, if that is a file of images, the set of that file.
/// Throws Error if there is no set, naming the expected files, or several sets without a default, naming them.
MnistSet choose_mnist_set(const std::filesystem::path& directory, Split split);

}  // namespace tinygan::data

#ifdef TINYGAN_FUNC

namespace tinygan::data::detail {

TINYGAN_FUNC bool MnistName::same_file(const MnistName& o) const {
  return std::tie(set, split, labels) == std::tie(o.set, o.split, o.labels);
}

TINYGAN_FUNC std::optional<MnistName> parse_mnist_name(const std::string& name) {
  if (name.starts_with('.')) return std::nullopt;  // hidden, as macOS adds them to archives
  const bool gzipped = name.ends_with(".gz");
  const std::string unpacked = name.substr(0, name.size() - (gzipped ? 3 : 0));
  std::string plain = unpacked;
  std::replace_if(
      plain.begin(), plain.end(), [](char c) { return c == '.' || c == '_'; }, '-');
  struct Ending {
    std::string_view text;
    Split split;
    bool labels;
  };
  constexpr Ending endings[] = {
      {"train-images-idx3-ubyte", Split::train, false}, {"t10k-images-idx3-ubyte", Split::test, false},
      {"test-images-idx3-ubyte", Split::test, false},   {"train-labels-idx1-ubyte", Split::train, true},
      {"t10k-labels-idx1-ubyte", Split::test, true},    {"test-labels-idx1-ubyte", Split::test, true},
      {"train-labels-idx2-int", Split::train, true},    {"t10k-labels-idx2-int", Split::test, true},
      {"test-labels-idx2-int", Split::test, true}};
  int preference = 0;
  for (const Ending& e : endings) {
    preference += 4;
    if (!plain.ends_with(e.text)) continue;
    std::string set = plain.substr(0, plain.size() - e.text.size());
    if (!set.empty() && !set.ends_with('-')) return std::nullopt;
    if (!set.empty()) set.pop_back();
    return MnistName{std::move(set), e.split, e.labels, preference + (plain == unpacked ? 0 : 2) + (gzipped ? 0 : 1)};
  }
  return std::nullopt;
}

TINYGAN_FUNC std::vector<std::filesystem::path> sorted_entries(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> all;
  std::error_code error;
  for (std::filesystem::directory_iterator at(folder, error), end; !error && at != end; at.increment(error))
    all.push_back(at->path());
  std::sort(all.begin(), all.end());
  return all;
}

TINYGAN_FUNC bool is_file(const std::filesystem::path& p) {
  std::error_code ignored;
  return std::filesystem::is_regular_file(p, ignored);
}

TINYGAN_FUNC bool is_folder(const std::filesystem::path& p) {
  std::error_code ignored;
  return std::filesystem::is_directory(p, ignored);
}

TINYGAN_FUNC std::vector<MnistSet> mnist_sets_of(const std::filesystem::path& folder) {
  struct Candidate {
    MnistName name;
    int preference;
    std::filesystem::path path;
  };
  std::vector<Candidate> candidates;
  for (const std::filesystem::path& p : sorted_entries(folder)) {
    const auto name = parse_mnist_name(file_name(p));
    if (!name) continue;
    if (is_file(p)) candidates.push_back({*name, name->preference, p});
    if (!is_folder(p)) continue;
    for (const std::filesystem::path& inner : sorted_entries(p)) {
      const auto inner_name = parse_mnist_name(file_name(inner));
      constexpr int in_a_folder = 1000;
      if (inner_name && inner_name->same_file(*name) && is_file(inner))
        candidates.push_back({*name, in_a_folder + inner_name->preference, inner});
    }
  }
  std::stable_sort(candidates.begin(), candidates.end(),
                   [](const Candidate& a, const Candidate& b) { return a.preference < b.preference; });
  std::map<std::string, MnistSet> sets;
  for (Candidate& c : candidates) {
    MnistSet& set = sets[c.name.set];
    const bool train = c.name.split == Split::train;
    auto& path =
        c.name.labels ? (train ? set.train_labels : set.test_labels) : (train ? set.train_images : set.test_images);
    if (path.empty()) path = std::move(c.path);
  }
  std::vector<MnistSet> all;
  for (auto& [name, set] : sets) {
    set.folder = folder;
    set.name = name;
    all.push_back(std::move(set));
  }
  return all;
}

TINYGAN_FUNC std::vector<std::filesystem::path> subfolders(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> all;
  for (std::filesystem::path& p : sorted_entries(folder)) {
    const std::string name = file_name(p);
    if (name.starts_with('.') || name == "__MACOSX" || parse_mnist_name(name) || !is_folder(p)) continue;
    all.push_back(std::move(p));
  }
  return all;
}

}  // namespace tinygan::data::detail

namespace tinygan::data {

TINYGAN_FUNC std::vector<MnistSet> find_mnist_sets(const std::filesystem::path& directory,
                                                   const std::function<bool(const MnistSet&)>& wanted) {
  constexpr int max_depth = 3;
  constexpr std::size_t max_folders = 1000;  // so that a home directory does not take minutes
  std::vector<std::filesystem::path> level = {directory};
  for (int depth = 0;; ++depth) {
    std::vector<MnistSet> found;
    for (const std::filesystem::path& folder : level)
      for (MnistSet& set : detail::mnist_sets_of(folder))
        if (wanted(set)) found.push_back(std::move(set));
    if (!found.empty() || depth == max_depth) return found;
    std::vector<std::filesystem::path> next;
    for (const std::filesystem::path& folder : level)
      for (std::filesystem::path& p : detail::subfolders(folder))
        if (next.size() < max_folders) next.push_back(std::move(p));
    level = std::move(next);
  }
}

TINYGAN_FUNC MnistSet choose_mnist_set(const std::filesystem::path& directory, Split split) {
  std::error_code error;
  const bool there = std::filesystem::exists(directory, error);
  check(!error, "MNIST", "cannot open ", directory.string(), ": ", error.message());
  check(there, "MNIST", "directory not found: ", directory.string());
  if (detail::is_file(directory)) {
    const auto name = detail::parse_mnist_name(detail::file_name(directory));
    check(name && !name->labels, "MNIST", directory.string(), ", expected a directory or the name of a file of images");
    const std::filesystem::path folder = directory.has_parent_path() ? directory.parent_path() : ".";
    for (MnistSet& set : detail::mnist_sets_of(folder)) {
      if (set.name != name->set) continue;
      (name->split == Split::train ? set.train_images : set.test_images) = directory;
      if (!set.images(split).empty()) return set;
    }
    fail("MNIST", "no ", split_name(split), " images beside ", directory.string());
  }
  check(detail::is_folder(directory), "MNIST", directory.string(), " is not a directory");
  std::filesystem::directory_iterator(directory, error);  // NOLINT(bugprone-unused-raii): opening it is the check
  check(!error, "MNIST", "cannot list the directory ", directory.string(), ": ", error.message());
  const std::vector<MnistSet> sets =
      find_mnist_sets(directory, [&](const MnistSet& s) { return !s.images(split).empty(); });
  if (const MnistSet* set = detail::default_set(sets, directory)) return *set;
  const std::string stem = split == Split::train ? "train-images" : "t10k-images";
  check(!sets.empty(), "MNIST", "no ", stem, " in ", directory.string(), "; looked for ", stem, "-idx3-ubyte.gz, ",
        stem, "-idx3-ubyte, ", stem, ".idx3-ubyte.gz, ", stem,
        ".idx3-ubyte, also with a prefix such as emnist-digits- and in subfolders");
  std::string names;
  for (const MnistSet& s : sets)
    names += (names.empty() ? "" : ", ") + s.images(split).lexically_relative(directory).string();
  fail("MNIST", "several data sets in ", directory.string(), ": ", names,
       "; name the one file in place of the directory");
}

}  // namespace tinygan::data

#endif
