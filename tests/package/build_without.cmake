# Builds the zoo without everything that can be left out, on a machine that has none of it, and asks for it.
cmake_minimum_required(VERSION 3.22)
include(${CMAKE_CURRENT_LIST_DIR}/run.cmake)

file(REMOVE_RECURSE ${folder})
set(without "")
foreach(part CURL ONNX HIGHGUI FFMPEG CAPTURE HTTP REDIS MQTT PANGO)
  list(APPEND without -DZOO_WITH_${part}=OFF)
endforeach()
foreach(package CURL ONNX Protobuf)
  list(APPEND without -DCMAKE_DISABLE_FIND_PACKAGE_${package}=ON)
endforeach()
run(${CMAKE_COMMAND} -S ${source_dir}/tests/package/subproject -B ${folder} -G ${generator} -DZOO_SOURCE_DIR=${source_dir}
  -DGIVEN_BUILD_TYPE= -DZOO_BUILD_APPS=ON -DAPPS_ARE_WANTED=ON -DZOO_WERROR=${warnings_are_errors} ${without}
  -DCMAKE_CXX_FLAGS=${flags} -DCMAKE_CXX_COMPILER=${compiler} -DCMAKE_CXX_COMPILER_LAUNCHER=${launcher})
run(${CMAKE_COMMAND} --build ${folder} --target left_out backbone-zoo)
run(${folder}/left_out)

set(demo ${source_dir}/configs/demo)
set(ENV{DISPLAY} :99)
execute_process(COMMAND ${folder}/zoo/apps/backbone-zoo predict ${demo}/emoji.yaml --source ${demo}/samples/dog.jpg --show
  RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
if(NOT output MATCHES "showing a window is not in this build of the zoo, which was made with ZOO_WITH_HIGHGUI=OFF")
  message(FATAL_ERROR "predict --show without windows: ${result}\n${output}")
endif()
execute_process(COMMAND ${folder}/zoo/apps/backbone-zoo predict ${demo}/emoji.yaml --source ${demo}/samples/clip.mp4
  RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
if(result EQUAL 0 OR NOT output MATCHES "reading and writing videos is not in this build of the zoo, which was made with ZOO_WITH_FFMPEG=OFF")
  message(FATAL_ERROR "predict of a video without FFmpeg: ${result}\n${output}")
endif()
