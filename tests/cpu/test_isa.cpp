#include <tinygan/cpu/simd.hpp>

#include <cstddef>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/temporary.hpp"

namespace cpu = tinygan::cpu;
using cpu::Isa;

namespace {

/// Restores the instruction set after a test.
struct KeepIsa {
  Isa before = cpu::isa();
  ~KeepIsa() { cpu::set_isa(before); }
};

std::vector<Isa> available() {
  std::vector<Isa> sets;
  for (Isa isa : {Isa::portable, Isa::avx2, Isa::avx512, Isa::neon})
    if (cpu::has_isa(isa)) sets.push_back(isa);
  return sets;
}

}  // namespace

TEST_CASE("dispatch() runs the body with the tag of the chosen instruction set") {
  const KeepIsa keep;
  for (Isa isa : available()) {
    cpu::set_isa(isa);
    CHECK(cpu::isa() == isa);
    Isa seen{};
    int bytes = 0, calls = 0;
    cpu::dispatch([&]<class I>(I) TINYGAN_INLINE_LAMBDA {
      seen = I::isa;
      bytes = I::bytes;
      ++calls;
    });
    CHECK(seen == isa);
    CHECK(bytes == (isa == Isa::avx512 ? 64 : isa == Isa::avx2 ? 32 : 16));
    CHECK(calls == 1);
  }
}

TEST_CASE("Vectors of every instruction set load, add and store at any address") {
  const KeepIsa keep;
  for (Isa isa : available()) {
    cpu::set_isa(isa);
    CAPTURE(cpu::isa_name(isa));
    std::vector<float> x(64 + 3), y(64 + 3, 0.0f);
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i);
    const float* from = x.data() + 1;  // off every vector boundary
    float* to = y.data() + 3;
    cpu::dispatch([&]<class I>(I) TINYGAN_INLINE_LAMBDA {
      for (int i = 0; i < 64; i += cpu::lanes<float, I>)
        *cpu::vec<float, I>(to + i) = *cpu::vec<float, I>(from + i) + 0.5f;
    });
    int wrong = 0;
    for (int i = 0; i < 64; ++i) wrong += to[i] != from[i] + 0.5f;
    CHECK(wrong == 0);
    CHECK((y[0] == 0.0f && y[1] == 0.0f && y[2] == 0.0f));
  }
}

TEST_CASE("lanes counts elements in a register") {
  CHECK(cpu::lanes<float, cpu::Portable> == 4);
  CHECK(cpu::lanes<double, cpu::Avx2> == 4);
  CHECK(cpu::lanes<float, cpu::Avx512> == 16);
  CHECK(cpu::lanes<float, cpu::Neon> == 4);
}

TEST_CASE("An instruction set is that of one architecture, and the portable one of any") {
  CHECK(cpu::has_isa(Isa::portable));
  CHECK(cpu::has_isa(cpu::detect_isa()));
#if defined(__aarch64__)
  CHECK(available() == std::vector{Isa::portable, Isa::neon});
#else
  CHECK(!cpu::has_isa(Isa::neon));
#endif
}

TEST_CASE("set_isa refuses what the processor lacks") {
  const KeepIsa keep;
  CHECK_NOTHROW(cpu::set_isa(Isa::portable));
  CHECK(cpu::isa() == Isa::portable);
  for (Isa isa : {Isa::avx2, Isa::avx512, Isa::neon})
    if (!cpu::has_isa(isa))
      CHECK(support::error_of([&] { cpu::set_isa(isa); }) ==
            tinygan::text("set_isa: this processor has no ", cpu::isa_name(isa)));
  CHECK(cpu::isa() == Isa::portable);
  CHECK(std::string(cpu::isa_name(Isa::avx2)) == "AVX2");
}

TEST_CASE("TINYGAN_CPU_ISA names an instruction set that the processor has") {
  const support::EnvironmentVariable variable("TINYGAN_CPU_ISA");
  const auto found = [&](const char* value) {
    variable.set(value);
    return cpu::detail::initial_isa();
  };
  CHECK(found("portable") == Isa::portable);
  for (const char* bad : {"", "AVX2", "avx2 ", " avx2", "avx-512", "sse", "2"}) {
    CAPTURE(bad);
    CHECK(support::error_of([&] { found(bad); }) ==
          tinygan::text("TINYGAN_CPU_ISA: '", bad, "', expected portable, avx2, avx512 or neon"));
  }
  const Isa best = cpu::detect_isa(), other = best == Isa::neon ? Isa::avx2 : Isa::neon;
  CHECK(support::error_of([&] { found(other == Isa::neon ? "neon" : "avx2"); }) ==
        tinygan::text("TINYGAN_CPU_ISA: '", other == Isa::neon ? "neon" : "avx2", "', but this processor has no ",
                      cpu::isa_name(other), "; its best is ", cpu::isa_name(best)));
  variable.unset();
  CHECK(cpu::detail::initial_isa() == cpu::detect_isa());
}
