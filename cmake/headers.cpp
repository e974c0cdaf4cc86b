// The target whose precompiled headers the libraries use (cmake/zoo_library.cmake).
