# What `cmake --install BUILD --prefix P` installs: the program, one library with its headers, packages for CMake and
# pkg-config, the zoo's model files, the documentation. The tree may be moved: nothing in it names its own place.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# One archive of all folders. Its dependencies are those of the folders; tests/package links programs against it.
get_property(zoo_libraries GLOBAL PROPERTY ZOO_LIBRARIES)
add_library(backbone_zoo STATIC)
foreach(library IN LISTS zoo_libraries)
  target_sources(backbone_zoo PRIVATE $<TARGET_OBJECTS:${library}>)
endforeach()
set_target_properties(backbone_zoo PROPERTIES LINKER_LANGUAGE CXX)
target_compile_features(backbone_zoo INTERFACE cxx_std_20)
target_include_directories(backbone_zoo INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
target_link_libraries(backbone_zoo
  PUBLIC opencv_core opencv_imgproc opencv_imgcodecs opencv_videoio Threads::Threads
  PRIVATE fmt::fmt yaml-cpp PkgConfig::libzip PkgConfig::libav DNNL::dnnl OpenMP::OpenMP_CXX JPEG::JPEG PNG::PNG ZLIB::ZLIB
    CURL::libcurl OpenSSL::Crypto ONNX::onnx ONNX::onnx_proto protobuf::libprotobuf)

# Headers include each other from the source root; installed, from <backbone_zoo/...>, so that no name of a folder
# ("models/", "pipeline/") gets onto a user's include path.
get_property(headers GLOBAL PROPERTY ZOO_PUBLIC_HEADERS)
install(CODE "
  set(headers \"${headers}\")
  set(source_dir \"${PROJECT_SOURCE_DIR}\")
  set(public_dir \"${PROJECT_BINARY_DIR}/public_headers\")")
install(SCRIPT ${CMAKE_CURRENT_LIST_DIR}/public_headers.cmake)
install(DIRECTORY ${PROJECT_BINARY_DIR}/public_headers/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/backbone_zoo)

install(TARGETS backbone_zoo EXPORT backbone_zoo-targets)
if(ZOO_BUILD_APPS)
  install(TARGETS backbone-zoo)
endif()
install(DIRECTORY configs DESTINATION ${CMAKE_INSTALL_DATADIR}/backbone_zoo)
install(DIRECTORY docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/backbone_zoo)
install(EXPORT backbone_zoo-targets NAMESPACE backbone_zoo:: DESTINATION ${package_dir})
configure_package_config_file(cmake/backbone_zoo-config.cmake.in backbone_zoo-config.cmake
  INSTALL_DESTINATION ${package_dir} PATH_VARS CMAKE_INSTALL_DATADIR)
write_basic_package_version_file(backbone_zoo-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/backbone_zoo-config.cmake ${PROJECT_BINARY_DIR}/backbone_zoo-config-version.cmake
  DESTINATION ${package_dir})

set(pkgconfig_dir ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
file(RELATIVE_PATH prefix_from_pkgconfig /${pkgconfig_dir} /)
string(REGEX REPLACE "/$" "" prefix_from_pkgconfig ${prefix_from_pkgconfig})
list(GET OpenCV_INCLUDE_DIRS 0 opencv_include_dir)
configure_file(cmake/backbone_zoo.pc.in backbone_zoo.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/backbone_zoo.pc DESTINATION ${pkgconfig_dir})
