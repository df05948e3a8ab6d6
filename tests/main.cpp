// main() of the tests: Catch2 2 makes it here, Catch2 3 brings it in its library.
#if !__has_include(<catch2/catch_all.hpp>)
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
#endif

#include "support/paths.hpp"

std::string test_file(const std::string& name) { return std::string(TINYGAN_TEST_DIR) + "/" + name; }
