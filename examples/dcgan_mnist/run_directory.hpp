// Numbered run directories.
#pragma once

#include <filesystem>
#include <string>

namespace dcgan_mnist {

/// Makes <parent>/<number>-<name>, the number one above the highest there. Never reuses a directory. Throws Error if it
/// cannot be made.
std::filesystem::path make_run_directory(const std::filesystem::path& parent, const std::string& name);

}  // namespace dcgan_mnist
