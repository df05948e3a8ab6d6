# The headers and the package that find_package(tinygan) finds.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

set(package_dir ${CMAKE_INSTALL_DATADIR}/cmake/tinygan)

install(DIRECTORY include/tinygan DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.hpp")
install(TARGETS tinygan EXPORT tinygan-targets INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT tinygan-targets FILE tinyganTargets.cmake NAMESPACE tinygan:: DESTINATION ${package_dir})

set(kernels_dir ${CMAKE_INSTALL_DATADIR}/tinygan/kernels)
install(DIRECTORY kernels/ DESTINATION ${kernels_dir}
        FILES_MATCHING PATTERN "*.hpp" PATTERN "*.cuh" PATTERN "*.cu" PATTERN "*.cpp")
set(compiled_dir ${CMAKE_INSTALL_DATADIR}/tinygan/compiled)
install(DIRECTORY cmake/compiled/ DESTINATION ${compiled_dir} FILES_MATCHING PATTERN "*.cpp")
install(FILES cmake/tinyganKernels.cmake cmake/tinyganOneCopy.cmake DESTINATION ${package_dir})

configure_package_config_file(cmake/tinyganConfig.cmake.in ${CMAKE_CURRENT_BINARY_DIR}/tinyganConfig.cmake
                              INSTALL_DESTINATION ${package_dir} PATH_VARS kernels_dir compiled_dir)
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/tinyganConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/tinyganConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/tinyganConfigVersion.cmake
        DESTINATION ${package_dir})
# For builds without CMake: it finds the headers from where it lies itself, so the prefix may move.
configure_file(cmake/tinygan.pc.in ${CMAKE_CURRENT_BINARY_DIR}/tinygan.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/tinygan.pc DESTINATION ${CMAKE_INSTALL_DATADIR}/pkgconfig)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/tinygan)

# A Debian package of the headers, by `cpack -G DEB` in the build folder.
set(CPACK_PACKAGE_NAME libtinygan-dev)
set(CPACK_PACKAGE_CONTACT "the tinygan maintainers <tinygan@users.noreply.github.com>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY ${PROJECT_DESCRIPTION})
set(CPACK_RESOURCE_FILE_LICENSE ${PROJECT_SOURCE_DIR}/LICENSE)
set(CPACK_STRIP_FILES OFF)
set(CPACK_GENERATOR DEB)
set(CPACK_DEBIAN_PACKAGE_ARCHITECTURE all)
set(CPACK_DEBIAN_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
if(PROJECT_IS_TOP_LEVEL)
  include(CPack)
endif()
