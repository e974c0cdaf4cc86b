# Builds a project that has the zoo as a part. The compiler's options are those of the build around the test, so that
# ccache has most of it.
cmake_minimum_required(VERSION 3.22)
include(${CMAKE_CURRENT_LIST_DIR}/run.cmake)

file(REMOVE_RECURSE ${folder})
run(${CMAKE_COMMAND} -S ${source_dir}/tests/package/subproject -B ${folder} -G ${generator} -DZOO_SOURCE_DIR=${source_dir}
  -DGIVEN_BUILD_TYPE= -DZOO_WERROR=${warnings_are_errors}
  -DCMAKE_CXX_FLAGS=${flags} -DCMAKE_CXX_COMPILER=${compiler} -DCMAKE_CXX_COMPILER_LAUNCHER=${launcher})
run(${CMAKE_COMMAND} --build ${folder} --target ten_lines)
execute_process(COMMAND ${folder}/ten_lines ${source_dir}/configs/demo/samples/apple.jpg WORKING_DIRECTORY ${folder}
  RESULT_VARIABLE result ERROR_VARIABLE message)
if(NOT result EQUAL 1 OR NOT message MATCHES "^configs/timm/mobilenetv4_conv_small.yaml: ")
  message(FATAL_ERROR "ten_lines without its model file: ${result}\n${message}")
endif()
