# One copy of tinygan in a build: the first that add_subdirectory(), FetchContent or find_package() brings along is everybody's.
# Included by tinygan's own build and by its package.
#
#   tinygan_mark_copy(target version folder)          the version and the folder of tinygan's target
#   tinygan_find_copy(found conflict version folder)  found: whether the build has a copy; conflict: empty, or why that cannot stand in
#                                                     for tinygan `version` of `folder`

function(tinygan_mark_copy target version folder)
  set_target_properties(${target} PROPERTIES TINYGAN_VERSION "${version}" TINYGAN_FOLDER "${folder}")
endfunction()

function(tinygan_find_copy found conflict version folder)
  set(${found} FALSE PARENT_SCOPE)
  set(${conflict} "" PARENT_SCOPE)
  if(NOT TARGET tinygan::tinygan)
    return()
  endif()
  set(${found} TRUE PARENT_SCOPE)
  get_target_property(first_version tinygan::tinygan TINYGAN_VERSION)
  get_target_property(first_folder tinygan::tinygan TINYGAN_FOLDER)
  # As find_package() has it: versions that share major and minor are compatible.
  string(REGEX MATCH "^[0-9]+\\.[0-9]+" ours "${version}")
  string(REGEX MATCH "^[0-9]+\\.[0-9]+" first "${first_version}")
  if(first_version AND NOT first STREQUAL ours)
    set(${conflict} "tinygan ${version} of ${folder} cannot be added: this build already has tinygan ${first_version} of \
${first_folder}" PARENT_SCOPE)
  elseif(first_folder AND NOT first_folder STREQUAL folder)
    message(STATUS "tinygan of ${folder} is not used: this build already has that of ${first_folder}")
  endif()
endfunction()
