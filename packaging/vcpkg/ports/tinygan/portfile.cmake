# An overlay port: it installs the headers and kernels of the checkout that it lies in, so there is nothing to download.
get_filename_component(SOURCE_PATH "${CMAKE_CURRENT_LIST_DIR}/../../../.." ABSOLUTE)
if(NOT EXISTS "${SOURCE_PATH}/include/tinygan/base/version.hpp")
  message(FATAL_ERROR "the port tinygan is used where it lies, in packaging/vcpkg/ports of tinygan's sources; "
                      "${SOURCE_PATH} is not that: pass its folder as --overlay-ports instead of a copy")
endif()

set(VCPKG_BUILD_TYPE release)  # header-only
vcpkg_cmake_configure(
  SOURCE_PATH "${SOURCE_PATH}"
  OPTIONS
    -DTINYGAN_INSTALL=ON
    -DTINYGAN_BUILD_TESTS=OFF
    -DTINYGAN_BUILD_BENCH=OFF
    -DTINYGAN_BUILD_EXAMPLES=OFF
    -DTINYGAN_ENABLE_CUDA=OFF  # tinygan::cuda is compiled by the program that links it
)
vcpkg_cmake_install()
vcpkg_cmake_config_fixup(CONFIG_PATH share/cmake/tinygan)
vcpkg_fixup_pkgconfig()

file(REMOVE_RECURSE "${CURRENT_PACKAGES_DIR}/share/doc")  # the licence, which vcpkg wants elsewhere
vcpkg_install_copyright(FILE_LIST "${SOURCE_PATH}/LICENSE")
file(INSTALL "${CMAKE_CURRENT_LIST_DIR}/usage" DESTINATION "${CURRENT_PACKAGES_DIR}/share/${PORT}")
