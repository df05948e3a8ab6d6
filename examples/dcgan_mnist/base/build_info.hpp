// How this program was built.
#pragma once

#include <string>

namespace dcgan_mnist {

/// The library's version, e.g. "0.1.0".
std::string library_version();
/// The git commit it was built from, with "-dirty" if files had been changed; empty if it was not built from a
/// repository.
std::string source_commit();
/// CMAKE_BUILD_TYPE.
std::string build_type();
/// Compiler and version.
std::string compiler();
/// Whether the compiler optimised: without it a run takes many times as long.
bool optimised();

}  // namespace dcgan_mnist
