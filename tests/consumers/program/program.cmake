# The program of tests/consumers as a CMake consumer builds it; tinygan::tinygan is its only dependency.
set(program ${CMAKE_CURRENT_LIST_DIR})
add_library(part SHARED ${program}/library.cpp)
target_link_libraries(part PRIVATE tinygan::tinygan)
add_executable(program ${program}/main.cpp ${program}/second.cpp)
target_link_libraries(program PRIVATE part tinygan::tinygan)
