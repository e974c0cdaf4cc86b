// Parts of the library that drag many shared libraries along: a window toolkit, downloading, ONNX. Each is a module, a
// shared object beside the library that is loaded when it is first needed, so that a run pays for what it uses.
//
// A module hands out one table of functions, its face, from a function `zoo_module_NAME` with C linkage. It holds
// copies of the folders below it: what it throws is caught as what it is, but nothing that changes is shared through
// statics. cmake/zoo_module.cmake makes them, or links them in (ZOO_MODULES=OFF), or leaves them out
// (ZOO_WITH_...=OFF).
#pragma once

#include <string_view>

namespace zoo {

struct ModuleInfo {
  std::string_view name;     ///< "http": the file is backbone_zoo_http.so
  std::string_view purpose;  ///< for messages: "downloading"
  std::string_view option;   ///< the build option that leaves it out
  std::string_view package;  ///< Debian's package of what it needs; may be empty
};

/// Loads a module, once, and yields its face. It is looked for in the folder that the variable ZOO_MODULE_PATH names,
/// then where the dynamic linker looks for the program or shared object that holds this library (its run path, which
/// the build and the installed packages set; LD_LIBRARY_PATH). It stays loaded, for its libraries may have threads.
/// Throws Error saying what is missing: the module, one of its libraries, or the same version. Thread-safe.
const void* load_module(const ModuleInfo& info);

/// Throws the Error of a build without this module.
[[noreturn]] void throw_left_out(const ModuleInfo& info);

}  // namespace zoo
