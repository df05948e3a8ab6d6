#include "run_directory.hpp"

#include <algorithm>
#include <charconv>
#include <iomanip>
#include <sstream>
#include <system_error>

#include <tinygan/base/error.hpp>

namespace dcgan_mnist {

namespace fs = std::filesystem;

namespace {

/// The number in front of a run directory's name, or -1.
int run_number(const std::string& name) {
  int number = -1;
  const std::size_t dash = name.find('-');
  if (dash == std::string::npos) return -1;
  const auto [end, error] = std::from_chars(name.data(), name.data() + dash, number);
  return error == std::errc{} && end == name.data() + dash ? number : -1;
}

}  // namespace

fs::path make_run_directory(const fs::path& parent, const std::string& name) {
  std::error_code error;
  fs::create_directories(parent, error);
  tinygan::check(!error, parent.string(), "cannot make the folder: ", error.message());
  int next = 0;
  for (const fs::directory_entry& entry : fs::directory_iterator(parent, error))
    next = std::max(next, run_number(entry.path().filename().string()) + 1);
  tinygan::check(!error, parent.string(), "cannot list the folder: ", error.message());
  for (;; ++next) {  // another run may take the number at the same moment
    std::ostringstream numbered;
    numbered << std::setw(5) << std::setfill('0') << next << '-' << name;
    const fs::path directory = parent / numbered.str();
    if (fs::create_directory(directory, error)) return directory;
    tinygan::check(!error, directory.string(), "cannot make the run directory: ", error.message());
  }
}

}  // namespace dcgan_mnist
