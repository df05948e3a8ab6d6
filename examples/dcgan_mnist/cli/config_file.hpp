// Configuration files of the command line.
#pragma once

#include <string>
#include <vector>

namespace dcgan_mnist {

/// An option in a configuration file.
struct ConfigEntry {
  std::string name, value;
  std::string where;  ///< "run.ini: line 3", or the file alone
};

/// The options in a file: JSON if it begins with a brace, as a run's options.json does; otherwise lines `name = value`
/// (INI, TOML) with comments after # or ; and quotes around values that contain a #. UTF-8, with or without a byte
/// order mark; any line ends. Throws Error naming the file and line.
std::vector<ConfigEntry> read_config(const std::string& path);

}  // namespace dcgan_mnist
