"""The Conan 2 package of tinygan, from the checkout that this file lies in: conan create packaging/conan"""
import os
import re

from conan import ConanFile
from conan.errors import ConanInvalidConfiguration
from conan.tools.cmake import CMake, CMakeToolchain
from conan.tools.files import copy, load
from conan.tools.scm import Version

OLDEST = {"gcc": "12", "clang": "14"}  # the compilers that tinygan is tested with


class Tinygan(ConanFile):
    name = "tinygan"
    license = "Apache-2.0"
    description = "A from-scratch, header-only C++20 deep-learning library with hand-written CUDA kernels"
    topics = ("deep-learning", "gan", "autograd", "cuda", "header-only")
    package_type = "header-library"
    settings = "os", "arch", "compiler", "build_type"
    implements = ["auto_header_only"]

    @property
    def _checkout(self):
        return os.path.join(self.recipe_folder, os.pardir, os.pardir)

    def set_version(self):
        text = load(self, os.path.join(self._checkout, "include", "tinygan", "base", "version.hpp"))
        parts = [re.search(rf"TINYGAN_VERSION_{part} (\d+)", text).group(1) for part in ("MAJOR", "MINOR", "PATCH")]
        self.version = ".".join(parts)

    def export_sources(self):
        for pattern in ("CMakeLists.txt", "LICENSE", "cmake/*", "include/*", "kernels/*"):
            copy(self, pattern, self._checkout, self.export_sources_folder)

    def validate(self):
        if self.settings.os != "Linux":
            raise ConanInvalidConfiguration(f"tinygan runs on Linux, not on {self.settings.os}")
        oldest = OLDEST.get(str(self.settings.compiler))
        if oldest and Version(self.settings.compiler.version) < oldest:
            raise ConanInvalidConfiguration(f"tinygan needs {self.settings.compiler} {oldest} or later for C++20, "
                                            f"not {self.settings.compiler.version}")

    def generate(self):
        toolchain = CMakeToolchain(self)
        toolchain.cache_variables["TINYGAN_INSTALL"] = True
        for part in ("BUILD_TESTS", "BUILD_BENCH", "BUILD_EXAMPLES", "ENABLE_CUDA"):
            toolchain.cache_variables[f"TINYGAN_{part}"] = "OFF"
        toolchain.generate()

    def build(self):
        CMake(self).configure()

    def package(self):
        copy(self, "LICENSE", self.source_folder, os.path.join(self.package_folder, "licenses"))
        CMake(self).install()

    def package_info(self):
        # tinygan's own CMake package has all targets: tinygan::compiled, emulated and cuda as well.
        self.cpp_info.set_property("cmake_find_mode", "none")
        self.cpp_info.builddirs = [os.path.join("share", "cmake", "tinygan")]
        self.cpp_info.bindirs = []
        self.cpp_info.libdirs = []
        self.cpp_info.system_libs = ["pthread"]
