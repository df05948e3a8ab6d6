# The program of tests/consumers as a CMake consumer builds it, three times: header-only, with tinygan::compiled, and of a file of
# each kind. tinygan is its only dependency.
set(program ${CMAKE_CURRENT_LIST_DIR})
add_library(part SHARED ${program}/library.cpp)
target_link_libraries(part PRIVATE tinygan::tinygan)
add_library(other_part SHARED ${program}/other_library.cpp)
target_link_libraries(other_part PRIVATE tinygan::tinygan)
add_executable(program ${program}/main.cpp ${program}/second.cpp)
target_link_libraries(program PRIVATE part other_part tinygan::tinygan)

add_executable(compiled_program ${program}/main.cpp ${program}/second.cpp)
target_link_libraries(compiled_program PRIVATE part other_part tinygan::compiled)

add_library(compiled_part STATIC ${program}/second.cpp)
target_link_libraries(compiled_part PRIVATE tinygan::compiled)
add_executable(mixed_program ${program}/main.cpp)
target_link_libraries(mixed_program PRIVATE part other_part tinygan::tinygan compiled_part)
