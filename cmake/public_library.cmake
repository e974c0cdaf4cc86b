# backbone_zoo::backbone_zoo, all folders as one archive, for programs of this build and for those of the installed
# package. Its headers are <backbone_zoo/zoo.h> and <backbone_zoo/FOLDER/...> in both.
get_property(zoo_libraries GLOBAL PROPERTY ZOO_LIBRARIES)
get_property(linked_dependencies GLOBAL PROPERTY ZOO_LINKED_DEPENDENCIES)
set(modules_dir ${CMAKE_INSTALL_LIBDIR}/backbone_zoo)
add_library(backbone_zoo STATIC)
add_library(backbone_zoo::backbone_zoo ALIAS backbone_zoo)
foreach(library IN LISTS zoo_libraries)
  target_sources(backbone_zoo PRIVATE $<TARGET_OBJECTS:${library}>)
endforeach()
set_target_properties(backbone_zoo PROPERTIES LINKER_LANGUAGE CXX)
target_compile_features(backbone_zoo INTERFACE cxx_std_20)
target_link_libraries(backbone_zoo
  PUBLIC opencv_core opencv_imgproc Threads::Threads
  PRIVATE fmt::fmt yaml-cpp PkgConfig::libzip DNNL::dnnl OpenMP::OpenMP_CXX JPEG::JPEG PNG::PNG TIFF::TIFF PkgConfig::libwebp ZLIB::ZLIB
    OpenSSL::Crypto ${CMAKE_DL_LIBS} ${linked_dependencies})
# Where a program that links the archive finds the modules.
if(ZOO_MODULES)
  target_link_options(backbone_zoo INTERFACE
    $<BUILD_INTERFACE:-Wl,-rpath,${PROJECT_BINARY_DIR}/modules>
    $<INSTALL_INTERFACE:-Wl,-rpath,$<INSTALL_PREFIX>/${modules_dir}>)
endif()

# Headers include each other from the source root; a user's from <backbone_zoo/...>, so that no name of a folder
# ("models/", "pipeline/") gets onto their include path.
set(public_dir ${PROJECT_BINARY_DIR}/public_headers)
get_property(headers GLOBAL PROPERTY ZOO_PUBLIC_HEADERS)
list(TRANSFORM headers PREPEND ${PROJECT_SOURCE_DIR}/ OUTPUT_VARIABLE header_files)
add_custom_command(OUTPUT ${public_dir}/made
  COMMAND ${CMAKE_COMMAND} -D source_dir=${PROJECT_SOURCE_DIR} -D public_dir=${public_dir}/backbone_zoo "-Dheaders=${headers}"
    -P ${CMAKE_CURRENT_LIST_DIR}/public_headers.cmake
  COMMAND ${CMAKE_COMMAND} -E touch ${public_dir}/made
  DEPENDS ${header_files} ${CMAKE_CURRENT_LIST_DIR}/public_headers.cmake
  COMMENT "Public headers" VERBATIM)
add_custom_target(zoo_public_headers DEPENDS ${public_dir}/made)
get_property(modules GLOBAL PROPERTY ZOO_MODULE_TARGETS)
add_dependencies(backbone_zoo zoo_public_headers ${modules})
target_include_directories(backbone_zoo
  INTERFACE $<BUILD_INTERFACE:${public_dir}> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)

# What the archive needs was found in this folder's scope; programs of the project around it link it, too.
if(NOT PROJECT_IS_TOP_LEVEL)
  get_property(found DIRECTORY PROPERTY IMPORTED_TARGETS)
  foreach(target IN LISTS found)
    set_target_properties(${target} PROPERTIES IMPORTED_GLOBAL TRUE)
  endforeach()
endif()
