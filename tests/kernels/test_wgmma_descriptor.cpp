// The constants of wgmma's matrix descriptors, as literals: the emulated device reads descriptors as this code writes
// them, so a wrong constant would go unnoticed there. Source: PTX ISA, "Asynchronous Warpgroup Level Matrix
// Instructions", matrix descriptor format. Bits 0-13 start address, 16-29 leading dimension byte offset, 32-45 stride
// dimension byte offset, 49-51 base offset, 62-63 swizzle mode, of which 1 is 128 bytes; addresses and offsets in units
// of 16 bytes.
#include "../../kernels/device/wgmma.cuh"

#include "support/catch.hpp"

namespace tinygan::cuda {
namespace {

// K-major: 1024 bytes from 8 rows to the next 8; with this swizzle the leading dimension's offset is ignored, and 1.
static_assert(descriptor_layout<Major::k> == 0x4000004000010000u);
// MN-major: 8192 bytes from 64 neighbours of M or N to the next 64, 1024 from 8 indices of K to the next 8.
static_assert(descriptor_layout<Major::mn> == 0x4000004002000000u);
// Along K: 32 bytes of a row, or 16 rows of 128 bytes.
static_assert(descriptor_step<Major::k> == 2);
static_assert(descriptor_step<Major::mn> == 128);

struct Fields {
  unsigned start, leading, stride, base, swizzle;
  bool operator==(const Fields&) const = default;
};
constexpr Fields fields(std::uint64_t d) {
  return {static_cast<unsigned>(d & 0x3fff) << 4, static_cast<unsigned>(d >> 16 & 0x3fff) << 4,
          static_cast<unsigned>(d >> 32 & 0x3fff) << 4, static_cast<unsigned>(d >> 49 & 7),
          static_cast<unsigned>(d >> 62)};
}

TEST_CASE("Descriptors of wgmma have the fields of the PTX manual, and steps along K move the start alone") {
  CHECK(fields(descriptor_layout<Major::k>) == Fields{0, 16, 1024, 0, 1});
  CHECK(fields(descriptor_layout<Major::mn>) == Fields{0, 8192, 1024, 0, 1});
  // The last tile of 228 KB of shared memory, and the last of its four steps.
  const std::uint64_t last = (227 * 1024) >> 4;
  for (const std::uint64_t step : {3 * descriptor_step<Major::k>, 3 * descriptor_step<Major::mn>}) {
    const Fields f = fields((descriptor_layout<Major::mn> | last) + step);
    CHECK(f == Fields{227 * 1024 + 16 * static_cast<unsigned>(step), 8192, 1024, 0, 1});
  }
}

}  // namespace
}  // namespace tinygan::cuda
