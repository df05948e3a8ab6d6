# Decides whether the CUDA backend is built, and enables the language CUDA if so.
#
#   AUTO  at top level, where nvcc and a GPU are there; in a project that includes tinygan, where that enabled CUDA
#   ON    wherever nvcc is there, and an error elsewhere
#   OFF   never
# Architectures, unless CMAKE_CUDA_ARCHITECTURES says otherwise: the GPUs of this machine, and without one all that tinygan
# supports, which takes minutes to compile.

set(cuda_wanted FALSE)
set(gpu_architectures "")
if(TINYGAN_SANITIZE)
  # The sanitizers watch the emulated device, which runs the same kernels.
elseif(CMAKE_CUDA_COMPILER AND NOT TINYGAN_ENABLE_CUDA STREQUAL "OFF")
  set(cuda_wanted TRUE)
elseif(TINYGAN_ENABLE_CUDA STREQUAL "ON" OR (TINYGAN_ENABLE_CUDA STREQUAL "AUTO" AND PROJECT_IS_TOP_LEVEL))
  find_program(TINYGAN_NVIDIA_SMI nvidia-smi)
  if(TINYGAN_NVIDIA_SMI)
    execute_process(COMMAND ${TINYGAN_NVIDIA_SMI} --query-gpu=compute_cap --format=csv,noheader
                    OUTPUT_VARIABLE capabilities RESULT_VARIABLE failed ERROR_QUIET)
    if(NOT failed AND capabilities MATCHES "[0-9]+\\.[0-9]")
      string(REGEX MATCHALL "[0-9]+\\.[0-9]" capabilities "${capabilities}")
      string(REPLACE "." "" gpu_architectures "${capabilities}")
      list(REMOVE_DUPLICATES gpu_architectures)
      list(TRANSFORM gpu_architectures REPLACE "^90$" "90a")
    endif()
  endif()
  if(TINYGAN_ENABLE_CUDA STREQUAL "ON" OR gpu_architectures)
    include(CheckLanguage)
    check_language(CUDA)
    if(CMAKE_CUDA_COMPILER)
      set(cuda_wanted TRUE)
    elseif(TINYGAN_ENABLE_CUDA STREQUAL "ON")
      message(FATAL_ERROR "TINYGAN_ENABLE_CUDA=ON: no CUDA compiler found; put nvcc on the PATH or set CMAKE_CUDA_COMPILER")
    else()
      message(STATUS "NOT building the CUDA backend: a GPU was found, but no nvcc")
    endif()
  else()
    message(STATUS "NOT building the CUDA backend: no GPU found (TINYGAN_ENABLE_CUDA=ON builds it all the same)")
  endif()
endif()

if(cuda_wanted)
  if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES AND PROJECT_IS_TOP_LEVEL)
    if(gpu_architectures)
      set(CMAKE_CUDA_ARCHITECTURES ${gpu_architectures})
    else()
      set(CMAKE_CUDA_ARCHITECTURES 75 80 86 89 90a 100 120)
    endif()
  endif()
  enable_language(CUDA)
endif()
