# The packages that tests, benchmarks and examples use besides the core: how each is found, for the build and, through cmake/probe,
# for the scripts that install what is missing. So what a script believes and what a build finds is one thing.
#
#   tinygan_find_packages(missing NAME...)   looks for the packages; the variable `missing` lists those that were not found
#
# A macro because imported targets belong to the folder that finds them. OpenBLAS counts as found with its library and a cblas.h: a
# cblas.h alone may be that of another BLAS.
macro(tinygan_find_packages missing)
  set(${missing} "")
  foreach(package ${ARGN})
    if(package STREQUAL "OpenBLAS")
      # Debian has them in folders of their own and, unless another BLAS was chosen, links to them.
      find_path(OPENBLAS_INCLUDE_DIR cblas.h PATH_SUFFIXES openblas openblas-pthread openblas-openmp openblas-serial)
      find_library(OPENBLAS_LIBRARY openblas PATH_SUFFIXES openblas-pthread openblas-openmp openblas-serial)
      if(OPENBLAS_INCLUDE_DIR AND OPENBLAS_LIBRARY)
        set(OpenBLAS_FOUND TRUE)
      else()
        set(OpenBLAS_FOUND FALSE)
      endif()
    else()
      find_package(${package} QUIET)
    endif()
    if(NOT ${package}_FOUND)
      list(APPEND ${missing} ${package})
    endif()
  endforeach()
endmacro()
