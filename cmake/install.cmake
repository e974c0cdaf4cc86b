# What `cmake --install BUILD --prefix P` installs: the program, one library with its headers, packages for CMake and
# pkg-config, the zoo's model files, the documentation. The tree may be moved: nothing in it names its own place.
include(CMakePackageConfigHelpers)

install(DIRECTORY ${PROJECT_BINARY_DIR}/public_headers/backbone_zoo DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
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
