// main() of the tests: Catch2 2 makes it here, Catch2 3 brings it in its library.
#if !__has_include(<catch2/catch_all.hpp>)
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
#endif

#include <cstdlib>

#include "support/paths.hpp"
#include "support/report_listener.hpp"

using support::ReportListener;
CATCH_REGISTER_LISTENER(ReportListener)

/// The environment variable counts where the program runs on another machine than the one that compiled it.
std::string test_file(const std::string& name) {
  const char* const moved = std::getenv("TINYGAN_TEST_DIR");
  return std::string(moved ? moved : TINYGAN_TEST_DIR) + "/" + name;
}
