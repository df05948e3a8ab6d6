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
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/tinygan)
