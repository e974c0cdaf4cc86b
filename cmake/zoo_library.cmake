# Settings that every target of the project shares.
add_library(zoo_settings INTERFACE)
target_include_directories(zoo_settings INTERFACE $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>)
target_compile_options(zoo_settings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wold-style-cast -Woverloaded-virtual -Wimplicit-fallthrough
  $<$<BOOL:${ZOO_WERROR}>:-Werror>
  # Some warnings that are silenced for single files are GCC's alone.
  $<$<CXX_COMPILER_ID:Clang>:-Wno-unknown-warning-option>)
if(ZOO_SANITIZE)
  target_compile_options(zoo_settings INTERFACE -fsanitize=${ZOO_SANITIZE} -fno-omit-frame-pointer
    -fno-sanitize-recover=all -g)
  target_link_options(zoo_settings INTERFACE -fsanitize=${ZOO_SANITIZE})
endif()

# zoo_library(NAME SOURCES ... HEADERS ... DEPENDS ... PRIVATE_DEPENDS ...): the library of one folder, as target
# zoo::NAME. HEADERS are those that programs outside the project may include; cmake/install.cmake installs them.
function(zoo_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;HEADERS;DEPENDS;PRIVATE_DEPENDS" ${ARGN})
  add_library(zoo_${name} STATIC ${ARG_SOURCES})
  add_library(zoo::${name} ALIAS zoo_${name})
  target_link_libraries(zoo_${name} PUBLIC zoo_settings ${ARG_DEPENDS} PRIVATE ${ARG_PRIVATE_DEPENDS})
  cmake_path(RELATIVE_PATH CMAKE_CURRENT_SOURCE_DIR BASE_DIRECTORY ${PROJECT_SOURCE_DIR} OUTPUT_VARIABLE folder)
  list(TRANSFORM ARG_HEADERS PREPEND ${folder}/)
  set_property(GLOBAL APPEND PROPERTY ZOO_LIBRARIES zoo_${name})
  set_property(GLOBAL APPEND PROPERTY ZOO_PUBLIC_HEADERS ${ARG_HEADERS})
endfunction()

# Half of the time that tests take to compile would go into reading these headers again and again. Precompiled headers are
# shared between programs of the same flags only, so this is a program too.
function(zoo_test_headers)
  add_executable(zoo_test_headers ${PROJECT_SOURCE_DIR}/tests/support/headers.cpp)
  target_link_libraries(zoo_test_headers PRIVATE zoo_test_settings GTest::gmock)
  target_precompile_headers(zoo_test_headers PRIVATE
    <algorithm> <filesystem> <fstream> <functional> <map> <memory> <optional> <sstream> <string> <vector>
    <fmt/format.h> <gmock/gmock.h> <gtest/gtest.h> <nlohmann/json.hpp>)
endfunction()

# Tests run for moments and compile for minutes, with sanitizers twice as long. With so little optimisation GCC 12 sees writes
# past the end of short strings and paths that are not there.
add_library(zoo_test_settings INTERFACE)
target_link_libraries(zoo_test_settings INTERFACE zoo_settings fmt::fmt)
target_compile_options(zoo_test_settings INTERFACE $<$<CONFIG:Release>:-O1> $<$<CONFIG:RelWithDebInfo>:-O0>
  $<$<CONFIG:Release>:-Wno-array-bounds> $<$<CONFIG:Release>:-Wno-stringop-overflow>)

# zoo_test(NAME SOURCES ... DEPENDS ... PROPERTIES ... ONLY ... EXCEPT ... LONG ...): one GoogleTest program; every suite of it
# becomes a CTest with these properties, as starting a program that links OpenCV takes longer than most tests. ONLY are
# patterns of GoogleTest's filter: what they match becomes one CTest. Tests that EXCEPT matches are left out. What tests
# measure or fetch stays out of the user's cache. LONG suites are begun first, so that none of them ends alone.
function(zoo_test name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS;PROPERTIES;ONLY;EXCEPT;LONG" ${ARGN})
  string(REPLACE ";" ":" only "${ARG_ONLY}")
  string(REPLACE ";" ":" except "${ARG_EXCEPT}")
  add_executable(test_${name} ${ARG_SOURCES})
  target_link_libraries(test_${name} PRIVATE zoo_test_settings ${ARG_DEPENDS} GTest::gmock GTest::gtest_main)
  target_precompile_headers(test_${name} REUSE_FROM zoo_test_headers)
  target_compile_definitions(test_${name} PRIVATE
    ZOO_SOURCE_DIR="${PROJECT_SOURCE_DIR}" ZOO_BINARY_DIR="${PROJECT_BINARY_DIR}")
  set(suites_file ${CMAKE_CURRENT_BINARY_DIR}/${name}_suites.cmake)
  file(GENERATE OUTPUT ${suites_file} CONTENT
"set(program [==[$<TARGET_FILE:test_${name}>]==])
set(prefix [==[${name}]==])
set(properties TIMEOUT 900 WORKING_DIRECTORY [==[${CMAKE_CURRENT_BINARY_DIR}]==]
  ENVIRONMENT_MODIFICATION [==[XDG_CACHE_HOME=set:${PROJECT_BINARY_DIR}/test-cache]==] ${ARG_PROPERTIES})
set(only [==[${only}]==])
set(except [==[${except}]==])
set(long_suites [==[${ARG_LONG}]==])
set(list_file [==[${CMAKE_CURRENT_BINARY_DIR}/${name}_tests.txt]==])
include([==[${PROJECT_SOURCE_DIR}/cmake/discover_suites.cmake]==])
")
  set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES ${suites_file})
endfunction()
