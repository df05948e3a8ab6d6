# cmake -D SOURCE=FOLDER -D OUTPUT=FILE -P source_commit.cmake
# Writes the git commit of SOURCE into the header OUTPUT, and leaves the file alone if it says so already.
execute_process(COMMAND git -C ${SOURCE} describe --always --dirty --abbrev=12 --exclude=*
                OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE failed ERROR_QUIET)
if(failed)
  set(commit "")
endif()
set(header "#define TINYGAN_SOURCE_COMMIT \"${commit}\"\n")
set(present "")
if(EXISTS ${OUTPUT})
  file(READ ${OUTPUT} present)
endif()
if(NOT present STREQUAL header)
  file(WRITE ${OUTPUT} ${header})
endif()
