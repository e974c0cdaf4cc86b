# Installs the project, moves what was installed, and builds docs/examples against it: with CMake, and with pkg-config
# and the compiler alone.
cmake_minimum_required(VERSION 3.22)

include(${CMAKE_CURRENT_LIST_DIR}/run.cmake)

set(prefix ${folder}/moved/here)
file(REMOVE_RECURSE ${folder})
run(${CMAKE_COMMAND} --install ${build_dir} --prefix ${folder}/installed)
file(MAKE_DIRECTORY ${folder}/moved)
file(RENAME ${folder}/installed ${prefix})

# The examples as they were installed.
file(GLOB examples ${prefix}/share/doc/backbone_zoo/examples/*)
list(APPEND examples ${CMAKE_CURRENT_LIST_DIR}/loads_modules)
foreach(example IN LISTS examples)
  cmake_path(GET example FILENAME name)
  run(${CMAKE_COMMAND} -S ${example} -B ${folder}/${name} -G ${generator} -DCMAKE_PREFIX_PATH=${prefix}
    -DCMAKE_CXX_COMPILER=${compiler} -DCMAKE_CXX_COMPILER_LAUNCHER=${launcher} "-DCMAKE_CXX_FLAGS=-Wall -Wextra -Werror")
  run(${CMAKE_COMMAND} --build ${folder}/${name})
endforeach()

file(GLOB_RECURSE pkgconfig_file ${prefix}/*/backbone_zoo.pc)
cmake_path(GET pkgconfig_file PARENT_PATH pkgconfig_dir)
set(ENV{PKG_CONFIG_PATH} ${pkgconfig_dir})
execute_process(COMMAND ${pkg_config} --cflags --libs backbone_zoo OUTPUT_VARIABLE flags COMMAND_ERROR_IS_FATAL ANY)
separate_arguments(flags UNIX_COMMAND "${flags}")
run(${compiler} -std=c++20 -Wall -Wextra -Werror ${prefix}/share/doc/backbone_zoo/examples/ten_lines/main.cpp
  -o ${folder}/ten_lines_by_pkg_config ${flags})
run(${compiler} -std=c++20 -Wall -Wextra -Werror ${CMAKE_CURRENT_LIST_DIR}/loads_modules/main.cpp
  -o ${folder}/loads_modules_by_pkg_config ${flags})
run(${folder}/loads_modules/loads_modules)
run(${folder}/loads_modules_by_pkg_config)

# Every installed header, in one unit.
file(GLOB_RECURSE headers RELATIVE ${prefix}/include ${prefix}/include/*.h)
list(TRANSFORM headers REPLACE "(.+)" "#include <\\1>\n")
list(JOIN headers "" text)
file(WRITE ${folder}/all_headers.cpp "${text}")
run(${compiler} -std=c++20 -Wall -Wextra -Werror -fsyntax-only ${folder}/all_headers.cpp ${flags})
