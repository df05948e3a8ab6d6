# What is compiled for a program that wants more than the headers. Included by tinygan's own build and by its package; `tinygan_kernels`
# is the folder of the CUDA kernels, `tinygan_compiled_sources` that of the library's sources.
#
#   tinygan::compiled  a static library of the CPU's kernels and of the common templates, which the program's own files then do not
#                      compile again. It is built by the program's build, with the program's flags
#
# The devices besides the CPU are one source file each, compiled into whoever links the target:
#
#   tinygan::emulated  Device::emulated(): the CUDA kernels run on the CPU, for tests
#   tinygan::cuda      Device::cuda(i); there if the language CUDA is enabled. It links CUDA's static runtime, or the shared one if
#                      CMAKE_CUDA_RUNTIME_LIBRARY is Shared

# They are seen wherever tinygan::tinygan is: everywhere if this build made it, and where find_package() was called if that did.
get_target_property(tinygan_imported tinygan::tinygan IMPORTED)
set(tinygan_scope GLOBAL)
if(tinygan_imported)
  set(tinygan_scope "")
endif()

if(NOT TARGET tinygan::compiled)
  set(tinygan_parts functions kernels_float kernels_double ops_float ops_double ops_bfloat16 nn_float nn_double nn_bfloat16)
  list(TRANSFORM tinygan_parts REPLACE "(.+)" "${tinygan_compiled_sources}/\\1.cpp")
  add_library(tinygan_compiled STATIC EXCLUDE_FROM_ALL ${tinygan_parts})
  add_library(tinygan::compiled ALIAS tinygan_compiled)
  target_link_libraries(tinygan_compiled PUBLIC tinygan::tinygan)
  target_compile_definitions(tinygan_compiled PUBLIC TINYGAN_COMPILED)
endif()

if(NOT TARGET tinygan::emulated)
  add_library(tinygan::emulated INTERFACE IMPORTED ${tinygan_scope})
  set_property(TARGET tinygan::emulated PROPERTY INTERFACE_SOURCES ${tinygan_kernels}/tinygan_emulated.cpp)
  target_link_libraries(tinygan::emulated INTERFACE tinygan::tinygan)
endif()

if(CMAKE_CUDA_COMPILER AND NOT TARGET tinygan::cuda)
  find_package(CUDAToolkit REQUIRED)
  add_library(tinygan::cuda INTERFACE IMPORTED ${tinygan_scope})
  set_property(TARGET tinygan::cuda PROPERTY INTERFACE_SOURCES ${tinygan_kernels}/tinygan_cuda.cu)
  set(tinygan_cudart CUDA::cudart_static)
  if(CMAKE_CUDA_RUNTIME_LIBRARY STREQUAL "Shared")
    set(tinygan_cudart CUDA::cudart)
  endif()
  # CMake before 3.25.2 knows no C++20 for nvcc 12 and later, so the flag is passed by hand.
  target_compile_options(tinygan::cuda INTERFACE
                         $<$<COMPILE_LANG_AND_ID:CUDA,NVIDIA>:-std=c++20 --expt-relaxed-constexpr>)
  target_link_libraries(tinygan::cuda INTERFACE tinygan::tinygan ${tinygan_cudart})
endif()
