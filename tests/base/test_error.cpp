#include <tinygan/base/device.hpp>
#include <tinygan/base/error.hpp>

#include <stdexcept>

#include "support/catch.hpp"

using tinygan::Device;
using tinygan::Error;

TEST_CASE("text() joins whatever streams") { CHECK(tinygan::text("a", 1, ' ', 2.5, std::string("b")) == "a1 2.5b"); }

TEST_CASE("fail() throws an Error that says where and what") {
  CHECK_THROWS_WITH(tinygan::fail("conv2d", "stride ", 0, ", expected at least ", 1),
                    "conv2d: stride 0, expected at least 1");
  CHECK_THROWS_AS(tinygan::fail("conv2d", "x"), Error);
  CHECK_THROWS_AS(tinygan::fail("conv2d", "x"), std::runtime_error);
}

TEST_CASE("check() throws if and only if its condition is false") {
  CHECK_NOTHROW(tinygan::check(true, "op", "never said"));
  CHECK_THROWS_WITH(tinygan::check(false, "op", "found ", 3), "op: found 3");
}

TEST_CASE("Device compares by type and number and prints its name") {
  CHECK(Device::cpu() == Device{});
  CHECK(Device::cuda(0) != Device::cuda(1));
  CHECK(Device::cpu() != Device::emulated());
  CHECK(tinygan::text(Device::cpu()) == "cpu");
  CHECK(tinygan::text(Device::cuda(1)) == "cuda:1");
  CHECK(tinygan::text(Device::emulated()) == "emulated");
}
