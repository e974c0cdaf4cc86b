# Read by ctest, which has set `program`, `prefix`, `properties` (names and values), `only`, `except` (patterns, see
# zoo_test), `long_suites` and `list_file`: adds one test per suite of a GoogleTest program. A suite is what TEST, TEST_F and TEST_P call
# so, with all instantiations of it; one of many tests is cut into shards, so that all cores have work.

cmake_policy(VERSION 3.22)  # ctest starts without any

set(tests_per_shard 150)
# A suite that this machine can run no test of is shown as such; nothing may have failed.
list(APPEND properties SKIP_REGULAR_EXPRESSION "PASSED  \\] 0 tests\\.\n\\[  SKIPPED \\] [0-9]+ tests?\\.\n$")

if(only)
  add_test("${prefix}" "${program}" "--gtest_filter=${only}-${except}" --gtest_brief=1)
  set_tests_properties("${prefix}" PROPERTIES ${properties})
  return()
endif()

# The list is made anew after each build of the program, as starting it takes longer than reading it.
if(NOT EXISTS "${list_file}" OR "${program}" IS_NEWER_THAN "${list_file}")
  execute_process(COMMAND "${program}" --gtest_list_tests
    OUTPUT_VARIABLE listed ERROR_VARIABLE problem RESULT_VARIABLE result)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "${program} --gtest_list_tests: ${result}\n${problem}")
  endif()
  file(WRITE "${list_file}" "${listed}")
endif()
file(STRINGS "${list_file}" lines REGEX "^( +[^ ]|[A-Za-z0-9_/]+\\.)")

set(suites "")
set(suite "")
foreach(line IN LISTS lines)
  if(line MATCHES "^ ")
    math(EXPR tests_of_${suite} "${tests_of_${suite}} + 1")
  else()
    # "Instantiation/Suite." or "Suite/0.": neither part is the suite's name.
    string(REGEX REPLACE "\\..*" "" suite "${line}")
    string(REGEX REPLACE "/[0-9]+$" "" suite "${suite}")
    string(REGEX REPLACE ".*/" "" suite "${suite}")
    if(NOT suite IN_LIST suites)
      list(APPEND suites ${suite})
      set(tests_of_${suite} 0)
    endif()
  endif()
endforeach()
if(NOT suites)
  message(FATAL_ERROR "${program} lists no tests")
endif()

foreach(suite IN LISTS suites)
  set(cost "")
  if(suite IN_LIST long_suites)
    set(cost COST 100)
  endif()
  set(filter "--gtest_filter=${suite}.*:${suite}/*.*:*/${suite}.*:*/${suite}/*.*-${except}")
  math(EXPR shards "(${tests_of_${suite}} + ${tests_per_shard} - 1) / ${tests_per_shard}")
  if(shards LESS_EQUAL 1)
    add_test("${prefix}.${suite}" "${program}" "${filter}" --gtest_brief=1)
    set_tests_properties("${prefix}.${suite}" PROPERTIES ${properties} ${cost})
  else()
    foreach(shard RANGE 1 ${shards})
      math(EXPR index "${shard} - 1")
      add_test("${prefix}.${suite}.${shard}" "${program}" "${filter}" --gtest_brief=1)
      set_tests_properties("${prefix}.${suite}.${shard}" PROPERTIES ${properties} ${cost}
        ENVIRONMENT "GTEST_TOTAL_SHARDS=${shards};GTEST_SHARD_INDEX=${index}")
    endforeach()
  endif()
endforeach()
