# zoo_module(NAME OWNER target OPTION option PURPOSE text PACKAGE debian HEADER file NAMESPACE ns FACE type
#   SOURCES ... COPIES ... DEPENDS ... PRIVATE_DEPENDS ...)
#
# A part of the library that is loaded at its first use (nn/core/module.h). HEADER declares the table of functions FACE and
# `const FACE& NAMESPACE::NAME_module()`, which this makes for the OWNER; one of SOURCES defines
# `extern "C" const FACE* zoo_module_NAME()`. COPIES are sources of the OWNER that the module needs, too. DEPENDS are folders of the library, PRIVATE_DEPENDS what the module is there
# for. With ZOO_MODULES=OFF all of it becomes a part of OWNER; with OPTION=OFF it is left out and PRIVATE_DEPENDS need not
# exist.
set_property(GLOBAL PROPERTY ZOO_LINKED_DEPENDENCIES "")
set_property(GLOBAL PROPERTY ZOO_MODULE_TARGETS "")

function(zoo_module name)
  cmake_parse_arguments(ARG "" "OWNER;OPTION;PURPOSE;PACKAGE;HEADER;NAMESPACE;FACE" "SOURCES;COPIES;DEPENDS;PRIVATE_DEPENDS" ${ARGN})
  set(info "{\"${name}\", \"${ARG_PURPOSE}\", \"${ARG_OPTION}\", \"${ARG_PACKAGE}\"}")
  if(NOT ${ARG_OPTION})
    set(access "zoo::throw_left_out(${info});")
  elseif(ZOO_MODULES)
    string(CONCAT access "static const void* const face = zoo::load_module(${info});\n"
      "  return *static_cast<const ${ARG_FACE}*>(face);")
    add_library(backbone_zoo_${name} MODULE ${ARG_SOURCES} ${ARG_COPIES} ${PROJECT_SOURCE_DIR}/nn/core/module_version.cpp)
    set_target_properties(backbone_zoo_${name} PROPERTIES PREFIX "" CXX_VISIBILITY_PRESET hidden
      LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/modules BUILD_RPATH "\$ORIGIN" INSTALL_RPATH "\$ORIGIN")
    target_compile_definitions(backbone_zoo_${name} PRIVATE ZOO_MODULE_VERSION="${PROJECT_VERSION}")
    target_link_libraries(backbone_zoo_${name} PRIVATE zoo_settings ${ARG_DEPENDS} ${ARG_PRIVATE_DEPENDS})
    target_link_options(backbone_zoo_${name} PRIVATE -Wl,--exclude-libs,ALL
      $<$<NOT:$<BOOL:${ZOO_SANITIZE}>>:-Wl,--no-undefined>)
    add_dependencies(${ARG_OWNER} backbone_zoo_${name})
    set_property(GLOBAL APPEND PROPERTY ZOO_MODULE_TARGETS backbone_zoo_${name})
  else()
    set(access "return *zoo_module_${name}();")
    target_sources(${ARG_OWNER} PRIVATE ${ARG_SOURCES})
    target_link_libraries(${ARG_OWNER} PRIVATE ${ARG_PRIVATE_DEPENDS})
    get_property(libraries GLOBAL PROPERTY ZOO_LIBRARIES)
    if(ARG_OWNER IN_LIST libraries)
      set_property(GLOBAL APPEND PROPERTY ZOO_LINKED_DEPENDENCIES ${ARG_PRIVATE_DEPENDS})
    endif()
  endif()
  set(file ${CMAKE_CURRENT_BINARY_DIR}/${name}_access.cpp)
  configure_file(${PROJECT_SOURCE_DIR}/cmake/module_access.cpp.in ${file} @ONLY)
  target_sources(${ARG_OWNER} PRIVATE ${file})
endfunction()
